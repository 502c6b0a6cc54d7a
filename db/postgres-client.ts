import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type postgres from 'postgres'

/** A connection that lived shorter than this, in ms, has another follow only after the same time. */
const SHORT_LIFE_MS = 250
const CONNECT_TIMEOUT_S = 10

/** Where postgres.js wants a socket to, as it has read it from the URL. */
interface Destination {
  readonly host: readonly string[]
  readonly port: readonly number[]
  /** Of a Unix socket. */
  readonly path: string | false
}

/** Says when it is gone. Not by an event, as postgres.js takes all listeners away. */
class WatchedSocket extends Socket {
  readonly #onGone: (socket: Socket) => void

  constructor (onGone: (socket: Socket) => void) {
    super()
    this.#onGone = onGone
  }

  override _destroy (error: Error | null, callback: (error?: Error | null) => void): void {
    this.#onGone(this)
    super._destroy(error, callback)
  }
}

export interface PostgresClientOptions {
  /** Loaded by the caller only when it is needed. */
  readonly connect: typeof postgres
  readonly url: string
  /** Connections at most. */
  readonly max: number
  /** A connection is gone. */
  readonly onGone?: () => void
}

/**
 * postgres.js on sockets that belong to us. Left to itself, it connects again at once, and for ever, where whoever listens there
 * hangs up before a connection is ready (a balancer without a server behind it: 700 times a second); and it keeps the
 * sockets of a server that does not answer, also when it is closed.
 */
export class PostgresClient {
  readonly sql: postgres.Sql
  readonly #sockets = new Set<Socket>()
  #notBefore = -Infinity
  #closed = false

  constructor ({ connect, url, max, onGone }: PostgresClientOptions) {
    const newSocket = async ({ host: [host = ''], port: [port = 0], path }: Destination): Promise<Socket> => {
      const waitMs = this.#notBefore - performance.now()
      if (waitMs > 0) await delay(waitMs)
      const openedAt = performance.now()
      const socket = new WatchedSocket(socket => {
        this.#sockets.delete(socket)
        if (performance.now() - openedAt < SHORT_LIFE_MS) this.#notBefore = performance.now() + SHORT_LIFE_MS
        onGone?.()
      })
      this.#sockets.add(socket)
      if (this.#closed) setImmediate(() => socket.destroy())
      // What postgres.js writes before it is connected waits in the socket.
      else if (path !== false) socket.connect(path)
      else socket.connect(port, host)
      // As it would itself: the name for TLS.
      return Object.assign(socket, { host, port })
    }
    const options = {
      max,
      // Prepared statements break behind a pooler that hands connections on between transactions.
      prepare: false,
      // The look at the database's types has its rejection handled by nobody when the connection breaks just then.
      fetch_types: false,
      connect_timeout: CONNECT_TIMEOUT_S,
      onnotice: () => {},
      socket: newSocket // not in its types, but in its README
    }
    this.sql = connect(url, options)
  }

  /** Ends all connections; waits for running statements, up to `graceMs`. Never rejects. */
  async close (graceMs: number): Promise<void> {
    await this.sql.end({ timeout: graceMs / 1000 })
    this.#closed = true
    for (const socket of this.#sockets) socket.destroy()
  }
}
