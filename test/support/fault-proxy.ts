/**
 * A TCP proxy before an upstream, that breaks its answers as the test says, byte by byte and on real sockets.
 *
 *     const proxy = await faultProxy(t, upstream.origin)
 *     proxy.faultOf = request => request.includes('case 7') ? { kind: 'reset', after: 300 } : NO_FAULT
 *     …                                // the gateway is told proxy.origin in place of the upstream's
 *     proxy.requests                   // what came through, whatever became of it
 *     await proxy.stopListening()      // connections are refused, and those that are open are cut
 *     await proxy.listen()             // and accepted again, on the same port
 *
 * Of a connection that is kept alive each request has its own fault. Answers are passed on as they come, so large ones
 * wait in this process's memory for a reader that is slow.
 */
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { Connection } from './raw-upstream.ts'

/** What becomes of one answer. `after`: so many bytes of it, counted from its status line, have arrived. */
export type Fault =
  | { readonly kind: 'none' }
  /** The connection is broken (RST) after so many bytes. */
  | { readonly kind: 'reset', readonly after: number }
  /** It is closed in order (FIN). */
  | { readonly kind: 'half_close', readonly after: number }
  /** Nothing more comes, ever, and the connection stays open. */
  | { readonly kind: 'blackhole', readonly after: number }
  /** So many bytes at a time, with so many ms between. */
  | { readonly kind: 'trickle', readonly bytes: number, readonly everyMs: number }

export const NO_FAULT: Fault = { kind: 'none' }

/** The proxy; started by `listen`. */
export class FaultProxy {
  /** Connections that were accepted so far. */
  connections = 0
  /** Requests that arrived whole so far. */
  requests = 0
  /** Told each whole request, head and body, a character for each byte. */
  faultOf: (request: string) => Fault = () => NO_FAULT
  /** Whether connections are broken (RST) as soon as they are made. */
  refusing = false
  /** Connections on which nothing more comes, and that the gateway has not given up yet. */
  silent = 0
  readonly #upstream: URL
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0
  #answer: Buffer[] = []

  /** @param upstream where requests go on to: `http://host:port` */
  constructor (upstream: string) {
    this.#upstream = new URL(upstream)
  }

  get origin (): string { return `http://127.0.0.1:${this.#port}` }

  /** What the upstream has answered to the newest request so far, before any fault. */
  get lastAnswer (): Buffer { return Buffer.concat(this.#answer) }

  /** Accepts connections; again, after `stopListening`, on the same port. */
  async listen (): Promise<void> {
    const server = createServer(socket => { void this.#serve(socket) })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
    this.#server = server
  }

  /** Refuses connections, and cuts those that are open. */
  async stopListening (): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    const closed = new Promise<void>(resolve => { server.close(() => resolve()) })
    for (const socket of this.#sockets) socket.resetAndDestroy()
    await closed
  }

  async #serve (socket: Socket): Promise<void> {
    this.connections++
    if (this.refusing) {
      socket.on('error', () => {})
      socket.resetAndDestroy()
      return
    }
    this.#keep(socket)
    const connection = new Connection(socket)
    while (!socket.destroyed) {
      const request = await Promise.race([connection.request(), connection.closed])
      if (request === undefined) return
      this.requests++
      await this.#exchange(request, socket)
    }
  }

  /** Resolves when the answer is through, or never will be. */
  async #exchange (request: string, socket: Socket): Promise<void> {
    const fault = this.faultOf(request)
    const upstream = connect(Number(this.#upstream.port), this.#upstream.hostname)
    this.#keep(upstream)
    upstream.setNoDelay(true)
    const onClose = () => { upstream.destroy() }
    socket.once('close', onClose)
    upstream.write(Buffer.from(request, 'latin1'))
    const answer: Buffer[] = this.#answer = []
    const length = new AnswerLength()
    let passed = 0
    try {
      if (await this.#broken(fault, passed, socket)) return
      for await (const piece of upstream) {
        const bytes = Buffer.from(piece)
        answer.push(bytes)
        for (const part of partsOf(bytes, fault, passed)) {
          await written(socket, part)
          passed += part.length
          if (await this.#broken(fault, passed, socket)) return
          if (fault.kind === 'trickle') await (fault.everyMs === 0 ? turn() : delay(fault.everyMs))
        }
        if (length.isReached(bytes)) return
      }
      socket.end() // an answer that its connection's end ends
    } catch {
      socket.destroy() // one of the two is gone
    } finally {
      socket.off('close', onClose)
      upstream.destroy()
    }
  }

  /** Breaks the answer if it has come so far. */
  async #broken (fault: Fault, passed: number, socket: Socket): Promise<boolean> {
    if (fault.kind === 'none' || fault.kind === 'trickle' || passed < fault.after) return false
    switch (fault.kind) {
      case 'reset':
        socket.resetAndDestroy()
        break
      case 'half_close':
        socket.end()
        break
      case 'blackhole':
        this.silent++
        await new Promise<void>(resolve => { socket.once('close', () => resolve()) })
        this.silent--
    }
    return true
  }

  #keep (socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // either side may break it
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/** Starts one before the server at `upstream`, for as long as the test runs. */
export async function faultProxy (t: Test, upstream: string): Promise<FaultProxy> {
  const proxy = new FaultProxy(upstream)
  await proxy.listen()
  t.teardown(async () => await proxy.stopListening())
  return proxy
}

/** Tells where an answer ends, by its head; one without a length ends with its connection. */
class AnswerLength {
  #received = ''

  isReached (bytes: Buffer): boolean {
    this.#received += bytes.toString('latin1')
    const end = this.#received.indexOf('\r\n\r\n') + 4
    if (end < 4) return false
    const head = this.#received.slice(0, end)
    if (/^transfer-encoding: chunked/im.test(head)) return this.#received.endsWith('\r\n0\r\n\r\n')
    const length = /^content-length: (\d+)/im.exec(head)?.[1]
    return length !== undefined && this.#received.length >= end + Number(length)
  }
}

/** The pieces in which bytes are passed on: up to the fault, or as many at a time as it says. */
function partsOf (bytes: Buffer, fault: Fault, passed: number): Buffer[] {
  if (fault.kind === 'none') return [bytes]
  if (fault.kind !== 'trickle') {
    const left = fault.after - passed
    return left >= bytes.length ? [bytes] : [bytes.subarray(0, left)]
  }
  return Array.from({ length: Math.ceil(bytes.length / fault.bytes) }, (_, at) => bytes.subarray(at * fault.bytes, (at + 1) * fault.bytes))
}

/** Resolves when the system has taken the bytes: what breaks the connection then does not overtake them. */
async function written (socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => { socket.write(bytes, error => error == null ? resolve() : reject(error)) })
}
