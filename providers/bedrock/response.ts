import type { TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletion, CompletionMessage, CompletionToolCall, Delta, FinishReason, Usage } from '../../schemas/chat-completion.ts'
import type { Completion } from '../provider.ts'
import { JSON_ANSWER } from './tools.ts'
import type { AnswerBlock, ConverseAnswer } from './wire.ts'

/**
 * Converse's answer in the chat completions format; the streamed one is in `stream-translator.ts`. */

/** What Converse does not send, and every completion has. */
export interface CompletionHead {
  readonly id: string
  /** Unix time in seconds. */
  readonly created: number
  readonly model: string
}

/**
 * What goes out beside `reasoning_content`, so that a caller can send the reasoning back with the next turn: models
 * that sign their reasoning take it back only with the signature, and word for word. A signature covers the one
 * reasoning block; where an answer has several, a caller cannot send them back.
 */
export interface ReasoningProof {
  /** The model's signature of `reasoning_content`. */
  reasoning_signature?: string
  /** Reasoning that the model keeps to itself, encrypted; base64. */
  reasoning_redacted?: string
}

export type BedrockDelta = Delta & ReasoningProof

/** Converse's type of a tool that the provider has run itself: neither the call nor its result is the caller's. */
export const SERVER_TOOL_USE = 'server_tool_use'

/** @throws {UpstreamError} `malformed`: the model did not manage an answer; `empty`: there is neither output nor a stop reason */
export function completionOf ({ output, stopReason, usage: tokens }: ConverseAnswer, { id, created, model }: CompletionHead): Completion {
  const content = output?.message?.content
  const message = messageOf(Array.isArray(content) ? content : [])
  const generated = message.content !== null || message.reasoning_content !== undefined || message.tool_calls !== undefined
  if (stopReason == null && !generated) throw new UpstreamError('empty', 'The provider ended its answer without generating anything.')
  const finishReason = stopReason == null ? null : finishReasonOf(stopReason, { calls: message.tool_calls !== undefined })
  const usage = usageOf(tokens)
  const completion: ChatCompletion = {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
    ...(usage === undefined ? {} : { usage })
  }
  return { json: JSON.stringify(completion), finishReason, usage }
}

function messageOf (blocks: ReadonlyArray<AnswerBlock | null>): CompletionMessage & ReasoningProof {
  let text = ''
  let reasoning = ''
  const proofs: ReasoningProof[] = []
  const calls: CompletionToolCall[] = []
  for (const block of blocks) {
    if (block == null) continue
    const { toolUse, citationsContent, reasoningContent } = block
    if (typeof block.text === 'string') text += block.text
    for (const cited of citationsContent?.content ?? []) text += cited.text ?? ''
    if (reasoningContent?.reasoningText != null) {
      reasoning += reasoningContent.reasoningText.text ?? ''
      const { signature } = reasoningContent.reasoningText
      if (signature) proofs.push({ reasoning_signature: signature })
    }
    if (typeof reasoningContent?.redactedContent === 'string') proofs.push({ reasoning_redacted: reasoningContent.redactedContent })
    if (toolUse?.name === JSON_ANSWER) {
      text += JSON.stringify(toolUse.input ?? {})
    } else if (toolUse != null && toolUse.type !== SERVER_TOOL_USE) {
      calls.push({
        id: toolUse.toolUseId ?? '',
        type: 'function',
        function: { name: toolUse.name ?? '', arguments: JSON.stringify(toolUse.input ?? {}) }
      })
    }
  }
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(proofs.length === 1 ? proofs[0] : {}),
    ...(calls.length === 0 ? {} : { tool_calls: calls })
  }
}

/**
 * Why the answer ended. Reasons that are not known today count as `stop`.
 * @param calls whether the answer calls tools of the caller
 * @throws {UpstreamError} `malformed`: the model did not manage an answer
 */
export function finishReasonOf (stopReason: string, { calls }: { readonly calls: boolean }): FinishReason {
  switch (stopReason) {
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length'
    case 'guardrail_intervened':
    case 'content_filtered':
      return 'content_filter'
    case 'malformed_model_output':
    case 'malformed_tool_use':
      throw new UpstreamError('malformed', 'The model did not produce a valid answer.')
    default: // `tool_use` without calls: the provider's own tools alone were used
      return calls ? 'tool_calls' : 'stop'
  }
}

/** Token counts; undefined if none came. Converse does not count what it read from and wrote to the cache as input. */
export function usageOf (tokens: Partial<TokenUsage> | undefined): Usage | undefined {
  if (typeof tokens?.inputTokens !== 'number' && typeof tokens?.outputTokens !== 'number') return undefined
  const { cacheReadInputTokens: cached } = tokens
  const prompt = (tokens.inputTokens ?? 0) + (cached ?? 0) + (tokens.cacheWriteInputTokens ?? 0)
  const completion = tokens.outputTokens ?? 0
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(typeof cached === 'number' ? { prompt_tokens_details: { cached_tokens: cached } } : {})
  }
}
