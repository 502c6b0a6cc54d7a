import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { ResponsesRequest } from '../../schemas/responses-request.ts'
import { messagesOf } from './input.ts'
import { responseFormatOf, toolChoiceOf, toolOf } from './tools.ts'
import { unsupported } from './unsupported.ts'

/** What `include` can ask for here. */
export const INCLUDE_ENCRYPTED = 'reasoning.encrypted_content'
export const INCLUDE_LOGPROBS = 'message.output_text.logprobs'

/**
 * A Responses request in the core's format. What the core cannot express is refused, and so is what needs a memory of
 * past answers; hints that change no answer are dropped, as docs/responses.md lists them.
 * @throws {GatewayError} 400, with the field in `param`
 */
export function chatRequestOf (request: ResponsesRequest): ChatCompletionRequest {
  refuseOtherFields(request)
  const { max_output_tokens: maxTokens, text, reasoning, tools, tool_choice: choice, stream, model } = request
  const verbosity = text?.verbosity
  return {
    messages: messagesOf(request),
    ...(model == null ? {} : { model }),
    // The last event has the usage.
    ...(stream === true ? { stream, stream_options: { include_usage: true } } : {}),
    ...same(request),
    ...(maxTokens == null ? {} : { max_completion_tokens: maxTokens }),
    ...(tools == null || tools.length === 0 ? {} : { tools: tools.map((tool, i) => toolOf(tool, `tools[${i}]`)) }),
    ...(choice == null ? {} : { tool_choice: toolChoiceOf(choice) }),
    ...(text?.format == null || text.format.type === 'text' ? {} : { response_format: responseFormatOf(text.format) }),
    // `medium` is the default, and not every target knows the field.
    ...(verbosity == null || verbosity === 'medium' ? {} : { verbosity }),
    ...(reasoning?.effort == null ? {} : { reasoning_effort: reasoning.effort }),
    ...logprobsOf(request)
  }
}

/** Fields of the same name and meaning in both. */
const SAME = [
  'temperature', 'top_p', 'top_k', 'presence_penalty', 'frequency_penalty', 'parallel_tool_calls', 'metadata', 'user', 'safety_identifier',
  'prompt_cache_key', 'prompt_cache_retention', 'prompt_cache_options', 'service_tier', 'store'
] as const

function same (request: ResponsesRequest): Pick<ChatCompletionRequest, typeof SAME[number]> {
  return Object.fromEntries(SAME.flatMap(field => request[field] == null ? [] : [[field, request[field]]]))
}

function logprobsOf ({ include, top_logprobs: top }: ResponsesRequest): Pick<ChatCompletionRequest, 'logprobs' | 'top_logprobs'> {
  const several = top != null && top > 0
  if (!several && include?.includes(INCLUDE_LOGPROBS) !== true) return {}
  return { logprobs: true, ...(several ? { top_logprobs: top } : {}) }
}

/** Each asks for something only if `asks` says so; null asks for nothing. */
const REFUSED: ReadonlyArray<readonly [param: string, asks: (request: ResponsesRequest) => boolean, why: string]> = [
  ['store', ({ store }) => store === true, 'nothing is stored'],
  ['previous_response_id', ({ previous_response_id: id }) => id != null, 'nothing is stored; send the conversation as input'],
  ['conversation', ({ conversation }) => conversation != null, 'nothing is stored; send the conversation as input'],
  ['background', ({ background }) => background === true, 'nothing is stored that could be fetched later'],
  ['prompt', ({ prompt }) => prompt != null, 'there are no stored prompts'],
  ['truncation', ({ truncation }) => truncation != null && truncation !== 'disabled', 'the conversation is never cut'],
  ['context_management', ({ context_management: entries }) => entries != null && !(Array.isArray(entries) && entries.length === 0), 'the conversation is never cut'],
  ['max_tool_calls', ({ max_tool_calls: max }) => max != null, 'it limits tools that the gateway does not run'],
  ['moderation', ({ moderation }) => moderation != null, 'it has no counterpart'],
  ['access_programs', ({ access_programs: programs }) => programs != null, 'it has no counterpart'],
  ['image', ({ image }) => image != null, 'it has no counterpart'],
  ['stream_options.include_obfuscation', ({ stream_options: options }) => options?.include_obfuscation === true, 'events are not padded'],
  ['reasoning.context', ({ reasoning }) => reasoning?.context != null && reasoning.context !== 'auto', 'it has no counterpart'],
  ['reasoning.mode', ({ reasoning }) => reasoning?.mode != null && reasoning.mode !== 'standard', 'it has no counterpart'],
  ['prompt_cache_options.prewarm', ({ prompt_cache_options: options }) => options?.prewarm === true, 'it has no counterpart'],
  ['prompt_cache_options.comparison_response_id', ({ prompt_cache_options: options }) => options?.comparison_response_id != null, 'nothing is stored']
]

function refuseOtherFields (request: ResponsesRequest): void {
  for (const [field, value] of Object.entries(request)) {
    if (value != null && !Object.hasOwn(ResponsesRequest.properties, field)) throw unsupported(field, 'there is no such field here')
  }
  for (const [param, asks, why] of REFUSED) if (asks(request)) throw unsupported(param, why)
  for (const [i, included] of (request.include ?? []).entries()) {
    if (included !== INCLUDE_ENCRYPTED && included !== INCLUDE_LOGPROBS) throw unsupported(`include[${i}]`, `${JSON.stringify(included).slice(0, 100)} has no counterpart`)
  }
}
