import type { AttemptRecord } from '../breaker/attempt.ts'
import type { ServerAddress } from '../providers/provider.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'

/** An attempt, as it begins. */
export interface BegunAttempt {
  readonly request: ChatCompletionRequest
  readonly target: string
  /** The kind of provider, e.g. `azure-openai`. */
  readonly provider: string
  /** The model as the target is asked for it. */
  readonly model: string
  readonly stream: boolean
  /** 1 for the first target tried. */
  readonly number: number
  /** Another attempt of the same request is under way: this one is its hedge. */
  readonly beside: boolean
  /** It is to carry on a stream that broke. */
  readonly carrying: boolean
  /** Where it goes, as far as that is known. */
  readonly server: ServerAddress | undefined
}

/** Follows one attempt, e.g. as the span of a trace. Nothing that it does may throw. */
export interface AttemptObserver {
  /** Sent to the provider with the request, beside the provider's own headers. */
  readonly headers: Readonly<Record<string, string>>
  /** What the log line of this attempt says beside the rest. */
  readonly logFields: Readonly<Record<string, string>>
  /** Told at most once of what the provider says: the first chunk of a stream, or a whole answer; JSON text. */
  answers (json: string): void
  /** Real output of a stream has begun. */
  begun (): void
  /** Told once, when the attempt is over. */
  ended (record: AttemptRecord): void
}

/** Told of each attempt of a request before it is made. */
export type ObserveAttempt = (attempt: BegunAttempt) => AttemptObserver
