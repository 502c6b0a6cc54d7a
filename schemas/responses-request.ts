import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { InputItem } from './responses-input.ts'
import { ResponsesTextFormat, ResponsesTool, ResponsesToolChoice } from './responses-tools.ts'

/**
 * The body of `POST /v1/responses`. Fields of the API that have no counterpart are named here too, so that the
 * translator can refuse what they ask for; any other field is refused.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
export const ResponsesRequest = Type.Object({
  model: Nullable(Type.String({ maxLength: 256, description: 'A model alias, a target, or `target/model`; `auto` or none: the default.' })),
  input: Type.Union([Type.String(), Type.Array(InputItem, { minItems: 1 })]),
  instructions: Nullable(Type.String()),
  stream: Nullable(Type.Boolean()),
  stream_options: Nullable(Type.Object({ include_obfuscation: Nullable(Type.Boolean()) })),
  store: Nullable(Type.Boolean({ description: 'Nothing is stored: `true` is refused.' })),
  include: Nullable(Type.Array(Type.String())),
  max_output_tokens: Nullable(Type.Integer({ minimum: 1 })),
  temperature: Nullable(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  top_k: Nullable(Type.Integer({ minimum: 1 })),
  top_logprobs: Nullable(Type.Integer({ minimum: 0, maximum: 20 })),
  presence_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  tools: Nullable(Type.Array(ResponsesTool)),
  tool_choice: Nullable(ResponsesToolChoice),
  parallel_tool_calls: Nullable(Type.Boolean()),
  text: Nullable(Type.Object({
    format: Nullable(ResponsesTextFormat),
    verbosity: Nullable(Type.Union([Type.Literal('low'), Type.Literal('medium'), Type.Literal('high')]))
  })),
  reasoning: Nullable(Type.Object({
    effort: Nullable(Type.String()),
    summary: Nullable(Type.Union([Type.Literal('auto'), Type.Literal('concise'), Type.Literal('detailed')])),
    generate_summary: Nullable(Type.Union([Type.Literal('auto'), Type.Literal('concise'), Type.Literal('detailed')])),
    context: Nullable(Type.String()),
    mode: Nullable(Type.String())
  })),
  metadata: Nullable(Type.Record(Type.String(), Type.String())),
  user: Nullable(Type.String()),
  safety_identifier: Nullable(Type.String()),
  prompt_cache_key: Nullable(Type.String()),
  prompt_cache_retention: Nullable(Type.String()),
  prompt_cache_options: Nullable(Type.Object({
    mode: Nullable(Type.String()),
    ttl: Nullable(Type.String()),
    prewarm: Nullable(Type.Boolean()),
    comparison_response_id: Nullable(Type.String())
  })),
  service_tier: Nullable(Type.String()),
  background: Nullable(Type.Boolean()),
  truncation: Nullable(Type.String()),
  max_tool_calls: Nullable(Type.Integer()),
  previous_response_id: Nullable(Type.String()),
  conversation: Nullable(Type.Unknown()),
  prompt: Nullable(Type.Unknown()),
  context_management: Nullable(Type.Unknown()),
  moderation: Nullable(Type.Unknown()),
  access_programs: Nullable(Type.Unknown()),
  image: Nullable(Type.Unknown())
}, { $id: 'ResponsesRequest', description: 'An OpenAI Responses request.' })
export type ResponsesRequest = Static<typeof ResponsesRequest>
