import { Type } from 'typebox'
import type { Static, TSchema } from 'typebox'
import { Message } from './messages.ts'
import { ResponseFormat, Tool, ToolChoice } from './tools.ts'

/** OpenAI's clients send `null` for "not set" as readily as they leave a field out. */
const Nullable = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

/**
 * The body of `POST /v1/chat/completions`.
 * Fields that are not named here pass through to targets that speak the format.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export const ChatCompletionRequest = Type.Object({
  model: Nullable(Type.String({ maxLength: 256, description: 'A model alias, a target, or `target/model`; `auto` or none: the default.' })),
  messages: Type.Array(Message, { minItems: 1 }),
  stream: Nullable(Type.Boolean()),
  stream_options: Nullable(Type.Object({ include_usage: Nullable(Type.Boolean()) })),
  temperature: Nullable(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  n: Nullable(Type.Integer({ minimum: 1, maximum: 128 })),
  stop: Nullable(Type.Union([Type.String(), Type.Array(Type.String())])),
  max_tokens: Nullable(Type.Integer({ minimum: 1 })),
  max_completion_tokens: Nullable(Type.Integer({ minimum: 1 })),
  presence_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: Nullable(Type.Number({ minimum: -2, maximum: 2 })),
  seed: Nullable(Type.Integer()),
  logprobs: Nullable(Type.Boolean()),
  top_logprobs: Nullable(Type.Integer({ minimum: 0, maximum: 20 })),
  logit_bias: Nullable(Type.Record(Type.String(), Type.Number())),
  tools: Nullable(Type.Array(Tool)),
  tool_choice: Nullable(ToolChoice),
  parallel_tool_calls: Nullable(Type.Boolean()),
  response_format: Nullable(ResponseFormat),
  reasoning_effort: Nullable(Type.String()),
  modalities: Nullable(Type.Array(Type.String())),
  user: Nullable(Type.String()),
  metadata: Nullable(Type.Record(Type.String(), Type.Unknown())),
  store: Nullable(Type.Boolean()),
  service_tier: Nullable(Type.String())
}, { $id: 'ChatCompletionRequest', description: 'An OpenAI Chat Completions request.' })
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>
