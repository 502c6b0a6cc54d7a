import { Type } from 'typebox'
import type { Static } from 'typebox'
import { OutputItem } from './responses-output.ts'
import { ResponsesTextFormat, ResponsesTool, ResponsesToolChoice } from './responses-tools.ts'

/** Token counts. Cached and written tokens are part of the input's, reasoning tokens part of the output's. */
export const ResponsesUsage = Type.Object({
  input_tokens: Type.Integer(),
  input_tokens_details: Type.Object({ cached_tokens: Type.Integer(), cache_write_tokens: Type.Integer() }),
  output_tokens: Type.Integer(),
  output_tokens_details: Type.Object({ reasoning_tokens: Type.Integer() }),
  total_tokens: Type.Integer()
})
export type ResponsesUsage = Static<typeof ResponsesUsage>

/** Why an answer failed, in the API's own codes. */
export const ResponsesError = Type.Object({
  code: Type.Union([Type.Literal('server_error'), Type.Literal('rate_limit_exceeded'), Type.Literal('invalid_prompt')]),
  message: Type.String()
})
export type ResponsesError = Static<typeof ResponsesError>

const OrNull = { string: Type.Union([Type.String(), Type.Null()]), number: Type.Union([Type.Number(), Type.Null()]) }

/**
 * The answer of `POST /v1/responses`, and what the first and last events of its stream hold. It repeats the request's
 * settings; null stands where the caller left one to the provider.
 * @see https://platform.openai.com/docs/api-reference/responses/object
 */
export const ResponsesAnswer = Type.Object({
  id: Type.String(),
  object: Type.Literal('response'),
  created_at: Type.Integer({ description: 'Unix time in seconds.' }),
  status: Type.Union([Type.Literal('in_progress'), Type.Literal('completed'), Type.Literal('incomplete'), Type.Literal('failed')]),
  completed_at: Type.Optional(OrNull.number),
  error: Type.Union([ResponsesError, Type.Null()]),
  incomplete_details: Type.Union([
    Type.Object({ reason: Type.Union([Type.Literal('max_output_tokens'), Type.Literal('content_filter')]) }),
    Type.Null()
  ]),
  model: Type.String(),
  output: Type.Array(OutputItem),
  usage: Type.Union([ResponsesUsage, Type.Null()]),
  instructions: OrNull.string,
  max_output_tokens: OrNull.number,
  max_tool_calls: Type.Null(),
  metadata: Type.Record(Type.String(), Type.String()),
  parallel_tool_calls: Type.Boolean(),
  previous_response_id: Type.Null(),
  prompt_cache_key: OrNull.string,
  reasoning: Type.Object({ effort: OrNull.string, summary: OrNull.string }),
  safety_identifier: OrNull.string,
  service_tier: OrNull.string,
  store: Type.Literal(false),
  background: Type.Literal(false),
  temperature: OrNull.number,
  top_p: OrNull.number,
  top_logprobs: Type.Integer(),
  text: Type.Object({ format: ResponsesTextFormat, verbosity: Type.Optional(Type.String()) }),
  tool_choice: ResponsesToolChoice,
  tools: Type.Array(ResponsesTool),
  truncation: Type.Literal('disabled'),
  access_programs: Type.Null(),
  user: Type.Optional(Type.String())
}, { $id: 'ResponsesAnswer' })
export type ResponsesAnswer = Static<typeof ResponsesAnswer>
