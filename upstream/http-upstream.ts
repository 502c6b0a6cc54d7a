import { Pool } from 'undici'
import type { Dispatcher } from 'undici'
import type { IncomingHttpHeaders } from 'node:http'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import { smallReads } from './small-reads.ts'
import { abortError, transportError } from './transport-error.ts'

/** One POST to an upstream. */
export interface UpstreamRequest {
  /** Path and query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Aborting it ends the request at any stage, with its reason where that is an UpstreamError. */
  readonly signal: CallSignal
}

/** A whole answer, of any status. */
export interface WholeResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** Who reads a streamed body. Every method is called on the event loop turn in which the bytes came. */
export interface BodyReader {
  data (bytes: Buffer): void
  /** The body ended in order. */
  end (): void
  /** The body broke, or the signal aborted it. */
  fail (error: UpstreamError): void
}

/** The reader's hold on the body. */
export interface BodyFlow {
  /** Stop reading from the socket, until `resume`. */
  pause (): void
  resume (): void
  /** Give the rest up: the socket is closed. Nothing is called back any more. */
  abandon (): void
  /** The reader needs no more word of the signal: until then an abort reaches it, also after the body's end. */
  release (): void
}

/** What came of a streamed request. */
export type StreamResponse =
  | { readonly kind: 'stream', readonly headers: IncomingHttpHeaders }
  /** A status that is not 2xx, with its whole body. */
  | { readonly kind: 'refused', readonly response: WholeResponse }

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
/** What is kept of the body of a refused stream: enough for any error object, in bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024

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
  readonly #limits: Limits

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

/** What both kinds of answer share: the signal's abort, and the errors. */
abstract class AbortableHandler implements Dispatcher.DispatchHandler {
  protected controller: Dispatcher.DispatchController | undefined
  readonly #signal: CallSignal
  /** The exchange is over: nothing that undici says counts any more. */
  #settled = false

  constructor (signal: CallSignal) {
    this.#signal = signal
    signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  protected abstract failed (error: UpstreamError): void

  onRequestStart (controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.#settled) controller.abort(new Error('the request was given up before it began'))
  }

  onResponseError (_controller: unknown, error: Error): void {
    if (!this.settle()) return
    this.failed(transportError(error, { begun: this.controller !== undefined }))
  }

  /** Whether this call ended the exchange: the first one does. */
  protected settle (): boolean {
    if (this.#settled) return false
    this.#settled = true
    return true
  }

  release (): void {
    this.#signal.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => {
    const error = abortError(this.#signal)
    if (this.settle()) this.controller?.abort(error)
    this.failed(error)
  }
}

type Limits = Required<Pick<HttpUpstreamOptions, 'maxBodyBytes' | 'stalledBodyMs'>>

class WholeHandler extends AbortableHandler {
  readonly #limits: Limits
  readonly #resolve: (response: WholeResponse) => void
  readonly #reject: (error: UpstreamError) => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #stalled: NodeJS.Timeout | undefined

  constructor (signal: CallSignal, limits: Limits, resolve: (response: WholeResponse) => void, reject: (error: UpstreamError) => void) {
    super(signal)
    this.#limits = limits
    this.#resolve = resolve
    this.#reject = reject
  }

  onResponseStart (_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData (_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    this.#length += bytes.length
    if (this.#length > this.#limits.maxBodyBytes) {
      this.#giveUp(new UpstreamError('malformed', 'The provider\'s answer is larger than the gateway accepts.'))
      return
    }
    this.#chunks.push(bytes)
    this.#stalled ??= setTimeout(() => this.#giveUp(new UpstreamError('stalled', 'The provider stopped in the middle of its answer.')), this.#limits.stalledBodyMs)
    this.#stalled.refresh()
  }

  onResponseEnd (): void {
    if (!this.settle()) return
    const body = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    clearTimeout(this.#stalled)
    this.release()
    this.#resolve({ status: this.#status, headers: this.#headers, text: body?.toString('utf8') ?? '' })
  }

  protected failed (error: UpstreamError): void {
    clearTimeout(this.#stalled)
    this.release()
    this.#reject(error)
  }

  #giveUp (error: UpstreamError): void {
    if (!this.settle()) return
    this.failed(error)
    this.controller?.abort(error)
  }
}

/** Before the status it behaves as a promise, afterwards as a source of bytes; a refusal is read whole. */
class StreamHandler extends AbortableHandler implements BodyFlow {
  readonly #open: (flow: BodyFlow) => BodyReader
  readonly #resolve: (response: StreamResponse) => void
  readonly #reject: (error: UpstreamError) => void
  readonly #refusal: Buffer[] = []
  #length = 0
  #refused: { status: number, headers: IncomingHttpHeaders } | undefined
  #reader: BodyReader | undefined

  constructor (
    signal: CallSignal,
    open: (flow: BodyFlow) => BodyReader,
    resolve: (response: StreamResponse) => void,
    reject: (error: UpstreamError) => void
  ) {
    super(signal)
    this.#open = open
    this.#resolve = resolve
    this.#reject = reject
  }

  onResponseStart (controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    controller.rawHeaders = null // they would hold the memory of the whole first read as long as the stream lives
    if (status >= 200 && status < 300) {
      this.#reader = this.#open(this)
      this.#resolve({ kind: 'stream', headers })
    } else if (status >= 200) { // 1xx: the real one is still to come
      this.#refused = { status, headers }
    }
  }

  onResponseData (_controller: Dispatcher.DispatchController, bytes: Buffer): void {
    if (this.#reader !== undefined) {
      this.#reader.data(bytes)
    } else if (this.#length < MAX_REFUSAL_BYTES) {
      this.#refusal.push(bytes)
      this.#length += bytes.length
    }
  }

  onResponseEnd (): void {
    if (!this.settle()) return
    if (this.#reader !== undefined) this.#reader.end()
    else this.failed(new UpstreamError('malformed', 'The provider sent no answer.'))
  }

  pause (): void { this.controller?.pause() }
  resume (): void { this.controller?.resume() }

  abandon (): void {
    this.release()
    if (this.settle()) this.controller?.abort(new Error('the body was given up'))
  }

  protected failed (error: UpstreamError): void {
    if (this.#reader !== undefined) {
      this.#reader.fail(error)
      return
    }
    this.release()
    // A status says more than how its body ended.
    if (this.#refused !== undefined) this.#resolve({ kind: 'refused', response: { ...this.#refused, text: Buffer.concat(this.#refusal).toString('utf8') } })
    else this.#reject(error)
  }
}
