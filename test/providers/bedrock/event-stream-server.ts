import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { crc32 } from 'node:zlib'

/** One frame of an AWS event stream: lengths, their checksum, headers, payload, checksum of it all. */
export function frame (headers: Readonly<Record<string, string>>, payload: object): Buffer {
  const head = Buffer.concat(Object.entries({ ':content-type': 'application/json', ...headers }).map(([name, value]) => {
    const length = Buffer.alloc(3)
    length.writeUInt8(7) // a string follows
    length.writeUInt16BE(Buffer.byteLength(value), 1)
    return Buffer.concat([Buffer.of(name.length), Buffer.from(name), length, Buffer.from(value)])
  }))
  return frameOf(head, Buffer.from(JSON.stringify(payload)))
}

/** A frame with headers as they stand on the wire. */
export function frameOf (head: Buffer, body: Buffer): Buffer {
  const message = Buffer.concat([prelude(12 + head.length + body.length + 4, head.length), head, body])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(message))
  return Buffer.concat([message, checksum])
}

/** The beginning of a frame: both lengths, and their checksum. */
export function prelude (total: number, headers: number): Buffer {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(total)
  bytes.writeUInt32BE(headers, 4)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, 8)), 8)
  return bytes
}

export const event = (type: string, payload: object): Buffer => frame({ ':event-type': type, ':message-type': 'event' }, payload)
export const exception = (type: string, message: string): Buffer => frame({ ':exception-type': type, ':message-type': 'exception' }, { message })

export const START = event('messageStart', { role: 'assistant' })
export const text = (value: string): Buffer => event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: value } })
export const STOP = event('messageStop', { stopReason: 'end_turn' })
export const USAGE = event('metadata', { usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3 }, metrics: { latencyMs: 1 } })

/** What a request came with, and the means to answer it byte by byte. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly body: string
  readonly response: ServerResponse
  /** The connection, which tells when it was closed. */
  readonly socket: Socket
}

/** An HTTP/1.1 server on a loopback port that answers as each test says. */
export class EventStreamServer {
  readonly #server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
      .on('data', (text: string) => { body += text })
      .once('end', () => this.answer({ request, body, response, socket: request.socket }))
  })

  readonly #sockets = new Set<Socket>()
  /** Answers the next requests. */
  answer: (exchange: Exchange) => void = ({ response }) => { response.end() }

  async start (): Promise<this> {
    this.#server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return this
  }

  get url (): string { return `http://127.0.0.1:${this.#port}` }

  get #port (): number {
    const address: AddressInfo | string | null = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server does not listen')
    return address.port
  }

  /** Connections open now. */
  get connections (): number { return this.#sockets.size }

  /** The next request, once it has come whole. */
  exchange (): Promise<Exchange> { return new Promise(resolve => { this.answer = resolve }) }

  async stop (): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

/** Sends the status and headers of an event stream, and what is given. */
export function begin ({ response }: Exchange, ...frames: readonly Buffer[]): void {
  response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
  response.flushHeaders()
  for (const bytes of frames) response.write(bytes)
}

/** Sends bytes, and then breaks the connection. */
export function cut ({ response, socket }: Exchange, bytes: Buffer): void {
  response.write(bytes, () => socket.destroy())
}
