import { UpstreamError } from '../errors/upstream-error.ts'
import type { FailureReason } from '../breaker/outcome.ts'
import type { Continues, Provider, StreamCall } from '../providers/provider.ts'
import type { Usage } from '../schemas/chat-completion.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { addedUsage, detailedUsage, totalUsage } from '../usage/added-usage.ts'
import type { AttemptUsage } from '../usage/attempt-usage.ts'
import { textTokens } from '../usage/text-tokens.ts'
import type { Attempt } from './attempt.ts'
import { mayGivePrefix, prefixOf, shortened } from './continuation.ts'
import type { TargetRef } from './model-routes.ts'
import type { Successor, Successors } from './rescuable-stream.ts'
import type { RunningCall } from './running-call.ts'
import { Seam } from './seam.ts'
import type { SentText } from './sent-text.ts'
import { Walk } from './walk.ts'
import type { WalkSurroundings } from './walk.ts'

/** How many attempts may be made to carry one stream on, however often it breaks. */
const MAX_ATTEMPTS = 3

/** By giving the beginning to the provider, or by asking anew. */
export type RescueMethod = 'prefix' | 'restart'

/** What came of carrying a stream on that broke; told once for each break. */
export interface RescueEvent {
  readonly kind: 'rescued' | 'failed'
  readonly requestId: string
  /** The target that broke. */
  readonly from: string
  readonly reason: FailureReason
  /** The target that went on; of a failure the one that was tried last, null where nobody was. */
  readonly to: string | null
  readonly how: RescueMethod | null
}

/** How an attempt of the stream is begun. */
export interface BeginOptions extends Pick<StreamCall, 'request' | 'continuation'> {
  /** About how many tokens are sent beside the request's prompt. */
  readonly besidePrompt: number
  /** Told when the stream is complete, in place of ending the attempt as a success. */
  readonly onComplete: () => void
}

export interface RescueOptions {
  readonly around: WalkSurroundings
  readonly running: RunningCall
  /** In the order in which the request tried them. */
  readonly targets: readonly TargetRef[]
  readonly begin: (attempt: Attempt, provider: Provider, model: string, options: BeginOptions) => Promise<CompletionStream>
  readonly onRescue: (event: RescueEvent) => void
}

/** An attempt that has begun to answer. */
interface Begun {
  readonly attempt: Attempt
  readonly stream: CompletionStream
  readonly seam: Seam
  /** Ends the attempt, whose stream is complete, once it is known what it was. */
  readonly settle: (error?: UpstreamError) => void
}

/** What was sent, when the stream broke. */
interface Break {
  readonly from: string
  readonly error: UpstreamError
  readonly text: string
  /** What of it can be given to a provider; empty: it cannot. */
  readonly prefix: string
  /** About how many tokens that has. */
  readonly tokens: number
  /** What has been tried since. */
  readonly tried: Set<string>
  last: { readonly target: string, readonly how: RescueMethod } | undefined
}

/**
 * Whom to ask for the rest of a stream that broke: by the ladder, until its attempts are used up.
 *
 * 1. Targets that go on from a text that they are given, in order.
 * 2. The others, and those that would not take the text: asked anew, they have to say the same until they come to the seam.
 *
 * Those that can go on come first whatever the order, since a second answer is hardly ever the same as the first, and is paid for
 * from its beginning. On each rung who broke comes last: where a connection was cut, the same target may well go on.
 */
export class Rescue implements Successors {
  readonly #options: RescueOptions
  /** All attempts of the answer, in order. */
  readonly #attempts: Attempt[] = []
  /** What attempts of another replica have cost, before it was lost. */
  #inherited: AttemptUsage | null = null
  /** Those that this request has not tried come first, who broke comes last. */
  #order: readonly TargetRef[] = []
  /** Targets that would not take the beginning: they can still be asked anew. */
  readonly #unwilling = new Set<string>()
  #left = MAX_ATTEMPTS
  /** Who speaks. */
  #target = ''
  #break: Break | undefined

  constructor (options: RescueOptions) {
    this.#options = options
  }

  /** The attempt that the stream begins with. */
  first (attempt: Attempt): void {
    this.#attempts.push(attempt)
    this.#target = attempt.target
    this.#options.running.call.onSpeaker?.(attempt.speaker(0))
  }

  /** The stream begins in its middle: this target has spoken at another replica, at about this cost. */
  inherit (target: string, usage: AttemptUsage): void {
    this.#target = target
    this.#inherited = usage
  }

  /** What all attempts of the answer have cost so far. */
  get usage (): AttemptUsage | null { return totalUsage([this.#inherited, ...this.#attempts.map(({ usage }) => usage)]) }

  async next (sent: SentText, error: UpstreamError, again: boolean): Promise<Successor | undefined> {
    for (const attempt of this.#attempts) this.#options.running.drop(attempt) // none of them is under way any more
    const broken = again && this.#break !== undefined ? this.#break : this.#broke(sent.text, error)
    try {
      const begun = await this.#begun(sent, broken)
      if (begun !== undefined) return this.#successor(begun, broken, sent)
    } catch (failure) {
      this.#options.around.onDefect(failure)
    }
    this.#tell('failed', broken)
    return undefined
  }

  abandon (): void {
    this.#options.running.abandon()
  }

  #broke (text: string, error: UpstreamError): Break {
    const from = this.#target
    // Whose replica was lost has broken nothing: its words are the likeliest to fit.
    const rankOfFrom = error.reason === 'replica_lost' ? -1 : Infinity
    const rank = ({ name }: TargetRef) => name === from ? rankOfFrom : this.#options.running.lastTried(name)
    this.#order = this.#options.targets.toSorted((a, b) => compare(rank(a), rank(b)))
    const prefix = mayGivePrefix(this.#options.running.call.request) ? prefixOf(text) : ''
    this.#break = { from, error, text, prefix, tokens: Math.ceil(textTokens([prefix])), tried: new Set(), last: undefined }
    return this.#break
  }

  async #begun (sent: SentText, broken: Break): Promise<Begun | undefined> {
    for (;;) {
      const { size } = this.#unwilling
      const begun = await this.#walk(sent, broken, this.#ladder(broken))
      // Who would not take the beginning is on another rung now.
      if (begun !== undefined || this.#unwilling.size === size) return begun
    }
  }

  /** The targets that are left to try. */
  #ladder (broken: Break): TargetRef[] {
    const left = this.#order.filter(ref => !broken.tried.has(stepOf(ref.name, this.#methodAt(ref, broken))))
    return [...left.filter(ref => this.#methodAt(ref, broken) === 'prefix'), ...left.filter(ref => this.#methodAt(ref, broken) === 'restart')]
  }

  #methodAt (ref: TargetRef, broken: Break): RescueMethod {
    return this.#continues(ref, broken) === 'none' ? 'restart' : 'prefix'
  }

  async #walk (sent: SentText, broken: Break, targets: readonly TargetRef[]): Promise<Begun | undefined> {
    const { around, running } = this.#options
    if (targets.length === 0 || this.#left <= 0 || running.over !== undefined) return undefined
    const walk = new Walk<Begun>(around, running, true, async (attempt, provider, model) => await this.#try(sent, broken, attempt, provider, model), {
      after: { target: broken.from, error: broken.error },
      mayTry: () => this.#left > 0
    })
    try {
      return (await walk.over(targets)).answer
    } catch {
      return undefined // each attempt is recorded; what the client is told is what broke the stream
    }
  }

  async #try (sent: SentText, broken: Break, attempt: Attempt, provider: Provider, model: string): Promise<Begun> {
    const { target } = attempt
    const { text, prefix, tokens } = broken
    const ref = this.#order.find(({ name }) => name === target)
    const continues = ref === undefined ? 'none' : this.#continues(ref, broken)
    const how = continues === 'none' ? 'restart' : 'prefix'
    const before = this.#costSoFar()
    broken.tried.add(stepOf(target, how))
    broken.last = { target, how }
    this.#left--
    this.#attempts.push(attempt)
    const { request } = this.#options.running.call
    const seam = new Seam({
      expected: continues === 'prefix' ? text.slice(prefix.length) : text,
      reasons: how === 'restart',
      identity: sent.identity ?? UNIDENTIFIED,
      before
    })
    const settle = settlement(attempt)
    try {
      const stream = await this.#options.begin(attempt, provider, model, how === 'restart'
        ? { request, besidePrompt: 0, onComplete: settle.complete }
        : { request: shortened(request, tokens), continuation: { text: prefix }, besidePrompt: tokens, onComplete: settle.complete })
      return { attempt, stream, seam, settle: settle.settle }
    } catch (error) {
      if (error instanceof UpstreamError && REFUSES.has(error.reason)) {
        if (error.reason === 'unsupported') this.#left++ // it was never asked
        if (how === 'prefix') this.#unwilling.add(target)
      }
      throw error
    }
  }

  #continues ({ name, model }: TargetRef, { prefix }: Break): Continues {
    const { around, running } = this.#options
    if (prefix === '' || this.#unwilling.has(name)) return 'none'
    return around.providers.get(name)?.continues?.({ request: running.call.request, model }) ?? 'none'
  }

  #successor ({ attempt, stream, seam, settle }: Begun, broken: Break, sent: SentText): Successor {
    return {
      queue: stream.queue,
      seam,
      reached: () => {
        this.#target = attempt.target
        this.#options.running.call.onSpeaker?.(attempt.speaker(sent.chunks))
        settle()
        this.#tell('rescued', broken)
        this.#break = undefined // and its text
      },
      diverged: error => { attempt.failed(error) },
      left: () => {
        stream.queue.cancel()
        settle(new UpstreamError('client_closed', 'The client closed the request.'))
      }
    }
  }

  /** With the details that providers have told. */
  #costSoFar (): Usage | undefined {
    return this.#attempts.reduce<Usage | undefined>((sum, { usage, counts }) => {
      if (usage === null) return sum
      const each = detailedUsage(usage, counts)
      return sum === undefined ? each : addedUsage(sum, each)
    }, this.#inherited === null ? undefined : detailedUsage(this.#inherited, undefined))
  }

  #tell (kind: RescueEvent['kind'], { from, error, last }: Break): void {
    this.#options.onRescue({ kind, requestId: this.#options.running.call.requestId, from, reason: error.reason, to: last?.target ?? null, how: last?.how ?? null })
  }
}

function stepOf (target: string, how: RescueMethod): string { return `${target} ${how}` }

function compare (a: number, b: number): number {
  return a === b ? 0 : a - b // both may be infinite
}

/** The request, as the provider was given it, is not to its liking: which may be because of the beginning. */
const REFUSES: ReadonlySet<FailureReason> = new Set(['invalid_request', 'unsupported'])

const UNIDENTIFIED = { id: undefined, created: undefined, model: undefined, system_fingerprint: undefined }

/** An attempt may be complete before it is known whether it says what was sent: it ends when both are. */
function settlement (attempt: Attempt): { readonly complete: () => void, readonly settle: (error?: UpstreamError) => void } {
  let complete = false
  let settled: { readonly error: UpstreamError | undefined } | undefined
  const end = () => {
    if (!complete || settled === undefined) return
    if (settled.error === undefined) attempt.succeeded()
    else attempt.failed(settled.error)
  }
  return {
    complete: () => {
      complete = true
      end()
    },
    settle: error => {
      settled ??= { error }
      end()
    }
  }
}
