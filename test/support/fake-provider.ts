/**
 * Targets without a network, for what is above them: each call waits until the test says what becomes of it.
 *
 *     const fake = new FakeTargets({
 *       a: call => call.refuse(new UpstreamError('reset', 'x')),
 *       b: call => { call.stream().offer(textChunk('a')) }
 *     })
 *     const { answer } = await fake.failover.stream(fake.call())
 *     fake.calls[1]?.writer.end({ terminal: true })
 *     fake.journal     // what the breakers were told: `a: failure reset`, `b: success` …
 */
import type { AttemptRecord } from '../../breaker/attempt.ts'
import type { Admission, Permit } from '../../breaker/admission.ts'
import { Failover } from '../../failover/failover.ts'
import type { FailoverOptions } from '../../failover/failover.ts'
import type { FailoverCall } from '../../failover/running-call.ts'
import type { ModelRoute, TargetRef } from '../../failover/model-routes.ts'
import type { RescueEvent } from '../../failover/rescue.ts'
import type { Completion, Continues, Provider, StreamCall } from '../../providers/provider.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStream } from '../../streams/completion-stream.ts'
import { abortError } from '../../upstream/transport-error.ts'

/** One call to a target. Aborting it refuses it, or fails its stream, as a real provider would. */
export class FakeCall {
  readonly target: string
  readonly call: StreamCall
  readonly writer: CompletionWriter
  readonly #stream = Promise.withResolvers<CompletionStream>()
  readonly #completion = Promise.withResolvers<Completion>()

  constructor (target: string, call: StreamCall) {
    this.target = target
    this.call = call
    this.writer = new CompletionWriter({ ...call.queue, includeUsage: call.request.stream_options?.include_usage === true })
    const onAbort = () => this.refuse(abortError(call.signal))
    if (call.signal.aborted) onAbort()
    else call.signal.addEventListener('abort', onAbort, { once: true })
    for (const promise of [this.#stream.promise, this.#completion.promise]) promise.catch(() => {})
  }

  get streamed (): Promise<CompletionStream> { return this.#stream.promise }
  get completed (): Promise<Completion> { return this.#completion.promise }

  /** A 2xx status: from here on it is the writer's. */
  stream (): CompletionWriter {
    this.#stream.resolve(this.writer)
    return this.writer
  }

  answer (completion: Partial<Completion> = {}): void {
    this.#completion.resolve({ json: `{"from":"${this.target}"}`, finishReason: 'stop', usage: undefined, ...completion })
  }

  refuse (error: unknown): void {
    this.#stream.reject(error)
    this.#completion.reject(error)
    if (error instanceof Error) this.writer.broken(error)
  }
}

/** What a target does with a call as soon as it comes; nothing: the test will. */
export type Behaviour = (call: FakeCall) => void

class FakeProvider implements Provider {
  readonly kind = 'fake'
  readonly model: string
  readonly #onCall: (call: StreamCall) => FakeCall
  readonly #continues: Continues

  constructor (target: string, onCall: (call: StreamCall) => FakeCall, continues: Continues = 'none') {
    this.model = `model of ${target}`
    this.#onCall = onCall
    this.#continues = continues
  }

  continues (): Continues { return this.#continues }

  complete (call: StreamCall): Promise<Completion> { return this.#onCall(call).completed }
  stream (call: StreamCall): Promise<CompletionStream> { return this.#onCall(call).streamed }
  async close (): Promise<void> {}
}

export interface FakeOptions extends Pick<FailoverOptions, 'queueCapacity' | 'random'>, Partial<Pick<FailoverOptions, 'breakers'>> {
  /** Targets that go on from a text. */
  readonly continues?: Readonly<Record<string, Continues>>
}

/** Everything around one failover. Where `breakers` are given, they are told of everything in place of the journal. */
export class FakeTargets {
  readonly failover: Failover
  /** All calls so far, in order. */
  readonly calls: FakeCall[] = []
  /** What the breakers were told of permits, in order. */
  readonly journal: string[] = []
  readonly records: AttemptRecord[] = []
  /** What was thrown that is no UpstreamError, in order. */
  readonly defects: unknown[] = []
  /** What became of streams that broke, in order. */
  readonly rescues: RescueEvent[] = []
  /** Targets that their breakers do not admit. */
  readonly refusals = new Map<string, Extract<Admission, { kind: 'refused' }>>()
  /** Targets whose breakers let one request through although they are open. */
  readonly trickling = new Set<string>()
  readonly #names: readonly string[]

  constructor (targets: Readonly<Record<string, Behaviour>>, { continues = {}, ...options }: FakeOptions = {}) {
    this.#names = Object.keys(targets)
    const providers = new Map<string, Provider>()
    for (const [name, behaviour] of Object.entries(targets)) {
      providers.set(name, new FakeProvider(name, call => {
        const fake = new FakeCall(name, call)
        this.calls.push(fake)
        behaviour(fake)
        return fake
      }, continues[name]))
    }
    this.failover = new Failover({
      breakers: {
        admit: target => this.refusals.get(target) ?? { kind: 'permit', permit: this.permit(target) },
        trickle: target => this.trickling.delete(target) ? this.permit(target) : undefined
      },
      ...options,
      providers,
      onAttempt: record => this.records.push(record),
      onDefect: error => this.defects.push(error),
      onRescue: event => this.rescues.push(event)
    })
  }

  /** A permit that writes down how it ends. */
  permit (target: string): Permit {
    return {
      target,
      epoch: 0,
      probe: false,
      record: (outcome, detail) => {
        const { class: kind, reason } = { reason: undefined, ...outcome }
        this.journal.push([`${target}:`, kind, reason, detail?.status].filter(part => part !== undefined).join(' '))
      },
      release: () => this.journal.push(`${target}: released`)
    }
  }

  /** A request to all targets in order, with short times, unless said otherwise. */
  call (change: Partial<Omit<FailoverCall, 'route'>> & { readonly route?: Partial<ModelRoute> } = {}): FailoverCall {
    const targets: TargetRef[] = this.#names.map(name => ({ name, model: undefined }))
    return {
      request: { messages: [{ role: 'user', content: 'Hi' }] },
      requestId: 'req-1',
      signal: new AbortController().signal,
      ...change,
      route: { targets, firstTokenTimeoutMs: 1000, idleTimeoutMs: 2000, requestTimeoutMs: 60_000, midstreamFailover: 'off', balancing: { kind: 'order' }, hedging: false, resumable: false, ...change.route }
    }
  }
}
