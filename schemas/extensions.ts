import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { taggedUnion } from './tagged-union.ts'

/**
 * Fields that OpenAI's format does not have, and other servers of it do. The gateway writes them where a provider says
 * more than the format can, and reads them in the messages that a caller sends back.
 */

/** Reasoning in words, with the signature by which the model recognises it as its own. */
export const ReasoningText = Type.Object({
  type: Type.Literal('reasoning.text'),
  index: Type.Optional(Type.Integer({ minimum: 0, description: 'Which block of reasoning of the answer, from 0.' })),
  text: Nullable(Type.String()),
  signature: Nullable(Type.String({ description: 'To be sent back as it came: the model takes its reasoning back only with it.' }))
}, { title: 'ReasoningText' })

/** Reasoning that the model keeps to itself. */
export const ReasoningEncrypted = Type.Object({
  type: Type.Literal('reasoning.encrypted'),
  index: Type.Optional(Type.Integer({ minimum: 0, description: 'Which block of reasoning of the answer, from 0.' })),
  data: Type.String({ description: 'Opaque; to be sent back as it came.' })
}, { title: 'ReasoningEncrypted' })

/**
 * A piece of reasoning. In a stream each delta brings increments: those of one index belong together, texts to be joined.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export const ReasoningDetail = taggedUnion('type', {
  'reasoning.text': ReasoningText,
  'reasoning.encrypted': ReasoningEncrypted
}, {
  open: true,
  title: 'ReasoningDetail',
  description: 'Extension: a piece of the model\'s reasoning, to be sent back with the next turn. In a stream, increments: those of one `index` belong together.'
})
export type ReasoningDetail = Static<typeof ReasoningDetail>

/**
 * What is Gemini's own, and has to be sent back with the next turn.
 * @see https://ai.google.dev/gemini-api/docs/openai
 */
export const ExtraContent = Type.Object({
  google: Nullable(Type.Object({
    thought_signature: Nullable(Type.String({ description: 'To be sent back as it came.' }))
  }))
}, { title: 'ExtraContent', description: 'Extension: what is the provider\'s own, to be sent back with the next turn.' })
export type ExtraContent = Static<typeof ExtraContent>

const span = {
  start_index: Type.Integer({ description: 'Of the content\'s first character that it is about, in UTF-16 units.' }),
  end_index: Type.Integer({ description: 'After its last character.' })
}

/** A web page that the text rests on. */
export const UrlCitation = Type.Object({
  type: Type.Literal('url_citation'),
  url_citation: Type.Object({ url: Type.String(), title: Type.String(), ...span })
}, { title: 'UrlCitation' })
export type UrlCitation = Static<typeof UrlCitation>

/** A place in a document of the request that the text rests on. */
export const DocumentCitation = Type.Object({
  type: Type.Literal('document_citation'),
  document_citation: Type.Object({
    title: Type.Optional(Type.String()),
    document_index: Type.Optional(Type.Integer({ description: 'Which document of the request, from 0.' })),
    start: Type.Optional(Type.Integer({ description: 'Where in the document the place begins.' })),
    end: Type.Optional(Type.Integer()),
    unit: Type.Optional(Type.Enum(['char', 'page', 'chunk'], { description: 'What `start` and `end` count.' })),
    cited_text: Type.Optional(Type.String()),
    ...span
  })
}, { title: 'DocumentCitation', description: 'Extension.' })
export type DocumentCitation = Static<typeof DocumentCitation>

/** What a piece of an answer's text rests on. */
export const Annotation = taggedUnion('type', {
  url_citation: UrlCitation,
  document_citation: DocumentCitation
}, { open: true, title: 'Annotation', description: 'What a piece of the content rests on.' })
export type Annotation = Static<typeof Annotation>
