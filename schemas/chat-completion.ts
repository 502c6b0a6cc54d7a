import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Annotation, ExtraContent, ReasoningDetail } from './extensions.ts'
import { Logprobs } from './logprobs.ts'
import { Nullable, OrNull } from './nullable.ts'
import { openEnum } from './open-enum.ts'
import { Usage } from './usage.ts'

/**
 * Answers of `POST /v1/chat/completions`: the whole object, and the chunks of a stream.
 * Targets that speak the format may send more than is named here; it is passed on.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 * @see https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */

export { Usage }

/** Why a choice ended. */
export const FinishReason = Type.Enum(['stop', 'length', 'tool_calls', 'content_filter', 'function_call'], { description: 'Why it ended.' })
export type FinishReason = Static<typeof FinishReason>

// ---- what a message and a delta have in common

const refusal = Nullable(Type.String({ description: 'What the model says in place of an answer.' }))
const extensions = {
  reasoning_content: Nullable(Type.String({ description: 'Extension: the reasoning, in words.' })),
  reasoning_details: Type.Optional(Type.Array(ReasoningDetail)),
  extra_content: Type.Optional(ExtraContent)
}
const annotations = Type.Optional(Type.Array(Annotation))

// ---- whole

/** A call in an answer; `arguments` is JSON as a string, and not guaranteed to be valid. */
export const CompletionToolCall = Type.Object({
  id: Type.String(),
  type: Type.Literal('function'),
  function: Type.Object({
    name: Type.String(),
    arguments: Type.String({ description: 'JSON as text, which the model may get wrong.' })
  }),
  extra_content: Type.Optional(ExtraContent)
}, { title: 'CompletionToolCall' })
export type CompletionToolCall = Static<typeof CompletionToolCall>

/** A call of a custom tool; its input is text, and no JSON. */
export const CompletionCustomToolCall = Type.Object({
  id: Type.String(),
  type: Type.Literal('custom'),
  custom: Type.Object({ name: Type.String(), input: Type.String() })
}, { title: 'CompletionCustomToolCall' })
export type CompletionCustomToolCall = Static<typeof CompletionCustomToolCall>

/** An answer in sound. */
export const CompletionAudio = Type.Object({
  id: Type.String({ description: 'By which it can stand in the messages of the next request.' }),
  data: Type.String({ description: 'Base64, in the format that was asked for.' }),
  expires_at: Type.Integer({ description: 'Unix time in seconds, after which the id is not known any more.' }),
  transcript: Type.String()
}, { title: 'CompletionAudio' })

export const CompletionMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: OrNull(Type.String()),
  refusal,
  tool_calls: Type.Optional(Type.Array(Type.Union([CompletionToolCall, CompletionCustomToolCall]))),
  function_call: Nullable(Type.Object({ name: Type.String(), arguments: Type.String() }, { deprecated: true, description: 'Before `tool_calls`.' })),
  annotations,
  audio: Nullable(CompletionAudio),
  ...extensions
}, { title: 'CompletionMessage' })
export type CompletionMessage = Static<typeof CompletionMessage>

/** What an answer and each chunk of a stream have in common. */
const head = {
  id: Type.String(),
  created: Type.Integer({ description: 'Unix time in seconds.' }),
  model: Type.String({ description: 'The model that answered, in its provider\'s words.' }),
  service_tier: Nullable(openEnum(['auto', 'default', 'flex', 'scale', 'priority', 'fast'])),
  system_fingerprint: Nullable(Type.String({ description: 'Of what the model ran on: where it changes, so may answers of one `seed`.' })),
  moderation: Type.Optional(Type.Unknown({ description: 'What the moderation that was asked for came to.' })),
  prompt_filter_results: Type.Optional(Type.Unknown({ description: 'Azure: what its content filter found in the prompt.' }))
}

const choiceHead = {
  index: Type.Integer(),
  finish_reason: OrNull(FinishReason),
  logprobs: Nullable(Logprobs),
  content_filter_results: Type.Optional(Type.Unknown({ description: 'Azure: what its content filter found in the answer.' }))
}

export const ChatCompletion = Type.Object({
  object: Type.Literal('chat.completion'),
  ...head,
  choices: Type.Array(Type.Object({ ...choiceHead, message: CompletionMessage })),
  usage: Nullable(Usage),
  metadata: Nullable(Type.Record(Type.String(), Type.String()))
}, { $id: 'ChatCompletion', description: 'A whole answer. Targets that speak the format may send more than is named here; it is passed on.' })
export type ChatCompletion = Static<typeof ChatCompletion>

// ---- streamed

/** A piece of a call: the first one of an index carries id, type and name; `arguments` are to be joined. */
export const ToolCallDelta = Type.Object({
  index: Type.Integer({ description: 'Which call, from 0.' }),
  id: Type.Optional(Type.String()),
  type: Type.Optional(Type.Enum(['function', 'custom'])),
  function: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), arguments: Type.Optional(Type.String()) })),
  custom: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), input: Type.Optional(Type.String()) })),
  extra_content: Type.Optional(ExtraContent)
}, { title: 'ToolCallDelta', description: 'A piece of a call: the first one of an index carries id, type and name; arguments and input are to be joined.' })
export type ToolCallDelta = Static<typeof ToolCallDelta>

export const Delta = Type.Object({
  role: Type.Optional(Type.Literal('assistant')),
  content: Nullable(Type.String()),
  refusal,
  tool_calls: Type.Optional(Type.Array(ToolCallDelta)),
  function_call: Type.Optional(Type.Object({ name: Type.Optional(Type.String()), arguments: Type.Optional(Type.String()) }, { deprecated: true })),
  annotations,
  audio: Type.Optional(Type.Partial(CompletionAudio)),
  ...extensions
}, { title: 'Delta', description: 'What a chunk adds to its choice: texts are to be joined.' })
export type Delta = Static<typeof Delta>

export const ChatCompletionChunk = Type.Object({
  object: Type.Literal('chat.completion.chunk'),
  ...head,
  choices: Type.Array(Type.Object({ ...choiceHead, delta: Delta }), { description: 'Empty in the chunk with the usage.' }),
  usage: Nullable(Usage),
  obfuscation: Type.Optional(Type.String({ description: 'Padding.' }))
}, { $id: 'ChatCompletionChunk', description: 'A piece of a streamed answer. Targets that speak the format may send more than is named here; it is passed on.' })
export type ChatCompletionChunk = Static<typeof ChatCompletionChunk>
