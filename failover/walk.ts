import type { Permit } from '../breaker/admission.ts'
import type { CircuitBreakers } from '../breaker/circuit-breakers.ts'
import type { AttemptRecord } from '../breaker/attempt.ts'
import { notFound } from '../errors/gateway-error.ts'
import type { GatewayError } from '../errors/gateway-error.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Provider } from '../providers/provider.ts'
import type { AttemptUsage } from '../usage/attempt-usage.ts'
import { Attempt } from './attempt.ts'
import type { Hedging } from './hedging.ts'
import type { TargetRef } from './model-routes.ts'
import type { RetryBudget } from './retry-budget.ts'
import type { RunningCall } from './running-call.ts'
import type { TargetLoad } from './target-load.ts'
import { errorOfFailure, isFinal, isOver, verdict } from './verdict.ts'
import type { FailedTarget, Refusal } from './verdict.ts'

/** An answer, and who gave it. */
export interface Answer<T> {
  readonly target: string
  readonly answer: T
  /** What it has cost; of a stream, so far. */
  readonly usage: () => AttemptUsage | null
}

/** How one target is tried: resolves when the answer may be given to the client. */
export type Try<T> = (attempt: Attempt, provider: Provider, model: string) => Promise<T>

/** @param logFields what the log line of the attempt says beside the rest */
export type OnAttempt = (record: AttemptRecord, logFields?: Readonly<Record<string, string>>) => void

/** What all walks share. */
export interface WalkSurroundings {
  readonly providers: ReadonlyMap<string, Provider>
  readonly breakers: Pick<CircuitBreakers, 'admit' | 'trickle'>
  readonly load: TargetLoad
  readonly budget: RetryBudget
  /** Told of each attempt when it is over: of a stream, when the stream is. */
  readonly onAttempt: OnAttempt
  /** Told of what a provider threw that is no UpstreamError: a defect of its code. */
  readonly onDefect: (error: unknown) => void
}

/** What is different about a walk that is to carry on a stream which broke. */
export interface Carrying {
  /** Who broke: so there is no first attempt that would need no place, and no trickle. */
  readonly after: FailedTarget
  /** Whether one more attempt may be made. */
  readonly mayTry: () => boolean
}

/** A target that may be tried now. */
interface Admitted {
  readonly ref: TargetRef
  readonly permit: Permit
}

/** A target that its breaker does not let anybody to, or not yet. */
interface Refused {
  readonly ref: TargetRef
  readonly refusal: Refusal
}

/** A try under way: an answer, or undefined when the target failed. Rejects with what ends the request. */
interface UnderWay<T> {
  readonly attempt: Attempt
  readonly answered: Promise<Answer<T> | undefined>
}

/**
 * One walk over targets, in order, until one answers: those that their breakers admit, then those whose probe is just being
 * claimed, then, when nothing was tried, the one that reopens first, now and then.
 */
export class Walk<T> {
  readonly #around: WalkSurroundings
  readonly #running: RunningCall
  readonly #stream: boolean
  readonly #answer: Try<T>
  readonly #carrying: Carrying | undefined
  readonly #failed: FailedTarget[] = []
  #refused: Refused[] = []
  #left: readonly TargetRef[] = []

  /** @param stream whether the answer is asked for as a stream, for the record */
  constructor (around: WalkSurroundings, running: RunningCall, stream: boolean, answer: Try<T>, carrying?: Carrying) {
    this.#around = around
    this.#running = running
    this.#stream = stream
    this.#answer = answer
    this.#carrying = carrying
    if (carrying !== undefined) this.#failed.push(carrying.after)
  }

  /**
   * @param hedging where the request may be doubled: a target that takes too long to begin gets company
   * @throws {GatewayError} no target answered, the request is at fault, the deadline passed, or the client left
   */
  async over (targets: readonly TargetRef[], hedging?: Hedging): Promise<Answer<T>> {
    this.#left = targets
    const answered = await this.#overAdmitted(hedging) ?? await this.#overClaims() ?? await this.#trickle()
    if (answered !== undefined) return answered
    throw this.#verdict()
  }

  /** Why nobody answered. */
  #verdict (): GatewayError {
    const last = this.#failed.at(-1)
    const { over } = this.#running
    if (last !== undefined && over !== undefined) return errorOfFailure({ target: last.target, error: over })
    return verdict(this.#failed, this.#refused.map(({ refusal }) => refusal))
  }

  async #overAdmitted (hedging: Hedging | undefined): Promise<Answer<T> | undefined> {
    const hedgeAfterMs = hedging?.begin()
    while (this.#left.length > 0 && this.#mayTry()) {
      const answered = await this.#withinBudget(async () => {
        const next = this.#nextAdmitted()
        if (next === undefined) return undefined
        const first = this.#try(next)
        return hedging === undefined || hedgeAfterMs === undefined ? await first.answered : await this.#hedged(first, hedging, hedgeAfterMs)
      })
      if (answered !== undefined) return answered
    }
    return undefined
  }

  /** Nobody else answered: a target whose probe is just being claimed is worth the wait for the claim. */
  async #overClaims (): Promise<Answer<T> | undefined> {
    for (const { ref, refusal } of this.#refused.filter(({ refusal }) => refusal.claim !== undefined)) {
      if (!this.#mayTry()) return undefined
      const answered = await this.#withinBudget(async () => {
        const permit = await refusal.claim
        if (permit === undefined) return undefined
        this.#refused = this.#refused.filter(each => each.ref !== ref)
        return await this.#try({ ref, permit }).answered
      })
      if (answered !== undefined) return answered
    }
    return undefined
  }

  /** Every target was refused: one request a second goes to the one that reopens first, as it may be well again by now. */
  async #trickle (): Promise<Answer<T> | undefined> {
    if (this.#failed.length > 0) return undefined
    const [soonest] = this.#refused.filter(({ refusal }) => refusal.why === 'open').sort((a, b) => a.refusal.retryAfterMs - b.refusal.retryAfterMs)
    const permit = soonest === undefined ? undefined : this.#around.breakers.trickle(soonest.ref.name)
    return soonest === undefined || permit === undefined ? undefined : await this.#try({ ref: soonest.ref, permit }).answered
  }

  /** An attempt beyond the request's first needs a place, unless those before never reached a target. */
  async #withinBudget (attempt: () => Promise<Answer<T> | undefined>): Promise<Answer<T> | undefined> {
    if (this.#failed.every(({ error }) => error.reason === 'unsupported')) return await attempt()
    const running = this.#running
    const leave = await this.#around.budget.place(running.call.route.firstTokenTimeoutMs, callback => running.onStop(callback))
    if (leave === undefined) throw this.#verdict()
    try {
      return await attempt()
    } finally {
      leave()
    }
  }

  #mayTry (): boolean { return this.#carrying === undefined || this.#carrying.mayTry() }

  #nextAdmitted (): Admitted | undefined {
    for (let ref = this.#left[0]; ref !== undefined; ref = this.#left[0]) {
      this.#left = this.#left.slice(1)
      const admission = this.#around.breakers.admit(ref.name)
      if (admission.kind === 'permit') return { ref, permit: admission.permit }
      this.#refused.push({ ref, refusal: admission })
    }
    return undefined
  }

  /** Tries a target; if it takes longer to begin than usual, another one beside it. The faster one is heard, the other given up. */
  async #hedged (first: UnderWay<T>, hedging: Hedging, afterMs: number): Promise<Answer<T> | undefined> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<'late'>(resolve => { timer = setTimeout(resolve, afterMs, 'late') })
    const early = await Promise.race([first.answered, late]).finally(() => clearTimeout(timer))
    if (early !== 'late') return early
    const next = hedging.allowed ? this.#nextAdmitted() : undefined
    if (next === undefined) return await first.answered
    hedging.spend()
    const second = this.#try(next)
    return await this.#firstOf([first, second], hedging)
  }

  async #firstOf (tries: ReadonlyArray<UnderWay<T>>, hedging: Hedging): Promise<Answer<T> | undefined> {
    const left = new Set(tries)
    try {
      while (left.size > 0) {
        const { each, answer } = await Promise.race([...left].map(async each => ({ each, answer: await each.answered })))
        left.delete(each)
        if (answer !== undefined) return answer
      }
      return undefined
    } finally {
      for (const { attempt, answered } of left) {
        hedging.observe(attempt.ageMs)
        attempt.abort(new UpstreamError('outpaced', 'Another target was faster.'))
        answered.catch(() => {}) // what it would have ended in is nobody's business any more
      }
    }
  }

  #try ({ ref, permit }: Admitted): UnderWay<T> {
    const { providers, load, onAttempt } = this.#around
    const running = this.#running
    const provider = providers.get(ref.name)
    if (provider === undefined) {
      permit.release()
      throw new Error(`the route names a target without a provider: ${ref.name}`)
    }
    const model = ref.model ?? provider.model
    const { requestId, request, observe } = running.call
    const beside = running.busy
    const number = running.next(ref.name)
    const observer = observe?.({ request, target: ref.name, provider: provider.kind, model, stream: this.#stream, number, beside, carrying: this.#carrying !== undefined, server: provider.server })
    const attempt = new Attempt({
      requestId,
      target: ref.name,
      provider: provider.kind,
      model,
      modelOverridden: ref.model !== undefined,
      stream: this.#stream,
      number,
      permit,
      promptTokens: running.promptTokens,
      observer,
      onEnd: record => {
        load.ended(ref.name)
        onAttempt(record, observer?.logFields)
      }
    })
    load.begun(ref.name)
    running.begin(attempt)
    return { attempt, answered: this.#answerOf(attempt, ref, provider, model) }
  }

  async #answerOf (attempt: Attempt, ref: TargetRef, provider: Provider, model: string): Promise<Answer<T> | undefined> {
    try {
      return { target: ref.name, answer: await this.#answer(attempt, provider, model), usage: () => attempt.usage }
    } catch (error) {
      const failure = { target: ref.name, error: attempt.failed(error) }
      this.#running.drop(attempt)
      if (failure.error.reason === 'internal') this.#around.onDefect(failure.error)
      // An answer that has begun was no request at fault: whoever finds it one now is passed over.
      if (this.#carrying === undefined ? isFinal(failure.error) : isOver(failure.error)) throw errorOfFailure(failure)
      if (this.#carrying === undefined && failure.error.reason === 'not_found' && ref.model !== undefined) throw notFound('The target does not know this model.', 'model_not_found', 'model')
      this.#failed.push(failure)
      return undefined
    }
  }
}
