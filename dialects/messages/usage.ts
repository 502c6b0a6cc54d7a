import { isJsonObject } from '../../schemas/json-object.ts'
import type { MessageUsage, StreamedUsage } from '../../schemas/messages-api-answer.ts'

/**
 * Token counts. The core's prompt tokens include what was read from and written to a cache; here the three are apart.
 * What a target did not count is 0.
 */
export function streamedUsage (usage: unknown): StreamedUsage {
  const { prompt_tokens: prompt, completion_tokens: completion, prompt_tokens_details: input, completion_tokens_details: output } = isJsonObject(usage) ? usage : {}
  const { cached_tokens: cached, cache_write_tokens: written } = isJsonObject(input) ? input : {}
  const { reasoning_tokens: reasoning } = isJsonObject(output) ? output : {}
  return {
    input_tokens: Math.max(0, count(prompt) - count(cached) - count(written)),
    cache_creation_input_tokens: count(written),
    cache_read_input_tokens: count(cached),
    output_tokens: count(completion),
    output_tokens_details: typeof reasoning === 'number' ? { thinking_tokens: count(reasoning) } : null,
    server_tool_use: null
  }
}

/** The same, in a whole message. */
export function messageUsage (usage: unknown): MessageUsage {
  return { ...streamedUsage(usage), cache_creation: null, inference_geo: null, service_tier: null, speed: null }
}

function count (value: unknown): number { return typeof value === 'number' ? value : 0 }
