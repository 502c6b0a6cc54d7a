import { Type } from 'typebox'
import type { Static } from 'typebox'
import { cacheControl, cacheHints } from './cache-control.ts'
import { ExtraContent, ReasoningDetail } from './extensions.ts'
import { Nullable } from './nullable.ts'
import { openEnum } from './open-enum.ts'
import { taggedUnion } from './tagged-union.ts'

/**
 * Messages and content parts of a chat completion request.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */

/** Plain text. */
export const TextPart = Type.Object({
  type: Type.Literal('text'),
  text: Type.String(),
  ...cacheHints
}, { title: 'TextPart' })
export type TextPart = Static<typeof TextPart>

/** An image by `https:` URL or as a base64 `data:` URL. */
export const ImagePart = Type.Object({
  type: Type.Literal('image_url'),
  image_url: Type.Object({
    url: Type.String({ minLength: 1, description: 'An `https:` URL, or the image itself as a base64 `data:` URL.' }),
    detail: Type.Optional(openEnum(['auto', 'low', 'high', 'original'], 'How closely the model looks.'))
  }),
  ...cacheHints
}, { title: 'ImagePart' })
export type ImagePart = Static<typeof ImagePart>

/** Audio as base64. */
export const AudioPart = Type.Object({
  type: Type.Literal('input_audio'),
  input_audio: Type.Object({
    data: Type.String({ description: 'Base64.' }),
    format: openEnum(['wav', 'mp3'])
  }),
  ...cacheHints
}, { title: 'AudioPart' })
export type AudioPart = Static<typeof AudioPart>

/** A file by id, or its content as base64. */
export const FilePart = Type.Object({
  type: Type.Literal('file'),
  file: Type.Object({
    file_id: Type.Optional(Type.String({ description: 'Of a file that was uploaded to the provider.' })),
    file_data: Type.Optional(Type.String({ description: 'Its content, as base64 or as a base64 `data:` URL.' })),
    filename: Type.Optional(Type.String())
  }),
  ...cacheHints
}, { title: 'FilePart' })
export type FilePart = Static<typeof FilePart>

/** What the assistant said instead of an answer. */
export const RefusalPart = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() }, { title: 'RefusalPart' })
export type RefusalPart = Static<typeof RefusalPart>

/** Open: compatible servers know further kinds (`video_url`), which pass through to targets that speak the format. */
export const ContentPart = taggedUnion('type', {
  text: TextPart,
  image_url: ImagePart,
  input_audio: AudioPart,
  file: FilePart,
  refusal: RefusalPart
}, { open: true, title: 'ContentPart', description: 'A part of a message: text, image, audio, file or refusal.' })
export type ContentPart = Static<typeof ContentPart>

/** Text, or a list of parts. */
export const Content = Type.Union([Type.String(), Type.Array(ContentPart)], { title: 'Content', description: 'Text, or a list of parts.' })
export type Content = Static<typeof Content>

/** A function call that the assistant asked for; `arguments` is JSON as a string. */
export const FunctionToolCall = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.Literal('function'),
  function: Type.Object({
    name: Type.String({ minLength: 1 }),
    arguments: Type.String({ description: 'JSON, as text.' })
  }),
  extra_content: Nullable(ExtraContent)
}, { title: 'FunctionToolCall' })
export type FunctionToolCall = Static<typeof FunctionToolCall>

/** A call of a custom tool, whose input is free text. */
export const CustomToolCall = Type.Object({
  id: Type.String({ minLength: 1 }),
  type: Type.Literal('custom'),
  custom: Type.Object({ name: Type.String({ minLength: 1 }), input: Type.String() })
}, { title: 'CustomToolCall' })
export type CustomToolCall = Static<typeof CustomToolCall>

/** Open: tools of other kinds have calls of other kinds. */
export const ToolCall = taggedUnion('type', { function: FunctionToolCall, custom: CustomToolCall }, {
  open: true,
  title: 'ToolCall',
  description: 'A call that the assistant asked for.'
})
export type ToolCall = Static<typeof ToolCall>

const name = Type.Optional(Type.String({ description: 'Tells apart participants of one role.' }))

export const SystemMessage = Type.Object({ role: Type.Literal('system'), content: Content, name, ...cacheControl }, { title: 'SystemMessage' })
export type SystemMessage = Static<typeof SystemMessage>

export const DeveloperMessage = Type.Object({ role: Type.Literal('developer'), content: Content, name, ...cacheControl }, { title: 'DeveloperMessage' })
export type DeveloperMessage = Static<typeof DeveloperMessage>

export const UserMessage = Type.Object({ role: Type.Literal('user'), content: Content, name, ...cacheControl }, { title: 'UserMessage' })
export type UserMessage = Static<typeof UserMessage>

/** What an answer holds is accepted as a message, so that a caller may send it back as it came. */
export const AssistantMessage = Type.Object({
  role: Type.Literal('assistant'),
  content: Nullable(Content),
  refusal: Nullable(Type.String()),
  tool_calls: Nullable(Type.Array(ToolCall)),
  audio: Nullable(Type.Object({ id: Type.String({ description: 'Of an earlier answer\'s audio.' }) })),
  function_call: Nullable(Type.Object({ name: Type.String(), arguments: Type.String() }, { deprecated: true, description: 'Before `tool_calls`.' })),
  name,
  reasoning_content: Nullable(Type.String({ description: 'Extension: the reasoning, as an earlier answer had it.' })),
  reasoning_details: Nullable(Type.Array(ReasoningDetail)),
  extra_content: Nullable(ExtraContent),
  annotations: Nullable(Type.Array(Type.Unknown(), { description: 'Those of an earlier answer; not looked at.' })),
  ...cacheControl
}, { title: 'AssistantMessage' })
export type AssistantMessage = Static<typeof AssistantMessage>

/** The result of one tool call. */
export const ToolMessage = Type.Object({
  role: Type.Literal('tool'),
  content: Content,
  tool_call_id: Type.String({ minLength: 1, description: 'Of the call that it answers.' }),
  ...cacheControl
}, { title: 'ToolMessage' })
export type ToolMessage = Static<typeof ToolMessage>

/** The deprecated form of a tool result. */
export const FunctionMessage = Type.Object({
  role: Type.Literal('function'),
  content: Type.Union([Type.String(), Type.Null()]),
  name: Type.String({ minLength: 1 })
}, { title: 'FunctionMessage', deprecated: true })
export type FunctionMessage = Static<typeof FunctionMessage>

export const Message = taggedUnion('role', {
  system: SystemMessage,
  developer: DeveloperMessage,
  user: UserMessage,
  assistant: AssistantMessage,
  tool: ToolMessage,
  function: FunctionMessage
}, { title: 'Message', description: 'One message of the conversation.' })
export type Message = Static<typeof Message>
