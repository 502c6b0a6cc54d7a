import { Type } from 'typebox'
import type { Static } from 'typebox'

/**
 * Answers of `POST /v1/chat/completions`: the whole object, and the chunks of a stream.
 * Targets that speak the format may send more than is named here; it is passed on.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 * @see https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */

/** Why a choice ended. */
export const FinishReason = Type.Union([
  Type.Literal('stop'),
  Type.Literal('length'),
  Type.Literal('tool_calls'),
  Type.Literal('content_filter'),
  Type.Literal('function_call')
])
export type FinishReason = Static<typeof FinishReason>

/** Token counts. Cached tokens are part of the prompt's, reasoning tokens part of the completion's. */
export const Usage = Type.Object({
  prompt_tokens: Type.Integer(),
  completion_tokens: Type.Integer(),
  total_tokens: Type.Integer(),
  prompt_tokens_details: Type.Optional(Type.Object({ cached_tokens: Type.Optional(Type.Integer()), cache_write_tokens: Type.Optional(Type.Integer()) })),
  completion_tokens_details: Type.Optional(Type.Object({ reasoning_tokens: Type.Optional(Type.Integer()) }))
})
export type Usage = Static<typeof Usage>

/** A call in an answer; `arguments` is JSON as a string, and not guaranteed to be valid. */
export const CompletionToolCall = Type.Object({
  id: Type.String(),
  type: Type.Literal('function'),
  function: Type.Object({ name: Type.String(), arguments: Type.String() })
})
export type CompletionToolCall = Static<typeof CompletionToolCall>

export const CompletionMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: Type.Union([Type.String(), Type.Null()]),
  refusal: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  reasoning_content: Type.Optional(Type.String()),
  tool_calls: Type.Optional(Type.Array(CompletionToolCall))
})
export type CompletionMessage = Static<typeof CompletionMessage>

export const ChatCompletion = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Type.Integer({ description: 'Unix time in seconds.' }),
  model: Type.String(),
  choices: Type.Array(Type.Object({
    index: Type.Integer(),
    message: CompletionMessage,
    finish_reason: Type.Union([FinishReason, Type.Null()]),
    logprobs: Type.Optional(Type.Unknown())
  })),
  usage: Type.Optional(Type.Union([Usage, Type.Null()]))
})
export type ChatCompletion = Static<typeof ChatCompletion>

/** A piece of a call: the first one of an index carries id, type and name; `arguments` are to be joined. */
export const ToolCallDelta = Type.Object({
  index: Type.Integer(),
  id: Type.Optional(Type.String()),
  type: Type.Optional(Type.Literal('function')),
  function: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), arguments: Type.Optional(Type.String()) }))
})
export type ToolCallDelta = Static<typeof ToolCallDelta>

export const Delta = Type.Object({
  role: Type.Optional(Type.Literal('assistant')),
  content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  refusal: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  reasoning_content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tool_calls: Type.Optional(Type.Array(ToolCallDelta))
})
export type Delta = Static<typeof Delta>

export const ChatCompletionChunk = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion.chunk'),
  created: Type.Integer({ description: 'Unix time in seconds.' }),
  model: Type.String(),
  choices: Type.Array(Type.Object({
    index: Type.Integer(),
    delta: Delta,
    finish_reason: Type.Union([FinishReason, Type.Null()]),
    logprobs: Type.Optional(Type.Unknown())
  })),
  usage: Type.Optional(Type.Union([Usage, Type.Null()]))
})
export type ChatCompletionChunk = Static<typeof ChatCompletionChunk>
