import type { FastifyReply } from 'fastify'
import { CallAborter } from '../streams/call-signal.ts'
import type { CallSignal } from '../streams/call-signal.ts'

/**
 * Aborted when the client goes away before its answer is complete.
 *
 * By the response's `close`: on a route that reads a body, the request's own `close` and `request.signal` fire as soon
 * as the body has been read.
 */
export function clientSignal ({ raw }: FastifyReply): CallSignal {
  const aborter = new CallAborter()
  raw.on('close', () => {
    if (!raw.writableFinished) aborter.abort(undefined)
  })
  // It may have left while the body was being validated.
  if (raw.destroyed) aborter.abort(undefined)
  return aborter
}

/** A client's signal, up to a point; from there on its leaving means nothing, and the stream ends when it is given up. */
export class OutlivingSignal extends CallAborter {
  readonly #client: CallSignal
  #abandoned = false

  constructor (client: CallSignal) {
    super()
    this.#client = client
    if (client.aborted) this.#onLeave()
    else client.addEventListener('abort', this.#onLeave, { once: true })
  }

  /** Whether it was given up, and not left. */
  get isAbandoned (): boolean { return this.#abandoned }

  /** The client may leave from here on. */
  outlive (): void {
    this.#client.removeEventListener('abort', this.#onLeave)
  }

  /** Gives the stream up. */
  abandon (): void {
    this.#abandoned = true
    this.abort(undefined)
  }

  readonly #onLeave = (): void => this.abort(undefined)
}
