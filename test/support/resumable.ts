/**
 * Clients of resumable streams that see every byte, and lose their connection where the test says.
 */
import { request } from 'node:http'
import { HELLO } from './chat-client.ts'
import { lastIdOf } from '../../stream-log/frame-text.ts'

/** What came before a connection was cut. */
export interface Cut {
  readonly status: number
  /** `x-gateway-stream-id` */
  readonly id: string
  /** Whole frames only: what an event source would have heard. */
  readonly text: string
  /** Of the last of them; 0: none. */
  readonly lastId: number
  /** The stream ended before the cut. */
  readonly ended: boolean
}

/** Asks for a stream, and cuts the connection after so many bytes of its body; Infinity: never. */
export async function cutAfter (url: string, bytes: number, { method = 'POST', headers = {}, body = { ...HELLO, stream: true }, onBegun = () => {} }: { method?: 'GET' | 'POST', headers?: Record<string, string>, body?: object, onBegun?: () => void } = {}): Promise<Cut> {
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false, headers: { ...(method === 'POST' ? { 'content-type': 'application/json', 'x-gateway-resumable': 'true' } : {}), ...headers } }, response => {
      const id = String(response.headers['x-gateway-stream-id'])
      let received = Buffer.alloc(0)
      const settle = (ended: boolean) => {
        const text = received.toString('utf8', 0, ended ? received.length : received.lastIndexOf('\n\n') + 2)
        const whole = text.endsWith('\n\n') ? text : ''
        resolve({ status: response.statusCode ?? 0, id, text: whole, lastId: lastIdOf(whole), ended })
      }
      if (response.statusCode === 200) response.once('data', () => onBegun())
      response.on('data', (piece: Buffer) => {
        received = Buffer.concat([received, piece])
        if (received.length < bytes) return
        received = received.subarray(0, bytes)
        response.destroy()
        settle(false)
      })
      response.on('end', () => settle(true))
      response.on('error', () => {})
      response.on('close', () => settle(false)) // where the server has died
    })
    asked.on('error', reject)
    asked.end(method === 'POST' ? JSON.stringify(body) : undefined)
  })
}

/** Where a stream is not found in so many tries, it is not that the machine is busy. */
const MAX_TRIES = 20

/**
 * What is left of a stream: all of it, after the frame given, or so many bytes. It is asked for again where it is not found or
 * cannot be looked for: on a busy machine its first frames may take long to be stored.
 */
export async function joinAfter (url: string, id: string, lastId: number, bytes = Infinity, onBegun = () => {}): Promise<Cut> {
  for (let tries = 1; ; tries++) {
    const cut = await cutAfter(`${url}/v1/streams/${id}`, bytes, { method: 'GET', headers: lastId === 0 ? {} : { 'last-event-id': String(lastId) }, onBegun })
    if (cut.status === 200 || tries === MAX_TRIES) return cut
  }
}

/** Reads a stream to its end; resolves when it has something of it, or never will. */
export async function reading (url: string, id: string): Promise<{ readonly whole: Promise<Cut> }> {
  return await new Promise((resolve, reject) => {
    const whole = joinAfter(url, id, 0, Infinity, () => resolve({ whole }))
    whole.then(() => resolve({ whole }), reject)
  })
}
