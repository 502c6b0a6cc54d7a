import { Pool } from 'undici'
import type { CallSignal } from '../streams/call-signal.ts'
import { StreamHandler, WholeHandler } from './exchange.ts'
import type { AbortableHandler, BodyFlow, BodyReader, StreamResponse, WholeLimits, WholeResponse } from './exchange.ts'
import { smallReads } from './small-reads.ts'
import { abortError } from './transport-error.ts'

/** One POST to an upstream. */
export interface UpstreamRequest {
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Aborting it ends the request at any stage, with its reason where that is an UpstreamError. */
  readonly signal: CallSignal
}

export interface HttpUpstreamOptions {
  /** Scheme, host and port. */
  readonly origin: string
  /** How long a connection may take to be made, in ms. Default 5000. */
  readonly connectTimeoutMs?: number
  /** The largest whole answer, in bytes. Default 64 MiB. */
  readonly maxBodyBytes?: number
  /**
   * How long a whole answer may stop between two of its bytes, in ms; it may take any time to begin. Servers that keep the
   * connection alive while the model works send blank lines more often than that. Default 30 000.
   */
  readonly stalledBodyMs?: number
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
const DEFAULT_CONNECT_TIMEOUT_MS = 5000
const DEFAULT_MAX_BODY_BYTES = 64 * 1024 * 1024
const DEFAULT_STALLED_BODY_MS = 30_000
const KEEP_ALIVE_MS = 30_000

/** Of memory of its own: undici keeps the body as long as the stream lives, and of Node's pool it would hold 64 KiB. */
const UTF_8 = new TextEncoder()

/**
 * One upstream's connection pool, on undici's dispatch: the body's bytes reach the reader without a stream in between.
 * Deadlines are the caller's (by the signal); redirects are not followed, so a key never goes to another host.
 */
export class HttpUpstream {
  /** Where it is. */
  readonly server: { readonly address: string, readonly port: number }
  readonly #pool: Pool
  readonly #limits: WholeLimits

  constructor ({ origin, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS, maxBodyBytes = DEFAULT_MAX_BODY_BYTES, stalledBodyMs = DEFAULT_STALLED_BODY_MS }: HttpUpstreamOptions) {
    this.#limits = { maxBodyBytes, stalledBodyMs }
    const { hostname, port, protocol } = new URL(origin)
    this.server = { address: hostname, port: port === '' ? DEFAULT_PORTS[protocol] ?? 0 : Number(port) }
    this.#pool = new Pool(origin, {
      connections: null, // as many as there are requests: a stream waits for no other stream
      pipelining: 1,
      allowH2: false,
      connect: smallReads(connectTimeoutMs),
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: KEEP_ALIVE_MS
    })
  }

  /**
   * Sends a request and reads the whole answer.
   * @throws {UpstreamError} `connect`, `reset`, `stalled`, `malformed`, or the signal's reason; never for a status
   */
  whole (request: UpstreamRequest): Promise<WholeResponse> {
    return new Promise((resolve, reject) => {
      this.#dispatch(request, new WholeHandler(request.signal, this.#limits, resolve, reject))
    })
  }

  /**
   * Sends a request and hands the body to a reader, from a 2xx status on; resolves when the status is there.
   * @param open makes the reader, once the body is there to be read
   * @throws {UpstreamError} `connect`, `reset`, or the signal's reason; never for a status
   */
  stream (request: UpstreamRequest, open: (flow: BodyFlow) => BodyReader): Promise<StreamResponse> {
    return new Promise((resolve, reject) => {
      this.#dispatch(request, new StreamHandler(request.signal, open, resolve, reject))
    })
  }

  /** Closes every connection; requests under way fail. */
  async close (): Promise<void> {
    await this.#pool.destroy()
  }

  #dispatch ({ path, headers, body, signal }: UpstreamRequest, handler: AbortableHandler): void {
    if (signal.aborted) {
      handler.onResponseError(undefined, abortError(signal))
      return
    }
    try {
      this.#pool.dispatch({ method: 'POST', path, headers: { ...headers }, body: typeof body === 'string' ? UTF_8.encode(body) : body }, handler)
    } catch (error) {
      handler.onResponseError(undefined, error instanceof Error ? error : new Error('dispatch failed', { cause: error }))
    }
  }
}
