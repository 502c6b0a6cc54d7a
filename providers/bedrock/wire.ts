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

/** @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html */
export interface AnswerBlock {
  readonly text?: string
  readonly toolUse?: ToolUse
  readonly citationsContent?: { readonly content?: ReadonlyArray<{ readonly text?: string }> }
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
