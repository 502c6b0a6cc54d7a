import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import { abortError, transportError } from './transport-error.ts'

/**
 * One request's answer as undici tells of it: read whole, or handed to a reader as it comes.
 */

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

/** What is kept of the body of a refused stream: enough for any error object, in bytes. */
const MAX_REFUSAL_BYTES = 64 * 1024

/** What both kinds of answer share: the signal's abort, and the errors. */
export abstract class AbortableHandler implements Dispatcher.DispatchHandler {
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

/** Of a whole answer. */
export interface WholeLimits {
  /** Its largest body, in bytes. */
  readonly maxBodyBytes: number
  /** How long it may stop between two of its bytes, in ms. */
  readonly stalledBodyMs: number
}

/** Reads an answer of any status to its end. */
export class WholeHandler extends AbortableHandler {
  readonly #limits: WholeLimits
  readonly #resolve: (response: WholeResponse) => void
  readonly #reject: (error: UpstreamError) => void
  readonly #chunks: Buffer[] = []
  #length = 0
  #status = 0
  #headers: IncomingHttpHeaders = {}
  #stalled: NodeJS.Timeout | undefined

  constructor (signal: CallSignal, limits: WholeLimits, resolve: (response: WholeResponse) => void, reject: (error: UpstreamError) => void) {
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
export class StreamHandler extends AbortableHandler implements BodyFlow {
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
