import { thinkingOf } from '../schemas/carried.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'

/** Which requests and texts can be given to a provider as the beginning of its answer, and how the request changes by that. */

/**
 * Whether the answer to a request could be carried on by another attempt at all: it is one text, and its pieces stand for
 * themselves.
 */
export function mayCarryOn ({ n, logprobs, modalities }: ChatCompletionRequest): boolean {
  return (n ?? 1) === 1 && logprobs !== true && (modalities ?? []).every(modality => modality === 'text')
}

/** Fields that mean the same for the rest of an answer as for all of it. */
const INDIFFERENT: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'temperature', 'top_p', 'top_k', 'n', 'stop', 'max_completion_tokens', 'max_tokens',
  'presence_penalty', 'frequency_penalty', 'seed', 'logit_bias', 'logprobs', 'top_logprobs', 'modalities', 'verbosity', 'service_tier',
  'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'safety_identifier', 'user', 'metadata', 'store', 'cache_control',
  // Of no meaning without tools.
  'tool_choice', 'parallel_tool_calls'
])

/**
 * Whether an answer may be carried on by a provider that is given its beginning. Not with tools: who is in the middle of a
 * text calls none. Not in a format: what enforces it begins at the beginning. Not while thinking, and not behind a beginning
 * that the caller has given itself. Nor with fields that nothing is known of.
 */
export function mayGivePrefix (request: ChatCompletionRequest): boolean {
  const thinking = thinkingOf(request)
  if (thinking !== undefined && thinking.kind !== 'off') return false
  if (request.messages.at(-1)?.role === 'assistant') return false
  return Object.entries(request).every(([field, value]) => {
    if (value == null || INDIFFERENT.has(field)) return true
    switch (field) {
      case 'tools':
      case 'functions': return Array.isArray(value) && value.length === 0
      case 'response_format': return request.response_format?.type === 'text'
      case 'reasoning_effort': return value === 'none'
      default: return false
    }
  })
}

/**
 * What of a text is given: all but blanks at its end, which Anthropic refuses and chat templates strip, and but half a
 * surrogate pair. Empty: it cannot be given.
 */
export function prefixOf (text: string): string {
  const prefix = text.replace(/[\ud800-\udbff]$/, '').trimEnd()
  return prefix.isWellFormed() ? prefix : ''
}

/** A request for the rest of an answer of which about so many tokens are there. */
export function shortened (request: ChatCompletionRequest, tokens: number): ChatCompletionRequest {
  const { max_tokens: total, max_completion_tokens: completion } = request
  if (total == null && completion == null) return request
  return {
    ...request,
    ...total == null ? {} : { max_tokens: Math.max(1, total - tokens) },
    ...completion == null ? {} : { max_completion_tokens: Math.max(1, completion - tokens) }
  }
}
