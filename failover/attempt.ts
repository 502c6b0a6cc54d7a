import type { AttemptRecord } from '../breaker/attempt.ts'
import type { Permit } from '../breaker/admission.ts'
import { SUCCESS } from '../breaker/outcome.ts'
import type { FailureReason, Outcome } from '../breaker/outcome.ts'
import { uuidv7 } from '../breaker/uuid.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Usage } from '../schemas/chat-completion.ts'
import { CallAborter } from '../streams/call-signal.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import type { StreamReport } from '../streams/completion-stream.ts'
import { abortError } from '../upstream/transport-error.ts'
import { attemptUsage } from '../usage/attempt-usage.ts'
import type { AttemptUsage } from '../usage/attempt-usage.ts'
import type { AttemptObserver } from './attempt-observer.ts'
import type { Speaker } from './speaker.ts'

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
  /** About how many tokens the prompt has. */
  readonly promptTokens: () => number
  readonly observer?: AttemptObserver | undefined
  /** Told once, when the attempt is over. */
  readonly onEnd: (record: AttemptRecord) => void
}

/** What has come of an answer: of a stream its report, which goes on changing. */
export type AnswerSoFar = Pick<StreamReport, 'chunks' | 'firstOutputAt' | 'finishReason' | 'usage' | 'output'>

/**
 * What a provider says in place of an answer. Some say it under a 2xx status; a refusal it is all the same, as long as
 * nothing was produced.
 */
const REFUSALS: ReadonlySet<FailureReason> = new Set<FailureReason>([
  'in_band_error', 'upstream_error', 'rate_limited', 'unauthorized', 'quota_exhausted', 'not_found', 'invalid_request', 'content_filter'
])

/**
 * One request to one target: owns its abort, its timer, its permit and its record, and gives each of them back
 * exactly once, however the attempt ends.
 */
export class Attempt {
  readonly #options: AttemptOptions
  readonly #id = uuidv7()
  readonly #aborter = new CallAborter()
  readonly #startedAt = performance.now()
  #timer: NodeJS.Timeout | undefined
  #answer: AnswerSoFar | undefined
  /** Of what was sent beside the request, in tokens. */
  #besidePrompt = 0
  /** Undefined until the attempt is over. */
  #usage: AttemptUsage | null | undefined

  constructor (options: AttemptOptions) {
    this.#options = options
  }

  get target (): string { return this.#options.target }

  /**
   * What is known of it as its words begin to be sent.
   * @param after how many chunks were sent before
   */
  speaker (after: number): Speaker {
    const { target, provider, model, number } = this.#options
    return { id: this.#id, target, provider, model, number, startedAt: Math.round(Date.now() - this.ageMs), firstOutputMs: this.#firstOutputMs, after }
  }

  /** Since its beginning, in ms. */
  get ageMs (): number { return performance.now() - this.#startedAt }

  /** For the provider: ends the call at any stage. */
  get signal (): CallSignal { return this.#aborter }

  /** For the provider: sent beside its own. */
  get headers (): Readonly<Record<string, string>> | undefined { return this.#options.observer?.headers }

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
    if (this.#usage === undefined) this.#aborter.abort(error)
  }

  /**
   * The provider has taken the request on: from here on it costs tokens.
   * @param besidePrompt about how many tokens were sent beside the request's prompt
   */
  accepted (answer: AnswerSoFar, besidePrompt = 0): void {
    this.#answer = answer
    this.#besidePrompt = besidePrompt
  }

  /** What the provider says, from its beginning: JSON text. */
  answers (json: string | undefined): void {
    if (json !== undefined) this.#options.observer?.answers(json)
  }

  /** Real output has begun: the target works, whatever comes of the rest. */
  begun (): void {
    this.#options.permit.record(SUCCESS)
    this.#options.observer?.begun()
  }

  /** What it has cost; until it is over, what it would come to if it broke now. Null: the provider never took it on. */
  get usage (): AttemptUsage | null {
    return this.#usage === undefined ? this.#usageNow(undefined, false) : this.#usage
  }

  /** The provider's own counts, as far as it has told any. */
  get counts (): Usage | undefined { return this.#answer?.usage }

  /**
   * Ends the attempt as a failure.
   * @returns the failure as the one error type
   */
  failed (cause: unknown): UpstreamError {
    const error = this.#errorOf(cause)
    this.#end(outcomeOf(error, this.#options.modelOverridden), error)
    return error
  }

  /** Ends the attempt as a success. */
  succeeded (): void {
    this.#end(SUCCESS, undefined)
  }

  get #firstOutputMs (): number | null {
    const at = this.#answer?.firstOutputAt
    return at === undefined ? null : Math.round(at - this.#startedAt)
  }

  #errorOf (cause: unknown): UpstreamError {
    // A provider may wrap what it sees of an abort; the signal knows better why.
    if (this.#aborter.aborted) return abortError(this.#aborter)
    // Providers throw nothing else; whatever it is, it is not the target's fault.
    return cause instanceof UpstreamError ? cause : new UpstreamError('internal', 'The gateway failed to handle the request.', { cause })
  }

  #usageNow (error: UpstreamError | undefined, complete: boolean): AttemptUsage | null {
    if (this.#answer === undefined) return null
    const { firstOutputAt, usage: counts, output } = this.#answer
    if (error !== undefined && REFUSALS.has(error.reason) && firstOutputAt === undefined && counts === undefined) return null
    return attemptUsage({ complete, counts, output, promptTokens: () => this.#options.promptTokens() + this.#besidePrompt })
  }

  #end (outcome: Outcome, error: UpstreamError | undefined): void {
    if (this.#usage !== undefined) return
    const usage = this.#usage = this.#usageNow(error, error === undefined)
    this.unlimit()
    const answer = this.#answer
    const { permit, requestId, target, provider, model, stream, number, observer, onEnd } = this.#options
    permit.record(outcome, error?.status === undefined ? undefined : { status: error.status })
    const record: AttemptRecord = {
      id: this.#id,
      requestId,
      target,
      provider,
      model,
      stream,
      attemptNo: number,
      class: outcome.class,
      reason: error?.reason ?? null,
      status: error?.status ?? null,
      firstOutputMs: this.#firstOutputMs,
      durationMs: Math.round(performance.now() - this.#startedAt),
      chunks: answer?.chunks ?? 0,
      promptTokens: usage?.promptTokens ?? null,
      completionTokens: usage?.completionTokens ?? null,
      totalTokens: usage?.totalTokens ?? null,
      usageSource: usage?.source ?? null,
      finishReason: answer?.finishReason ?? null
    }
    observer?.ended(record)
    onEnd(record)
  }
}

/** A model that the caller named may be closed to our key without the key being wrong. */
function outcomeOf (error: UpstreamError, modelOverridden: boolean): Outcome {
  const { outcome } = error
  return modelOverridden && error.reason === 'unauthorized' && error.status === 403 ? { class: 'neutral', reason: error.reason } : outcome
}
