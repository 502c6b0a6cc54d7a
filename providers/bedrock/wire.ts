import type { TokenUsage } from '@aws-sdk/client-bedrock-runtime'

/**
 * What the gateway reads of Converse's answers, as JSON has it: blobs are base64, where the SDK's types have bytes.
 * The service's JSON is taken as it comes, so nothing in it is sure to be as its type says.
 */

/** A call, in a whole answer or at its beginning in a stream. */
export interface ToolUse {
  readonly toolUseId?: string
  readonly name?: string
  /** See `SERVER_TOOL_USE`. */
  readonly type?: string
  /** Any JSON; only in a whole answer. */
  readonly input?: unknown
}

/** What a piece of text is supported by; in a stream, a citation comes whole. */
export interface Citation {
  readonly title?: string
  /** Of a search result: its address, or a name for it. */
  readonly source?: string
  readonly sourceContent?: ReadonlyArray<{ readonly text?: string }>
  readonly location?: {
    readonly web?: { readonly url?: string, readonly domain?: string }
    readonly documentChar?: DocumentRange
    readonly documentPage?: DocumentRange
    readonly documentChunk?: DocumentRange
    readonly searchResultLocation?: { readonly searchResultIndex?: number, readonly start?: number, readonly end?: number }
  }
}

interface DocumentRange {
  readonly documentIndex?: number
  readonly start?: number
  readonly end?: number
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html */
export interface AnswerBlock {
  readonly text?: string
  readonly toolUse?: ToolUse
  readonly citationsContent?: { readonly content?: ReadonlyArray<{ readonly text?: string }>, readonly citations?: readonly Citation[] }
  readonly reasoningContent?: {
    readonly reasoningText?: { readonly text?: string, readonly signature?: string }
    readonly redactedContent?: string
  }
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_ResponseSyntax */
export interface ConverseAnswer {
  readonly output?: { readonly message?: { readonly role?: string, readonly content?: ReadonlyArray<AnswerBlock | null> } }
  readonly stopReason?: string
  readonly usage?: Partial<TokenUsage>
}

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlockDelta.html */
export interface AnswerDelta {
  readonly text?: string
  readonly toolUse?: { readonly input?: string }
  readonly reasoningContent?: { readonly text?: string, readonly signature?: string, readonly redactedContent?: string }
  readonly citation?: Citation
}

/**
 * One event of a stream: one of the fields, or one that is not known here.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html
 */
export interface ConverseEvent {
  readonly messageStart?: object
  readonly contentBlockStart?: { readonly contentBlockIndex?: number, readonly start?: { readonly toolUse?: ToolUse } }
  readonly contentBlockDelta?: { readonly contentBlockIndex?: number, readonly delta?: AnswerDelta }
  readonly contentBlockStop?: { readonly contentBlockIndex?: number }
  readonly messageStop?: { readonly stopReason?: string }
  readonly metadata?: { readonly usage?: Partial<TokenUsage> }
}
