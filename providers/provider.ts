import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { Usage } from '../schemas/chat-completion.ts'
import type { CallSignal } from '../streams/call-signal.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'

/** One request to one target. */
export interface CompletionCall {
  /** Validated. Not to be changed: the next target gets the same object. */
  readonly request: ChatCompletionRequest
  /** Replaces the target's own model or deployment. */
  readonly model?: string | undefined
  /**
   * Aborting it ends the call at any stage, that of a running stream included, and closes its connection. Its reason,
   * where that is an `UpstreamError`, is the error of the call; otherwise that error says `client_closed`.
   */
  readonly signal: CallSignal
  /** Sent beside the provider's own headers, which take precedence, and not signed. In lower case. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Where a target is. */
export interface ServerAddress {
  /** A name, or an IP address. */
  readonly address: string
  readonly port: number
}

/** A streamed request, and how much of its answer may wait for a slow consumer. */
export interface StreamCall extends CompletionCall {
  readonly queue?: { readonly capacity?: number, readonly maxBytes?: number }
  /**
   * What the assistant has said already: the answer is to go on behind its last character. Well-formed, without blanks at its
   * end, never empty; given only where `continues` says that the provider can.
   */
  readonly continuation?: { readonly text: string }
}

/**
 * What a provider makes of a `continuation`: `none`, it has no means to go on from a text; `prefix`, it answers with what
 * follows the text; `prefix_echoed`, it repeats the text first.
 */
export type Continues = 'none' | 'prefix' | 'prefix_echoed'

/** A whole answer. */
export interface Completion {
  /** One `chat.completion` object as JSON text. */
  readonly json: string
  /** The first choice's; null where the provider gave none. */
  readonly finishReason: string | null
  readonly usage: Usage | undefined
}

/**
 * A target: one deployment or model of one provider. Requests and answers are in the chat completions format, whatever
 * the provider speaks. Nothing is retried here; that is for whoever has other targets.
 */
export interface Provider {
  /** The protocol: `openai`, `bedrock` … */
  readonly kind: string
  /** The model or deployment that it was configured with. */
  readonly model: string
  /** Where its requests go; undefined while that is not known. For operators: callers are not told of it. */
  readonly server?: ServerAddress | undefined
  /**
   * @throws {UpstreamError} every failure; `unsupported` (with `param`) where this provider cannot express the request
   */
  complete (call: CompletionCall): Promise<Completion>
  /**
   * Resolves as soon as the provider has accepted the request (a 2xx status); the answer then comes through the queue.
   * @throws {UpstreamError} every failure before that, as in `complete`; later ones reach the queue's consumer
   */
  stream (call: StreamCall): Promise<CompletionStream>
  /**
   * Whether it can go on from a text that the assistant has begun, with this request (whose answer is plain text, without
   * tools or thinking) and this model. Absent: `none`.
   */
  continues? (call: Pick<CompletionCall, 'request' | 'model'>): Continues
  /** Closes its connections; calls under way fail. */
  close (): Promise<void>
}
