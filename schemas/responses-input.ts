import { Type } from 'typebox'
import type { Static } from 'typebox'
import { PromptCacheBreakpoint } from './cache-control.ts'
import { Nullable } from './nullable.ts'
import { taggedUnion } from './tagged-union.ts'

/**
 * Items and content parts of a Responses request. Kinds that are not named here are left to the translator, which refuses
 * them by name.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */

/** Where the prompt's cached part ends: a hint. */
const breakpoint = { prompt_cache_breakpoint: Nullable(PromptCacheBreakpoint) }

export const InputText = Type.Object({ type: Type.Literal('input_text'), text: Type.String(), ...breakpoint })
export type InputText = Static<typeof InputText>

/** An image by `https:` URL or as a base64 `data:` URL. */
export const InputImage = Type.Object({
  type: Type.Literal('input_image'),
  detail: Nullable(Type.Union([Type.Literal('auto'), Type.Literal('low'), Type.Literal('high'), Type.Literal('original')])),
  image_url: Nullable(Type.String({ minLength: 1 })),
  file_id: Nullable(Type.String()),
  ...breakpoint
})
export type InputImage = Static<typeof InputImage>

/** A file with its content as base64, or by id. */
export const InputFile = Type.Object({
  type: Type.Literal('input_file'),
  detail: Nullable(Type.String()),
  file_data: Nullable(Type.String()),
  file_id: Nullable(Type.String()),
  file_url: Nullable(Type.String()),
  filename: Nullable(Type.String()),
  ...breakpoint
})
export type InputFile = Static<typeof InputFile>

/** Audio as base64. */
export const InputAudio = Type.Object({
  type: Type.Literal('input_audio'),
  input_audio: Type.Object({ data: Type.String(), format: Type.String() })
})
export type InputAudio = Static<typeof InputAudio>

/** Text that the assistant said, sent back. */
export const OutputTextInput = Type.Object({ type: Type.Literal('output_text'), text: Type.String() })
export type OutputTextInput = Static<typeof OutputTextInput>

/** What it said instead of an answer, sent back. */
export const RefusalInput = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() })
export type RefusalInput = Static<typeof RefusalInput>

export const InputPart = taggedUnion('type', {
  input_text: InputText,
  input_image: InputImage,
  input_file: InputFile,
  input_audio: InputAudio,
  output_text: OutputTextInput,
  refusal: RefusalInput
}, { open: true, description: 'A part of a message.' })
export type InputPart = Static<typeof InputPart>

/** Text, or a list of parts. */
export const InputContent = Type.Union([Type.String(), Type.Array(InputPart)])
export type InputContent = Static<typeof InputContent>

/** Opaque: what a provider wants back beside the text, as the answer's item had it. */
const extra = { extra_content: Nullable(Type.Record(Type.String(), Type.Unknown())) }
const status = Nullable(Type.String())
const namespace = Nullable(Type.String())
/** Who made a call: the model, or a program that the provider runs. */
const caller = Nullable(Type.Object({ type: Type.String() }))
const async = Nullable(Type.Boolean())

export const InputMessage = Type.Object({
  type: Type.Optional(Type.Literal('message')),
  role: Type.Union([Type.Literal('user'), Type.Literal('assistant'), Type.Literal('system'), Type.Literal('developer')]),
  content: InputContent,
  status,
  phase: Nullable(Type.String()),
  ...extra
})
export type InputMessage = Static<typeof InputMessage>

/** A call that the model made; `arguments` is JSON as a string. */
export const FunctionCallInput = Type.Object({
  type: Type.Literal('function_call'),
  call_id: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  arguments: Type.String(),
  status,
  namespace,
  caller,
  async,
  ...extra
})
export type FunctionCallInput = Static<typeof FunctionCallInput>

export const FunctionCallOutputInput = Type.Object({
  type: Type.Literal('function_call_output'),
  call_id: Type.String({ minLength: 1 }),
  output: InputContent,
  status,
  namespace,
  caller
})
export type FunctionCallOutputInput = Static<typeof FunctionCallOutputInput>

/** A call of a tool whose input is free text. */
export const CustomToolCallInput = Type.Object({
  type: Type.Literal('custom_tool_call'),
  call_id: Type.String({ minLength: 1 }),
  name: Type.String({ minLength: 1 }),
  input: Type.String(),
  status,
  namespace,
  caller,
  async,
  ...extra
})
export type CustomToolCallInput = Static<typeof CustomToolCallInput>

export const CustomToolCallOutputInput = Type.Object({
  type: Type.Literal('custom_tool_call_output'),
  call_id: Type.String({ minLength: 1 }),
  output: InputContent,
  status,
  caller
})
export type CustomToolCallOutputInput = Static<typeof CustomToolCallOutputInput>

/** What the model thought, sent back. */
export const ReasoningInput = Type.Object({
  type: Type.Literal('reasoning'),
  summary: Nullable(Type.Array(Type.Object({ type: Type.Literal('summary_text'), text: Type.String() }))),
  content: Nullable(Type.Array(Type.Object({ type: Type.Literal('reasoning_text'), text: Type.String() }))),
  encrypted_content: Nullable(Type.String()),
  status
})
export type ReasoningInput = Static<typeof ReasoningInput>

export const InputItem = taggedUnion('type', {
  message: InputMessage,
  function_call: FunctionCallInput,
  function_call_output: FunctionCallOutputInput,
  custom_tool_call: CustomToolCallInput,
  custom_tool_call_output: CustomToolCallOutputInput,
  reasoning: ReasoningInput
}, { open: true, untagged: 'message', description: 'One item of the conversation; without a type it is a message.' })
export type InputItem = Static<typeof InputItem>
