import type { AttemptRecord } from '../breaker/attempt.ts'
import type { CircuitBreakers, Permit } from '../breaker/circuit-breakers.ts'
import { notFound } from '../errors/gateway-error.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Completion, Provider } from '../providers/provider.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { outputEstimateOf } from '../streams/output-tally.ts'
import type { AttemptUsage } from '../usage/attempt-usage.ts'
import { promptTokens } from '../usage/prompt-tokens.ts'
import { Attempt } from './attempt.ts'
import { inOrder } from './balancing.ts'
import { watchIdle } from './idle-watch.ts'
import type { ModelRoute, TargetRef } from './model-routes.ts'
import { TargetLoad } from './target-load.ts'
import { errorOfFailure, isFinal, verdict } from './verdict.ts'
import type { FailedTarget, Refusal } from './verdict.ts'

/** What the failover walks over. */
export interface FailoverOptions {
  readonly providers: ReadonlyMap<string, Provider>
  readonly breakers: Pick<CircuitBreakers, 'admit' | 'trickle'>
  /** Numbers from 0 to below 1, for balancing. */
  readonly random?: () => number
  readonly queueCapacity?: number
  /** Told of each attempt when it is over: of a stream, when the stream is. */
  readonly onAttempt: (record: AttemptRecord) => void
  /** Told of what a provider threw that is no UpstreamError: a defect of its code. */
  readonly onDefect?: (error: unknown) => void
}

/** A request, and where to try it. */
export interface FailoverCall {
  readonly request: ChatCompletionRequest
  readonly route: ModelRoute
  readonly requestId: string
  /** Aborted when the client leaves. */
  readonly signal: CallSignal
  /** Told before each attempt; `attempts` counts this one. */
  readonly onTry?: (target: string, attempts: number) => void
}

/** An answer, and who gave it. */
export interface Answer<T> {
  readonly target: string
  readonly answer: T
  /** What it has cost; of a stream, so far. */
  readonly usage: () => AttemptUsage | null
}

/** A target that its breaker does not let anybody to. */
interface RefusedTarget {
  readonly ref: TargetRef
  readonly refusal: Refusal
}

/** How one target is tried: resolves when the answer may be given to the client. */
type Try<T> = (attempt: Attempt, provider: Provider, model: string) => Promise<T>

/**
 * Tries the targets of a route in order until one answers. Until real output, a failure is invisible to the client;
 * every attempt ends in its breaker and in `onAttempt`, the answered one of a stream when the stream ends.
 */
export class Failover {
  readonly #options: FailoverOptions
  readonly #load = new TargetLoad()

  constructor (options: FailoverOptions) {
    this.#options = options
  }

  /**
   * A whole answer. No first-token timeout here: a whole answer takes as long as it takes, up to the deadline.
   * @throws {GatewayError} no target answered, the request is at fault, the deadline passed, or the client left
   */
  async complete (call: FailoverCall): Promise<Answer<Completion>> {
    const running = new RunningCall(call)
    try {
      return await this.#walk(running, false, async (attempt, provider, model) => {
        const completion = await provider.complete({ request: call.request, model, signal: attempt.signal })
        const { json, finishReason, usage } = completion
        attempt.accepted({ chunks: 0, firstOutputAt: undefined, finishReason, usage, output: outputEstimateOf(json) })
        attempt.succeeded()
        return completion
      })
    } finally {
      running.end()
    }
  }

  /**
   * A stream that has begun: resolves at its first real output.
   * @throws {GatewayError} as `complete`; what goes wrong later reaches the stream's consumer
   */
  async stream (call: FailoverCall): Promise<Answer<CompletionStream>> {
    const running = new RunningCall(call)
    try {
      return await this.#walk(running, true, async (attempt, provider, model) => await this.#begin(running, attempt, provider, model))
    } catch (error) {
      running.end()
      throw error
    }
  }

  async #begin (running: RunningCall, attempt: Attempt, provider: Provider, model: string): Promise<CompletionStream> {
    const { request, route } = running.call
    attempt.limit(route.firstTokenTimeoutMs, () => new UpstreamError('slow_first_output', 'The provider did not begin to answer in time.'))
    const { queueCapacity } = this.#options
    const stream = await provider.stream({ request, model, signal: attempt.signal, ...(queueCapacity === undefined ? {} : { queue: { capacity: queueCapacity } }) })
    attempt.accepted(stream.report)
    try {
      await stream.started
    } catch (error) {
      stream.queue.cancel() // what little is in it was held back, and is dropped with it
      throw error
    }
    attempt.unlimit()
    attempt.begun()
    this.#load.answered(attempt.target, attempt.ageMs)
    const stopWatching = watchIdle(attempt, stream, route.idleTimeoutMs)
    void stream.ended.then(end => {
      stopWatching()
      running.end()
      switch (end.kind) {
        case 'complete': return attempt.succeeded()
        case 'failed': return attempt.failed(end.error)
        case 'cancelled': return attempt.failed(new UpstreamError('client_closed', 'The client closed the request.'))
      }
    })
    return stream
  }

  async #walk<T> (running: RunningCall, stream: boolean, answer: Try<T>): Promise<Answer<T>> {
    const { call } = running
    const failed: FailedTarget[] = []
    const refused: RefusedTarget[] = []
    const tryTarget = async (ref: TargetRef, permit: Permit): Promise<Answer<T> | undefined> => {
      const provider = this.#options.providers.get(ref.name)
      if (provider === undefined) {
        permit.release()
        throw new Error(`the route names a target without a provider: ${ref.name}`)
      }
      const model = ref.model ?? provider.model
      const number = failed.length + 1
      call.onTry?.(ref.name, number)
      const attempt = new Attempt({
        requestId: call.requestId,
        target: ref.name,
        provider: provider.kind,
        model,
        modelOverridden: ref.model !== undefined,
        stream,
        number,
        permit,
        promptTokens: running.promptTokens,
        onEnd: record => {
          this.#load.ended(ref.name)
          this.#options.onAttempt(record)
        }
      })
      this.#load.begun(ref.name)
      running.begin(attempt)
      try {
        return { target: ref.name, answer: await answer(attempt, provider, model), usage: () => attempt.usage }
      } catch (error) {
        const failure = { target: ref.name, error: attempt.failed(error) }
        if (failure.error.reason === 'internal') this.#options.onDefect?.(failure.error)
        if (isFinal(failure.error)) throw errorOfFailure(failure)
        if (failure.error.reason === 'not_found' && ref.model !== undefined) throw notFound('The target does not know this model.', 'model_not_found', 'model')
        failed.push(failure)
        return undefined
      }
    }

    const claims: Array<RefusedTarget & { readonly claim: Promise<Permit | undefined> }> = []
    const { random } = this.#options
    for (const ref of inOrder(call.route.targets, call.route.balancing, this.#load, random)) {
      const admission = this.#options.breakers.admit(ref.name)
      if (admission.kind === 'refused') {
        if (admission.claim === undefined) refused.push({ ref, refusal: admission })
        else claims.push({ ref, claim: admission.claim, refusal: admission })
        continue
      }
      const answered = await tryTarget(ref, admission.permit)
      if (answered !== undefined) return answered
    }
    // Nobody else answered: a target whose probe is just being claimed is worth the wait for the claim.
    for (const { ref, claim, refusal } of claims) {
      const permit = await claim
      if (permit === undefined) {
        refused.push({ ref, refusal })
        continue
      }
      const answered = await tryTarget(ref, permit)
      if (answered !== undefined) return answered
    }
    if (failed.length === 0) {
      const answered = await this.#trickle(refused, tryTarget)
      if (answered !== undefined) return answered
    }
    throw verdict(failed, refused.map(({ refusal }) => refusal))
  }

  /** Every target was refused: one request a second goes to the one that reopens first, as it may be well again by now. */
  async #trickle<T> (refused: readonly RefusedTarget[], tryTarget: (ref: TargetRef, permit: Permit) => Promise<T | undefined>): Promise<T | undefined> {
    const [soonest] = refused.filter(({ refusal }) => refusal.why === 'open').sort((a, b) => a.refusal.retryAfterMs - b.refusal.retryAfterMs)
    const permit = soonest === undefined ? undefined : this.#options.breakers.trickle(soonest.ref.name)
    return soonest === undefined || permit === undefined ? undefined : await tryTarget(soonest.ref, permit)
  }
}

/** A call under way: ends the attempt at hand when the client leaves, or when the time for all attempts together is up. */
class RunningCall {
  readonly call: FailoverCall
  readonly #timer: NodeJS.Timeout
  #attempt: Attempt | undefined
  /** Why no attempt may go on. */
  #over: UpstreamError | undefined
  #promptTokens: number | undefined

  constructor (call: FailoverCall) {
    this.call = call
    const { signal, route } = call
    this.#timer = setTimeout(() => {
      this.#stop(new UpstreamError('deadline', 'The request took longer than the gateway allows.'))
    }, route.requestTimeoutMs)
    if (signal.aborted) this.#onClose()
    else signal.addEventListener('abort', this.#onClose, { once: true })
  }

  /** This is the attempt at hand now. */
  begin (attempt: Attempt): void {
    this.#attempt = attempt
    if (this.#over !== undefined) attempt.abort(this.#over)
  }

  /** About how many tokens the prompt has. Nearly always the provider says it, so it is told only when asked for, and once. */
  readonly promptTokens = (): number => {
    this.#promptTokens ??= promptTokens(this.call.request)
    return this.#promptTokens
  }

  /** Nothing is under way any more. */
  end (): void {
    clearTimeout(this.#timer)
    this.call.signal.removeEventListener('abort', this.#onClose)
  }

  #stop (error: UpstreamError): void {
    this.end()
    this.#over = error
    this.#attempt?.abort(error)
  }

  readonly #onClose = (): void => {
    this.#stop(new UpstreamError('client_closed', 'The client closed the request.'))
  }
}
