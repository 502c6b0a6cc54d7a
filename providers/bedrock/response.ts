import type { TokenUsage } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletion, CompletionMessage, CompletionToolCall, Delta, FinishReason, Usage } from '../../schemas/chat-completion.ts'
import type { Completion } from '../provider.ts'
import { annotationOf } from './citations.ts'
import type { Annotation } from './citations.ts'
import type { ReasoningDetail } from './reasoning-details.ts'
import { JSON_ANSWER } from './tools.ts'
import type { AnswerBlock, ConverseAnswer, ToolUse } from './wire.ts'

/** Converse's answer in the chat completions format; the streamed one is in `stream-translator.ts`. */

/** What Converse does not send, and every completion has. */
export interface CompletionHead {
  readonly id: string
  /** Unix time in seconds. */
  readonly created: number
  readonly model: string
}

/** Fields beside those of OpenAI's; see docs/providers.md. */
interface Additions {
  /** What it takes to send the reasoning back with the next turn. */
  reasoning_details?: ReasoningDetail[]
  annotations?: Annotation[]
}

type AnswerMessage = CompletionMessage & Additions & { readonly function_call?: CompletionToolCall['function'] }

export type BedrockDelta = Delta & Additions & { readonly function_call?: Partial<CompletionToolCall['function']> }

/** Converse's type of a tool that the provider has run itself: neither the call nor its result is the caller's. */
export const SERVER_TOOL_USE = 'server_tool_use'

/**
 * @param asFunction whether the caller expects calls in the deprecated form: the first one, as `function_call`
 * @throws {UpstreamError} `malformed`: the model did not manage an answer; `empty`: there is neither output nor a stop reason
 */
export function completionOf ({ output, stopReason, usage: tokens }: ConverseAnswer, { id, created, model }: CompletionHead, asFunction = false): Completion {
  const content = output?.message?.content
  const { message, calls } = messageOf(Array.isArray(content) ? content : [], asFunction)
  const generated = message.content !== null || message.reasoning_content !== undefined || calls
  if (stopReason == null && !generated) throw new UpstreamError('empty', 'The provider ended its answer without generating anything.')
  const finishReason = stopReason == null ? null : finishReasonOf(stopReason, { calls, asFunction })
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

function messageOf (blocks: ReadonlyArray<AnswerBlock | null>, asFunction: boolean): { readonly message: AnswerMessage, readonly calls: boolean } {
  let text = ''
  let reasoning = ''
  const details: ReasoningDetail[] = []
  const annotations: Annotation[] = []
  const calls: CompletionToolCall[] = []
  let reasoningBlocks = 0
  for (const block of blocks) {
    if (block == null) continue
    const { toolUse, citationsContent, reasoningContent } = block
    const start = text.length
    if (typeof block.text === 'string') text += block.text
    for (const cited of citationsContent?.content ?? []) text += cited.text ?? ''
    for (const citation of citationsContent?.citations ?? []) annotations.push(annotationOf(citation, start, text.length))
    if (reasoningContent != null) {
      const detail = detailOf(reasoningContent, reasoningBlocks)
      if (detail?.type === 'reasoning.text') reasoning += detail.text ?? ''
      if (detail !== undefined) {
        details.push(detail)
        reasoningBlocks++
      }
    }
    if (toolUse?.name === JSON_ANSWER) text += JSON.stringify(toolUse.input ?? {})
    else if (toolUse != null && toolUse.type !== SERVER_TOOL_USE) calls.push(callOf(toolUse))
  }
  const [first] = calls
  const message: AnswerMessage = {
    role: 'assistant',
    content: text === '' ? null : text,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(first === undefined ? {} : asFunction ? { function_call: first.function } : { tool_calls: calls })
  }
  return { message, calls: first !== undefined }
}

function detailOf ({ reasoningText, redactedContent }: NonNullable<AnswerBlock['reasoningContent']>, index: number): ReasoningDetail | undefined {
  const { text, signature } = reasoningText ?? {}
  if (text || signature) return { type: 'reasoning.text', index, ...(text ? { text } : {}), ...(signature ? { signature } : {}) }
  return typeof redactedContent === 'string' && redactedContent !== '' ? { type: 'reasoning.encrypted', index, data: redactedContent } : undefined
}

function callOf ({ toolUseId, name, input }: ToolUse): CompletionToolCall {
  return { id: toolUseId ?? '', type: 'function', function: { name: name ?? '', arguments: JSON.stringify(input ?? {}) } }
}

/**
 * Why the answer ended. Reasons that are not known today count as `stop`.
 * @param calls whether the answer calls tools of the caller
 * @throws {UpstreamError} `malformed`: the model did not manage an answer
 */
export function finishReasonOf (stopReason: string, { calls, asFunction = false }: { readonly calls: boolean, readonly asFunction?: boolean }): FinishReason {
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
      if (!calls) return 'stop'
      return asFunction ? 'function_call' : 'tool_calls'
  }
}

/**
 * Token counts; undefined if none came. Converse does not count what it read from and wrote to the cache as input. How
 * many tokens of the output were reasoning it does not say.
 */
export function usageOf (tokens: Partial<TokenUsage> | undefined): Usage | undefined {
  const input = countOf(tokens?.inputTokens)
  const output = countOf(tokens?.outputTokens)
  if (input === undefined && output === undefined) return undefined
  const read = countOf(tokens?.cacheReadInputTokens)
  const written = countOf(tokens?.cacheWriteInputTokens)
  const prompt = (input ?? 0) + (read ?? 0) + (written ?? 0)
  const completion = output ?? 0
  const details = { ...(read === undefined ? {} : { cached_tokens: read }), ...(written === undefined ? {} : { cache_write_tokens: written }) }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(Object.keys(details).length === 0 ? {} : { prompt_tokens_details: details })
  }
}

function countOf (value: unknown): number | undefined { return typeof value === 'number' ? value : undefined }
