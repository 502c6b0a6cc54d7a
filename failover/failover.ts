import type { AttemptRecord } from '../breaker/attempt.ts'
import type { CircuitBreakers } from '../breaker/circuit-breakers.ts'
import { replicaLost } from '../errors/stream-errors.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { Completion, Provider, StreamCall } from '../providers/provider.ts'
import { DEFAULT_CAPACITY, DEFAULT_MAX_BYTES } from '../streams/completion-stream.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { outputEstimateOf } from '../streams/output-tally.ts'
import { textTokens } from '../usage/text-tokens.ts'
import type { Attempt } from './attempt.ts'
import { inOrder } from './balancing.ts'
import { mayCarryOn } from './continuation.ts'
import { Hedging } from './hedging.ts'
import { watchIdle } from './idle-watch.ts'
import type { ModelRoute, TargetRef } from './model-routes.ts'
import { RescuableStream } from './rescuable-stream.ts'
import { Rescue } from './rescue.ts'
import type { BeginOptions, RescueEvent } from './rescue.ts'
import { RetryBudget } from './retry-budget.ts'
import { RunningCall } from './running-call.ts'
import type { FailoverCall } from './running-call.ts'
import type { SentText } from './sent-text.ts'
import { TargetLoad } from './target-load.ts'
import { Walk } from './walk.ts'
import type { Answer, OnAttempt, WalkSurroundings } from './walk.ts'

/** What the failover walks over. */
export interface FailoverOptions {
  readonly providers: ReadonlyMap<string, Provider>
  readonly breakers: Pick<CircuitBreakers, 'admit' | 'trickle'>
  /** Numbers from 0 to below 1, for balancing. */
  readonly random?: () => number
  readonly queueCapacity?: number
  /** Told of each attempt when it is over: of a stream, when the stream is. */
  readonly onAttempt: OnAttempt
  /** Told of what a provider threw that is no UpstreamError: a defect of its code. */
  readonly onDefect?: (error: unknown) => void
  /** Told when a stream that broke goes on at a target, or could not be carried on by any. */
  readonly onRescue?: (event: RescueEvent) => void
}

/** A stream of another replica that is gone. */
export interface LostStream {
  /** Who spoke. */
  readonly target: string
  readonly sent: SentText
}

/** Where an attempt's stream stands in one that is made of several. */
interface AttemptPlace extends Partial<Pick<BeginOptions, 'besidePrompt' | 'onComplete'>> {
  /** What its consumer has not taken yet. */
  readonly behind?: { readonly awaitsConsumer: boolean }
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

  /** Attempts that are under way at a target: those that have not begun to answer, and those whose stream has not ended. */
  running (target: string): number { return this.#load.busy(target) }

  /**
   * A whole answer. No first-token timeout here: a whole answer takes as long as it takes, up to the deadline.
   * @throws {GatewayError} no target answered, the request is at fault, the deadline passed, or the client left
   */
  async complete (call: FailoverCall): Promise<Answer<Completion>> {
    const running = this.#run(call)
    const walk = new Walk(this.#around, running, false, async (attempt, provider, model) => {
      const completion = await provider.complete({ request: call.request, model, signal: attempt.signal, headers: attempt.headers })
      const { json, finishReason, usage } = completion
      attempt.accepted({ chunks: 0, firstOutputAt: undefined, finishReason, usage, output: outputEstimateOf(json) })
      attempt.answers(json)
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
    try {
      const answer = this.isRescued(call) ? await this.#rescuable(running) : await this.#unrescued(running)
      void answer.answer.ended.then(() => running.end())
      return answer
    } catch (error) {
      running.end()
      throw error
    }
  }

  /** Whether a stream that breaks is carried on by another attempt. */
  isRescued ({ route, request }: Pick<FailoverCall, 'route' | 'request'>): boolean {
    return route.midstreamFailover === 'continue' && mayCarryOn(request)
  }

  /** Records an attempt of a replica that is gone. No breaker is told of it. */
  recordLost (record: AttemptRecord): void {
    this.#options.onAttempt(record)
  }

  /**
   * What follows in a stream whose replica is gone. If nobody can carry it on, its consumer gets an error of the reason
   * `replica_lost`.
   */
  takeOver (call: FailoverCall, { target, sent }: LostStream): Answer<CompletionStream> {
    const running = this.#run(call)
    const { stream, rescue } = this.#rescuableStream(running, this.#targetsOf(call), sent)
    const promptTokens = running.promptTokens()
    const completionTokens = Math.ceil(textTokens([sent.text]))
    rescue.inherit(target, { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens, source: 'estimated' })
    stream.carryOn(replicaLost())
    void stream.ended.then(() => running.end())
    return { target, answer: stream, usage: () => rescue.usage }
  }

  /** One attempt's stream as it is: if it breaks, the consumer is told. */
  async #unrescued (running: RunningCall): Promise<Answer<CompletionStream>> {
    const { call } = running
    const hedging = this.#hedgingOf(call.route)
    const { queueCapacity } = this.#options
    const queue = queueCapacity === undefined ? {} : { queue: { capacity: queueCapacity } }
    const walk = new Walk(this.#around, running, true, async (attempt, provider, model) => {
      const stream = await this.#begin(running, attempt, provider, { request: call.request, model, ...queue })
      hedging?.observe(attempt.ageMs)
      return stream
    })
    return await walk.over(this.#targetsOf(call), hedging)
  }

  /** A stream that another attempt carries on if it breaks. */
  async #rescuable (running: RunningCall): Promise<Answer<CompletionStream>> {
    const { call } = running
    const targets = this.#targetsOf(call)
    const { stream, rescue, queue } = this.#rescuableStream(running, targets)
    const hedging = this.#hedgingOf(call.route)
    const walk = new Walk(this.#around, running, true, async (attempt, provider, model) => {
      const { queue: source } = await this.#begin(running, attempt, provider, { request: call.request, model, queue }, { behind: stream.queue })
      hedging?.observe(attempt.ageMs)
      return { attempt, source }
    })
    const { target, answer: { attempt, source } } = await walk.over(targets, hedging)
    rescue.first(attempt)
    stream.begin(source)
    return { target, answer: stream, usage: () => rescue.usage }
  }

  /** Half of what may wait waits in the stream's queue, and half in that of the attempt behind it. */
  #rescuableStream (running: RunningCall, targets: readonly TargetRef[], sent?: SentText): { readonly stream: RescuableStream, readonly rescue: Rescue, readonly queue: StreamCall['queue'] & {} } {
    const { call } = running
    const { queueCapacity = DEFAULT_CAPACITY, onRescue = () => {} } = this.#options
    const queue = { capacity: Math.ceil(queueCapacity / 2), maxBytes: DEFAULT_MAX_BYTES / 2 }
    const rescue: Rescue = new Rescue({
      around: this.#around,
      running,
      targets,
      begin: async (attempt, provider, model, { request, continuation, ...options }) => {
        return await this.#begin(running, attempt, provider, { request, model, queue, ...continuation === undefined ? {} : { continuation } }, { ...options, behind: stream.queue })
      },
      onRescue
    })
    const includeUsage = call.request.stream_options?.include_usage === true
    const stream: RescuableStream = new RescuableStream({ ...queue, capacity: Math.max(1, Math.floor(queueCapacity / 2)), includeUsage }, rescue, sent)
    return { stream, rescue, queue }
  }

  async #begin (running: RunningCall, attempt: Attempt, provider: Provider, asked: Omit<StreamCall, 'signal' | 'headers'>, { behind, besidePrompt, onComplete }: AttemptPlace = {}): Promise<CompletionStream> {
    const { route } = running.call
    attempt.limit(route.firstTokenTimeoutMs, () => new UpstreamError('slow_first_output', 'The provider did not begin to answer in time.'))
    const stream = await provider.stream({ ...asked, signal: attempt.signal, headers: attempt.headers })
    attempt.accepted(stream.report, besidePrompt)
    try {
      await stream.started
    } catch (error) {
      stream.queue.cancel() // what little is in it was held back, and is dropped with it
      throw error
    }
    attempt.unlimit()
    attempt.answers(stream.queue.peek())
    attempt.begun()
    this.#load.answered(attempt.target, attempt.ageMs)
    const { queue, report } = stream
    const stopWatching = watchIdle(attempt, { report, waiting: () => queue.awaitsConsumer || behind?.awaitsConsumer === true }, route.idleTimeoutMs)
    void stream.ended.then(end => {
      stopWatching()
      switch (end.kind) {
        case 'complete': return onComplete === undefined ? attempt.succeeded() : onComplete()
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
