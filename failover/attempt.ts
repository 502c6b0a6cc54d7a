import type { AttemptRecord } from '../breaker/attempt.ts'
import type { Permit } from '../breaker/circuit-breakers.ts'
import { SUCCESS } from '../breaker/outcome.ts'
import type { Outcome } from '../breaker/outcome.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Usage } from '../schemas/chat-completion.ts'
import { CallAborter } from '../streams/call-signal.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import type { StreamReport } from '../streams/completion-stream.ts'
import { abortError } from '../upstream/transport-error.ts'

export interface AttemptOptions {
  readonly requestId: string
  readonly target: string
  readonly provider: string
  readonly model: string
  /** The caller, not the configuration, chose the model. */
  readonly modelOverridden: boolean
  readonly stream: boolean
  /** 1 for the first target tried. */
  readonly number: number
  readonly permit: Permit
  /** Told once, when the attempt is over. */
  readonly onEnd: (record: AttemptRecord) => void
}

/**
 * One request to one target: owns its abort, its timer, its permit and its record, and gives each of them back
 * exactly once, however the attempt ends.
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #aborter = new CallAborter()
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #over = false

  constructor (options: AttemptOptions) {
    this.#options = options
  }

  get target (): string { return this.#options.target }

  /** For the provider: ends the call at any stage. */
  get signal (): CallSignal { return this.#aborter }

  /** Ends the attempt with `error` unless something happens within `ms`; replaces an earlier limit. */
  limit (ms: number, error: () => UpstreamError): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.abort(error()), ms)
  }

  unlimit (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Stops the call; the provider fails it with `error`. Without effect once the attempt has ended. */
  abort (error: UpstreamError): void {
    if (!this.#over) this.#aborter.abort(error)
  }

  /** Real output has begun: the target works, whatever comes of the rest. */
  begun (): void {
    this.#options.permit.record(SUCCESS)
  }

  /**
   * Ends the attempt as a failure.
   * @returns the failure as the one error type
   */
  failed (cause: unknown, report?: StreamReport): UpstreamError {
    const error = this.#errorOf(cause)
    this.#end(outcomeOf(error, this.#options.modelOverridden), error, report, report?.usage, report?.finishReason ?? null)
    return error
  }

  /** Ends the attempt as a success. */
  succeeded (finishReason: string | null, usage: Usage | undefined, report?: StreamReport): void {
    this.#end(SUCCESS, undefined, report, usage, finishReason)
  }

  #errorOf (cause: unknown): UpstreamError {
    // A provider may wrap what it sees of an abort; the signal knows better why.
    if (this.#aborter.aborted) return abortError(this.#aborter)
    // Providers throw nothing else; whatever it is, it is not the target's fault.
    return cause instanceof UpstreamError ? cause : new UpstreamError('internal', 'The gateway failed to handle the request.', { cause })
  }

  #end (outcome: Outcome, error: UpstreamError | undefined, report: StreamReport | undefined, usage: Usage | undefined, finishReason: string | null): void {
    if (this.#over) return
    this.#over = true
    this.unlimit()
    const { permit, requestId, target, provider, model, stream, number, onEnd } = this.#options
    permit.record(outcome, error?.status === undefined ? undefined : { status: error.status })
    onEnd({
      requestId,
      target,
      provider,
      model,
      stream,
      attemptNo: number,
      class: outcome.class,
      reason: error?.reason ?? null,
      status: error?.status ?? null,
      firstOutputMs: report?.firstOutputAt === undefined ? null : Math.round(report.firstOutputAt - this.#startedAt),
      durationMs: Math.round(performance.now() - this.#startedAt),
      chunks: report?.chunks ?? 0,
      promptTokens: usage?.prompt_tokens ?? null,
      completionTokens: usage?.completion_tokens ?? null,
      totalTokens: usage?.total_tokens ?? null,
      usageSource: usage === undefined ? null : error === undefined ? 'reported' : 'partial',
      finishReason
    })
  }
}

/** A model that the caller named may be closed to our key without the key being wrong. */
function outcomeOf (error: UpstreamError, modelOverridden: boolean): Outcome {
  const { outcome } = error
  return modelOverridden && error.reason === 'unauthorized' && error.status === 403 ? { class: 'neutral', reason: error.reason } : outcome
}
