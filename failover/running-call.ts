import { UpstreamError } from '../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import { promptTokens } from '../usage/prompt-tokens.ts'
import type { Attempt } from './attempt.ts'
import type { ObserveAttempt } from './attempt-observer.ts'
import type { ModelRoute } from './model-routes.ts'
import type { Speaker } from './speaker.ts'

/** A request, and where to try it. */
export interface FailoverCall {
  readonly request: ChatCompletionRequest
  readonly route: ModelRoute
  readonly requestId: string
  /** Aborted when the client leaves. */
  readonly signal: CallSignal
  /** Told before each attempt; `attempts` counts this one. `beside`: one before is still under way, this one is its hedge. */
  readonly onTry?: (target: string, attempts: number, beside: boolean) => void
  /** Follows its attempts. */
  readonly observe?: ObserveAttempt | undefined
  /** Of a stream that is carried on if it breaks: told of the attempt that it begins with, and of each that goes on with it. */
  readonly onSpeaker?: (speaker: Speaker) => void
  /** Attempts that another replica has made, which is gone. */
  readonly attemptsBefore?: number | undefined
}

/** A call under way: ends its attempts when the client leaves, or when the time for all of them together is up. */
export class RunningCall {
  readonly call: FailoverCall
  readonly #timer: NodeJS.Timeout
  readonly #onEnd: () => void
  /** Attempts that have not given way to another yet. */
  readonly #attempts = new Set<Attempt>()
  #tried: number
  readonly #lastTried = new Map<string, number>()
  #ended = false
  #over: UpstreamError | undefined
  #onStop: (() => void) | undefined
  #promptTokens: number | undefined

  /** @param onEnd told once, when nothing is under way any more */
  constructor (call: FailoverCall, onEnd: () => void) {
    this.call = call
    this.#tried = call.attemptsBefore ?? 0
    this.#onEnd = onEnd
    const { signal, route } = call
    this.#timer = setTimeout(() => {
      this.#stop(new UpstreamError('deadline', 'The request took longer than the gateway allows.'))
    }, route.requestTimeoutMs)
    if (signal.aborted) this.#onClose()
    else signal.addEventListener('abort', this.#onClose, { once: true })
  }

  /** Why no attempt may go on; undefined while they may. */
  get over (): UpstreamError | undefined { return this.#over }

  /** Whether an attempt is under way. */
  get busy (): boolean { return this.#attempts.size > 0 }

  /** The number of the next attempt, from 1; tells the caller of it. */
  next (target: string): number {
    const number = ++this.#tried
    this.#lastTried.set(target, number)
    this.call.onTry?.(target, number, this.busy)
    return number
  }

  /** The number of a target's last attempt; 0 if it has had none. */
  lastTried (target: string): number { return this.#lastTried.get(target) ?? 0 }

  /** This attempt is under way now. */
  begin (attempt: Attempt): void {
    this.#attempts.add(attempt)
    if (this.#over !== undefined) attempt.abort(this.#over)
  }

  /** This attempt has failed, or was given up. */
  drop (attempt: Attempt): void {
    this.#attempts.delete(attempt)
  }

  /** Calls back when no attempt may go on; one at a time is told. Gives a function that calls it off. */
  onStop (callback: () => void): () => void {
    this.#onStop = callback
    if (this.#over !== undefined) callback()
    return () => { this.#onStop = undefined }
  }

  /** About how many tokens the prompt has. Nearly always the provider says it, so it is told only when asked for, and once. */
  readonly promptTokens = (): number => {
    this.#promptTokens ??= promptTokens(this.call.request)
    return this.#promptTokens
  }

  /** Nobody is interested any more: what is under way ends as if the client had left. */
  readonly abandon = (): void => {
    if (!this.#ended && this.#over === undefined) this.#onClose()
  }

  /** Nothing is under way any more. */
  end (): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.call.signal.removeEventListener('abort', this.#onClose)
    this.#onEnd()
  }

  #stop (error: UpstreamError): void {
    clearTimeout(this.#timer)
    this.#over = error
    for (const attempt of this.#attempts) attempt.abort(error)
    this.#onStop?.()
  }

  readonly #onClose = (): void => {
    this.#stop(new UpstreamError('client_closed', 'The client closed the request.'))
  }
}
