import { Type } from 'typebox'
import type { Static } from 'typebox'

/**
 * Output items of a Responses answer.
 * @see https://platform.openai.com/docs/api-reference/responses/object
 */

/** Of an item: whether more is to come, all came, or the answer ended before it was known to be whole. */
export const ItemStatus = Type.Union([Type.Literal('in_progress'), Type.Literal('completed'), Type.Literal('incomplete')])
export type ItemStatus = Static<typeof ItemStatus>

/** A web page that the text rests on. Indexes count UTF-16 units of the text. */
export const UrlCitation = Type.Object({
  type: Type.Literal('url_citation'),
  url: Type.String(),
  title: Type.String(),
  start_index: Type.Integer(),
  end_index: Type.Integer()
})
export type UrlCitation = Static<typeof UrlCitation>

/**
 * A document of the request that the text rests on, as the nearest kind that clients know; `document_citation` beside it
 * has all that the provider said.
 */
export const FileCitation = Type.Object({
  type: Type.Literal('file_citation'),
  file_id: Type.String({ description: '`document_<its index in the request>`' }),
  filename: Type.String({ description: 'Its title.' }),
  index: Type.Integer({ description: 'Where in the text the citation goes.' }),
  document_citation: Type.Record(Type.String(), Type.Unknown())
})
export type FileCitation = Static<typeof FileCitation>

export const Annotation = Type.Union([UrlCitation, FileCitation])
export type Annotation = Static<typeof Annotation>

const TokenLogprob = Type.Object({ token: Type.String(), bytes: Type.Array(Type.Integer()), logprob: Type.Number() })

/** How likely a token was, and which others were. */
export const Logprob = Type.Object({ ...TokenLogprob.properties, top_logprobs: Type.Array(TokenLogprob) })
export type Logprob = Static<typeof Logprob>

export const OutputText = Type.Object({
  type: Type.Literal('output_text'),
  text: Type.String(),
  annotations: Type.Array(Annotation),
  logprobs: Type.Array(Logprob)
})
export type OutputText = Static<typeof OutputText>

/** What the assistant said instead of an answer. */
export const OutputRefusal = Type.Object({ type: Type.Literal('refusal'), refusal: Type.String() })
export type OutputRefusal = Static<typeof OutputRefusal>

export const OutputPart = Type.Union([OutputText, OutputRefusal])
export type OutputPart = Static<typeof OutputPart>

/** What a provider wants back beside an item, under the provider's name: opaque. */
const extra = { extra_content: Type.Optional(Type.Record(Type.String(), Type.Unknown())) }

/** What the assistant said. There is one in an answer at the most, with one part of a kind. */
export const OutputMessage = Type.Object({
  type: Type.Literal('message'),
  id: Type.String(),
  role: Type.Literal('assistant'),
  status: ItemStatus,
  content: Type.Array(OutputPart),
  ...extra
})
export type OutputMessage = Static<typeof OutputMessage>

export const SummaryText = Type.Object({ type: Type.Literal('summary_text'), text: Type.String() })
export type SummaryText = Static<typeof SummaryText>

export const ReasoningText = Type.Object({ type: Type.Literal('reasoning_text'), text: Type.String() })
export type ReasoningText = Static<typeof ReasoningText>

/** What the model thought: as `summary` where one was asked for, else as `content`. */
export const ReasoningItem = Type.Object({
  type: Type.Literal('reasoning'),
  id: Type.String(),
  status: ItemStatus,
  summary: Type.Array(SummaryText),
  content: Type.Optional(Type.Array(ReasoningText)),
  encrypted_content: Type.Optional(Type.String({ description: 'Opaque; to be sent back as it is.' }))
})
export type ReasoningItem = Static<typeof ReasoningItem>

/** `arguments` is JSON as a string, and not guaranteed to be valid. */
export const FunctionCallItem = Type.Object({
  type: Type.Literal('function_call'),
  id: Type.String(),
  call_id: Type.String(),
  status: ItemStatus,
  name: Type.String(),
  arguments: Type.String(),
  ...extra
})
export type FunctionCallItem = Static<typeof FunctionCallItem>

/** A call of a tool whose input is free text. */
export const CustomToolCallItem = Type.Object({
  type: Type.Literal('custom_tool_call'),
  id: Type.String(),
  call_id: Type.String(),
  status: ItemStatus,
  name: Type.String(),
  input: Type.String(),
  ...extra
})
export type CustomToolCallItem = Static<typeof CustomToolCallItem>

export const OutputItem = Type.Union([OutputMessage, ReasoningItem, FunctionCallItem, CustomToolCallItem])
export type OutputItem = Static<typeof OutputItem>
