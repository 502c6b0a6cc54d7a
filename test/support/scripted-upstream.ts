/**
 * A server that speaks the chat completions format over real sockets, and does in each request exactly what the test
 * says.
 *
 *     const upstream = await scriptedUpstream(t)
 *     const more = Promise.withResolvers<void>()
 *     upstream.next(status(503), streaming(text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
 *     …                                  // first request: 503; second: a stream that waits in the middle
 *     more.resolve()
 *     (await upstream.request(2)).body   // what was asked, as it was sent
 *     await (await upstream.request(2)).closed   // 'finished', or 'aborted' if the gateway cut it
 *
 * A request that no script is left for is answered by `upstream.otherwise`: "Hello, world", streamed or not as asked.
 */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** One request as it arrived. */
export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** The body as sent. */
  readonly text: string
  /** The same, parsed; empty if it was no JSON object. */
  readonly body: JsonObject
  /** How its exchange ended: `finished` if the script came to its end, `aborted` if the connection closed before. */
  readonly closed: Promise<'finished' | 'aborted'>
}

/** What to do with one request. The response is ended afterwards, unless the script did it, or destroyed it. */
export type Script = (response: ServerResponse, request: ReceivedRequest) => Promise<void> | void

/** Breaks the connection at this point. */
export const CUT: unique symbol = Symbol('cut')
/** The terminal event. */
export const DONE = 'data: [DONE]\n\n'

/** Of a stream: bytes as they are, an object to be sent as an event, a promise to wait for, or the connection's end. */
export type Step = string | Uint8Array | JsonObject | Promise<unknown> | typeof CUT

/** Status, headers and a JSON (or other) body. */
export function status (code: number, body: unknown = { error: { message: `scripted ${code}`, type: 'scripted', code: null } }, headers: OutgoingHttpHeaders = {}): Script {
  return response => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

/** An event stream of these steps. Headers leave at once. */
export function streaming (...steps: readonly Step[]): Script {
  return streamingAs('text/event-stream', ...steps)
}

/** The same in another format, of which the steps are bytes. */
export function streamingAs (contentType: string, ...steps: readonly Step[]): Script {
  return async response => {
    response.writeHead(200, { 'content-type': contentType })
    response.flushHeaders()
    for (const step of steps) {
      if (step instanceof Promise) await step
      else if (step === CUT) await cut(response)
      else response.write(bytesOf(step))
      if (response.destroyed) return
    }
  }
}

/** What is sent of a step. Throws for one that sends nothing. */
export function bytesOf (step: Step): string | Uint8Array {
  if (step instanceof Promise || step === CUT) throw new Error('a step without bytes')
  return typeof step === 'string' || step instanceof Uint8Array ? step : `data: ${JSON.stringify(step)}\n\n`
}

/** A complete answer, streamed (in pieces of one word) or whole, as the request asks, with usage. */
export function answering (content: string): Script {
  return async (response, request) => {
    if (request.body['stream'] === true) {
      const words = content.split(/(?<= )/).map(word => text(word))
      await streaming(role(), ...words, finish('stop'), usage(), DONE)(response, request)
      return
    }
    await status(200, completion(content))(response, request)
  }
}

/** Waits, then goes on with another script; the way to hold a request before its headers. */
export function after (pause: Promise<unknown>, script: Script): Script {
  return async (response, request) => {
    await pause
    await script(response, request)
  }
}

/** Closes the connection without a word. */
export const hangUp: Script = async response => await cut(response)

/** A chunk with this delta. */
export function chunk (delta: JsonObject, finishReason: string | null = null): JsonObject {
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'scripted', choices: [{ index: 0, delta, finish_reason: finishReason }] }
}

/** The first chunk of most providers, which holds no output. */
export const role = (): JsonObject => chunk({ role: 'assistant', content: '' })
export const text = (content: string): JsonObject => chunk({ content })
export const finish = (reason: string): JsonObject => chunk({}, reason)
/** The chunk with the token counts, which is the last one. */
export const usage = (counts = COUNTS): JsonObject => ({ ...chunk({}), choices: [], usage: usageOf(counts) })

/** A whole answer. */
export function completion (content: string): JsonObject {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'scripted',
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage: usageOf(COUNTS)
  }
}

/** Token counts. */
export interface Counts {
  readonly prompt: number
  readonly completion: number
}

/** What an answer is said to have cost, where a test does not say. */
export const COUNTS: Counts = { prompt: 3, completion: 5 }

/** The value of `usage`. */
export function usageOf ({ prompt, completion }: Counts): JsonObject {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}

/** The server; closed, connections and all, at the end of the test. */
export class ScriptedUpstream {
  /** All requests so far. */
  readonly requests: ReceivedRequest[] = []
  /** For requests that no script is left for. */
  otherwise: Script = answering('Hello, world')
  readonly #scripts: Script[] = []
  readonly #sockets = new Set<Socket>()
  readonly #waiting: Array<{ readonly count: number, readonly resolve: () => void }> = []
  readonly #server: Server

  constructor () {
    this.#server = createServer((request, response) => { void this.#handle(request, response) })
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  /** `http://127.0.0.1:<port>/v1`, as `OPENAI_BASE_URL` wants it. */
  get baseURL (): string { return `${this.origin}/v1` }

  get origin (): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** Connections that are open, idle ones of the gateway's pool included. */
  get openSockets (): number { return this.#sockets.size }

  /** Scripts for the next requests, one each, in order of arrival. */
  next (...scripts: readonly Script[]): void {
    this.#scripts.push(...scripts)
  }

  /** The n-th request (from 1), as soon as it is there. */
  async request (count: number): Promise<ReceivedRequest> {
    if (this.requests.length < count) await new Promise<void>(resolve => { this.#waiting.push({ count, resolve }) })
    const request = this.requests[count - 1]
    if (request === undefined) throw new Error(`there was no request ${count}`)
    return request
  }

  async listen (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(0, '127.0.0.1', resolve) })
  }

  /** Nothing listens there any more; everything open is cut. */
  async close (): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => { this.#server.close(() => resolve()) })
    this.#server.closeAllConnections()
    await closed
  }

  async #handle (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = Promise.withResolvers<'finished' | 'aborted'>()
    response.once('close', () => closed.resolve(response.writableFinished ? 'finished' : 'aborted'))
    response.on('error', () => {}) // a write after the gateway left
    let body = ''
    try {
      for await (const bytes of request.setEncoding('utf8')) body += String(bytes)
    } catch {
      return // it left before it had said what it wanted
    }
    const received: ReceivedRequest = {
      method: request.method ?? '', url: request.url ?? '', headers: request.headers, text: body, body: objectOf(body), closed: closed.promise
    }
    this.requests.push(received)
    for (const { count, resolve } of this.#waiting) if (count <= this.requests.length) resolve()
    await (this.#scripts.shift() ?? this.otherwise)(response, received)
    if (!response.writableEnded && !response.destroyed) response.end()
  }
}

/** Starts one, for as long as the test runs. */
export async function scriptedUpstream (t: Test): Promise<ScriptedUpstream> {
  const upstream = new ScriptedUpstream()
  await upstream.listen()
  t.teardown(async () => await upstream.close())
  return upstream
}

/** After what was written has left: a cut that overtakes its own bytes would test something else. */
async function cut (response: ServerResponse): Promise<void> {
  const { socket } = response
  if (socket === null) return
  await new Promise<void>(resolve => { socket.write('', () => resolve()) })
  socket.destroy()
}

function objectOf (text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : {}
  } catch {
    return {}
  }
}

/** Resolves when more can be written, or nothing can any more. */
export async function room (response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => {
    const go = () => {
      response.removeListener('drain', go)
      response.removeListener('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
  })
}
