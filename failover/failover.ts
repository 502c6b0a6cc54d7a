import type { AttemptRecord } from '../breaker/attempt.ts'
import type { CircuitBreakers } from '../breaker/circuit-breakers.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Completion, Provider } from '../providers/provider.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { outputEstimateOf } from '../streams/output-tally.ts'
import type { Attempt } from './attempt.ts'
import { inOrder } from './balancing.ts'
import { Hedging } from './hedging.ts'
import { watchIdle } from './idle-watch.ts'
import type { ModelRoute, TargetRef } from './model-routes.ts'
import { RetryBudget } from './retry-budget.ts'
import { RunningCall } from './running-call.ts'
import type { FailoverCall } from './running-call.ts'
import { TargetLoad } from './target-load.ts'
import { Walk } from './walk.ts'
import type { Answer, WalkSurroundings } from './walk.ts'

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

/**
 * Tries the targets of a route in order until one answers. Until real output, a failure is invisible to the client;
 * every attempt ends in its breaker and in `onAttempt`, the answered one of a stream when the stream ends.
 */
export class Failover {
  readonly #options: FailoverOptions
  readonly #load = new TargetLoad()
  readonly #budget = new RetryBudget()
  /** Of the models that are hedged. */
  readonly #hedging = new WeakMap<ModelRoute, Hedging>()
  readonly #around: WalkSurroundings

  constructor (options: FailoverOptions) {
    this.#options = options
    const { providers, breakers, onAttempt, onDefect = () => {} } = options
    this.#around = { providers, breakers, onAttempt, onDefect, load: this.#load, budget: this.#budget }
  }

  /** Requests whose first target failed under load, and which wait for their turn at the next. */
  get waiting (): number { return this.#budget.waiting }

  /**
   * A whole answer. No first-token timeout here: a whole answer takes as long as it takes, up to the deadline.
   * @throws {GatewayError} no target answered, the request is at fault, the deadline passed, or the client left
   */
  async complete (call: FailoverCall): Promise<Answer<Completion>> {
    const running = this.#run(call)
    const walk = new Walk(this.#around, running, false, async (attempt, provider, model) => {
      const completion = await provider.complete({ request: call.request, model, signal: attempt.signal })
      const { json, finishReason, usage } = completion
      attempt.accepted({ chunks: 0, firstOutputAt: undefined, finishReason, usage, output: outputEstimateOf(json) })
      attempt.succeeded()
      return completion
    })
    try {
      return await walk.over(this.#targetsOf(call))
    } finally {
      running.end()
    }
  }

  /**
   * A stream that has begun: resolves at its first real output.
   * @throws {GatewayError} as `complete`; what goes wrong later reaches the stream's consumer
   */
  async stream (call: FailoverCall): Promise<Answer<CompletionStream>> {
    const running = this.#run(call)
    const hedging = this.#hedgingOf(call.route)
    const walk = new Walk(this.#around, running, true, async (attempt, provider, model) => {
      const stream = await this.#begin(running, attempt, provider, model)
      hedging?.observe(attempt.ageMs)
      return stream
    })
    try {
      const answer = await walk.over(this.#targetsOf(call), hedging)
      void answer.answer.ended.then(() => running.end())
      return answer
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
      switch (end.kind) {
        case 'complete': return attempt.succeeded()
        case 'failed': return attempt.failed(end.error)
        case 'cancelled': return attempt.failed(new UpstreamError('client_closed', 'The client closed the request.'))
      }
    })
    return stream
  }

  #run (call: FailoverCall): RunningCall {
    this.#budget.begin()
    return new RunningCall(call, () => this.#budget.end())
  }

  #targetsOf ({ route }: FailoverCall): readonly TargetRef[] {
    return inOrder(route.targets, route.balancing, this.#load, this.#options.random)
  }

  #hedgingOf (route: ModelRoute): Hedging | undefined {
    if (!route.hedging || route.targets.length < 2) return undefined
    let hedging = this.#hedging.get(route)
    if (hedging === undefined) this.#hedging.set(route, hedging = new Hedging())
    return hedging
  }
}
