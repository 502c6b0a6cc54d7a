/**
 * A TCP server that answers byte by byte as the test says: for what no HTTP server would send.
 *
 *     const upstream = await rawUpstream(t, async connection => {
 *       await connection.request()
 *       connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
 *       connection.end()
 *     })
 *     upstream.origin
 *     await (await upstream.connection(1)).closed    // the gateway has let it go
 */
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import type { Test } from 'tap'

/** One connection, from the server's side. */
export class Connection {
  readonly socket: Socket
  /** Resolves when the other side has closed, or broken, the connection. */
  readonly closed: Promise<void>
  #received = ''
  #wake: (() => void) | undefined

  constructor (socket: Socket) {
    this.socket = socket
    this.closed = new Promise(resolve => { socket.once('close', () => resolve()) })
    socket.setNoDelay(true)
    socket.on('error', () => {}) // the other side may break it
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#received += text
      this.#wake?.()
    })
  }

  /** The next whole request: head and body, a character for each byte. */
  async request (): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? 0)
      if (end !== -1 && this.#received.length >= end + 4 + length) {
        const request = this.#received.slice(0, end + 4 + length)
        this.#received = this.#received.slice(request.length)
        return request
      }
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
  }

  /** False: the socket's buffers are full. */
  send (text: string): boolean { return this.socket.write(text) }

  /** An event stream's head, with a chunked body to follow. */
  sendStreamHead (): void { this.send('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n') }

  /** One piece of a chunked body; an empty one is its end. */
  sendChunk (text: string): boolean { return this.send(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`) }

  /** Closes in order. */
  end (): void { this.socket.end() }

  /** Breaks the connection. */
  reset (): void { this.socket.resetAndDestroy() }
}

export class RawUpstream {
  readonly connections: Connection[] = []
  readonly #server: Server
  readonly #waiting: Array<() => void> = []

  constructor (converse: (connection: Connection) => Promise<void> | void) {
    this.#server = createServer(socket => {
      const connection = new Connection(socket)
      this.connections.push(connection)
      for (const wake of this.#waiting.splice(0)) wake()
      void converse(connection)
    })
  }

  get origin (): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** The n-th connection (from 1), as soon as it is there. */
  async connection (count: number): Promise<Connection> {
    for (;;) {
      const connection = this.connections[count - 1]
      if (connection !== undefined) return connection
      await new Promise<void>(resolve => { this.#waiting.push(resolve) })
    }
  }

  async listen (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(0, '127.0.0.1', resolve) })
  }

  /** Nothing listens there any more; everything open is cut. */
  async close (): Promise<void> {
    for (const { socket } of this.connections) socket.destroy()
    await new Promise<void>(resolve => { this.#server.close(() => resolve()) })
  }
}

/** Starts one, for as long as the test runs. */
export async function rawUpstream (t: Test, converse: (connection: Connection) => Promise<void> | void): Promise<RawUpstream> {
  const upstream = new RawUpstream(converse)
  await upstream.listen()
  t.teardown(async () => await upstream.close())
  return upstream
}
