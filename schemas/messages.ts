import { Type } from 'typebox'
import type { Static } from 'typebox'
import { taggedUnion } from './tagged-union.ts'

/**
 * Messages and content parts of a chat completion request.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */

/** Plain text. */
export const TextPart = Type.Object({ type: Type.Literal('text'), text: Type.String() })
export type TextPart = Static<typeof TextPart>

/** An image by `https:` URL or as a base64 `data:` URL. */
export const ImagePart = Type.Object({
  type: Type.Literal('image_url'),
  image_url: Type.Object({
    url: Type.String({ minLength: 1 }),
    detail: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('low'), Type.Literal('high')]))
  })
})
export type ImagePart = Static<typeof ImagePart>

/** Audio as base64. */
export const AudioPart = Type.Object({
  type: Type.Literal('input_audio'),
  input_audio: Type.Object({ data: Type.String(), format: Type.String() })
})
export type AudioPart = Static<typeof AudioPart>

/** A file by id, or its content as base64. */
export const FilePart = Type.Object({
  type: Type.Literal('file'),
  file: Type.Object({
    file_id: Type.Optional(Type.String()),
    file_data: Type.Optional(Type.String()),
    filename: Type.Optional(Type.String())
  })
})
export type FilePart = Static<typeof FilePart>

/** What the assistant said instead of an answer. */
export const RefusalPart = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() })
export type RefusalPart = Static<typeof RefusalPart>

/** Open: compatible servers know further kinds (`video_url`), which pass through to targets that speak the format. */
export const ContentPart = taggedUnion('type', {
  text: TextPart,
  image_url: ImagePart,
  input_audio: AudioPart,
  file: FilePart,
  refusal: RefusalPart
}, { open: true, description: 'A part of a message: text, image, audio, file or refusal.' })
export type ContentPart = Static<typeof ContentPart>

/** Text, or a list of parts. */
export const Content = Type.Union([Type.String(), Type.Array(ContentPart)])
export type Content = Static<typeof Content>

/** A function call that the assistant asked for; `arguments` is JSON as a string. */
export const FunctionToolCall = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.Literal('function'),
  function: Type.Object({ name: Type.String({ minLength: 1 }), arguments: Type.String() })
})
export type FunctionToolCall = Static<typeof FunctionToolCall>

/** A call of a custom tool, whose input is free text. */
export const CustomToolCall = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.Literal('custom'),
  custom: Type.Object({ name: Type.String({ minLength: 1 }), input: Type.String() })
})
export type CustomToolCall = Static<typeof CustomToolCall>

export const ToolCall = taggedUnion('type', { function: FunctionToolCall, custom: CustomToolCall })
export type ToolCall = Static<typeof ToolCall>

const name = Type.Optional(Type.String())

export const SystemMessage = Type.Object({ role: Type.Literal('system'), content: Content, name })
export type SystemMessage = Static<typeof SystemMessage>

export const DeveloperMessage = Type.Object({ role: Type.Literal('developer'), content: Content, name })
export type DeveloperMessage = Static<typeof DeveloperMessage>

export const UserMessage = Type.Object({ role: Type.Literal('user'), content: Content, name })
export type UserMessage = Static<typeof UserMessage>

export const AssistantMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: Type.Optional(Type.Union([Content, Type.Null()])),
  refusal: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  /** What compatible servers return beside the content; accepted so that a caller may send a message back as it came. */
  reasoning_content: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  tool_calls: Type.Optional(Type.Union([Type.Array(ToolCall), Type.Null()])),
  function_call: Type.Optional(Type.Union([Type.Object({ name: Type.String(), arguments: Type.String() }), Type.Null()])),
  name
})
export type AssistantMessage = Static<typeof AssistantMessage>

/** The result of one tool call. */
export const ToolMessage = Type.Object({
  role: Type.Literal('tool'),
  content: Content,
  tool_call_id: Type.String({ minLength: 1 })
})
export type ToolMessage = Static<typeof ToolMessage>

/** The deprecated form of a tool result. */
export const FunctionMessage = Type.Object({
  role: Type.Literal('function'),
  content: Type.Union([Type.String(), Type.Null()]),
  name: Type.String({ minLength: 1 })
})
export type FunctionMessage = Static<typeof FunctionMessage>

export const Message = taggedUnion('role', {
  system: SystemMessage,
  developer: DeveloperMessage,
  user: UserMessage,
  assistant: AssistantMessage,
  tool: ToolMessage,
  function: FunctionMessage
}, { description: 'One message of the conversation.' })
export type Message = Static<typeof Message>
