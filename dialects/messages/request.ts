import { withThinking } from '../../schemas/carried.ts'
import type { Thinking } from '../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { MessagesRequest, OutputFormat, ThinkingConfig } from '../../schemas/messages-api-request.ts'
import type { ResponseFormat } from '../../schemas/tools.ts'
import { refused } from './refused.ts'
import { toolSettings } from './tools.ts'
import { systemMessage, turnsOf, withLastCached } from './turns.ts'

/** Fields that would change the answer, and that only Anthropic's own service can serve. */
const REFUSED = [
  'container', 'context_management', 'mcp_servers', 'inference_geo', 'billing_policy', 'compaction', 'fallbacks',
  'fallback_credit_token'
] as const

/** By this code of a refusal, Anthropic's clients know to send the whole conversation, which they keep themselves. */
const NO_THREADS = 'thread_unsupported_request'

/**
 * A request of the Messages API in the core's format. Nothing is dropped but hints, which change nothing in the answer:
 * `service_tier`, `speed`, `diagnostics`, `thinking.display`, a tool's `eager_input_streaming`, citations of what was
 * said earlier.
 *
 * `max_tokens` counts what is thought, too, as `max_completion_tokens` does; OpenAI's reasoning models take no other.
 * @throws {GatewayError} 400, with the field that the core's format cannot say in `param`
 */
export function chatRequestOf (request: MessagesRequest): ChatCompletionRequest {
  for (const field of REFUSED) if (!isEmpty(request[field])) throw refused(field, `the field ${field}`)
  if (!isEmpty(request.thread)) throw refused('thread', 'conversations that the server keeps', NO_THREADS)
  const { model, system, temperature, top_p: topP, top_k: topK, stop_sequences: stop, metadata, output_config: output, cache_control: control } = request
  const messages = [...systemMessage(system ?? ''), ...turnsOf(request.messages)]
  const format = formatOf(request)
  const thinking = request.thinking == null ? undefined : thinkingOf(request.thinking)
  const chat = {
    model,
    messages: control == null ? messages : withLastCached(messages, control),
    max_completion_tokens: request.max_tokens,
    ...(request.stream === true ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { top_p: topP }),
    ...(topK == null ? {} : { top_k: topK }),
    ...(stop == null || stop.length === 0 ? {} : { stop }),
    ...toolSettings(request),
    ...(format === undefined ? {} : { response_format: format }),
    ...(output?.effort == null ? {} : { reasoning_effort: output.effort }),
    ...(metadata?.user_id == null ? {} : { user: metadata.user_id })
  }
  return thinking === undefined ? chat : withThinking(chat, thinking)
}

/** Says nothing: not there, or an empty list or object. */
function isEmpty (value: unknown): boolean {
  if (value == null) return true
  if (Array.isArray(value)) return value.length === 0
  return isJsonObject(value) && Object.values(value).every(isEmpty)
}

function thinkingOf (config: ThinkingConfig): Thinking {
  if ('block_binding' in config && !isEmpty(config.block_binding)) throw refused('thinking.block_binding', 'the binding of thinking blocks')
  switch (config.type) {
    case 'enabled': return { kind: 'budget', tokens: config.budget_tokens }
    case 'adaptive': return { kind: 'adaptive' }
    case 'disabled': return { kind: 'off' }
    case 'between_tools': throw refused('thinking.type', 'thinking between tools alone')
  }
}

/** Anthropic guarantees the schema, which in the core's format is `strict`. */
function formatOf ({ output_config: output, output_format: deprecated }: MessagesRequest): ResponseFormat | undefined {
  if (!isEmpty(output?.task_budget)) throw refused('output_config.task_budget', 'task budgets')
  if (output?.format != null && deprecated != null) throw refused('output_format', 'output_format beside output_config.format')
  const format: OutputFormat | null | undefined = output?.format ?? deprecated
  return format == null ? undefined : { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema, strict: true } }
}
