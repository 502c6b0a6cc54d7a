/**
 * What the providers' servers send and are sent, each in its own format, for tests that have them all say the same.
 *
 *     upstream.next(wire.streaming(wire.text('Hel'), wire.text('lo'), ...wire.end()))
 *     upstream.next(status(200, wire.answer('Hello', { counts: null })))   // an answer without token counts
 */
import type { JsonObject } from '../../schemas/json-object.ts'
import { START, STOP, event, exception } from '../providers/bedrock/event-stream-server.ts'
import { COUNTS, DONE, chunk, completion, role, status, streamingAs, usage, usageOf } from './scripted-upstream.ts'
import type { Counts, Script, Step } from './scripted-upstream.ts'

/** What is known of an answer at its end. */
export interface Ending {
  /** How many choices it has. Default 1. */
  readonly choices?: number
  /** Default COUNTS; null: the server tells none. */
  readonly counts?: Counts | null
}

/** One provider's format. */
export interface Wire {
  readonly contentType: string
  /** How every stream begins, before any output. */
  readonly head: readonly Step[]
  /** A piece of the text of one choice (from 0), in a stream. */
  text (content: string, choice?: number): Step
  /** A piece of text, and the token counts so far. */
  counted (content: string, counts: Counts): readonly Step[]
  /** What the model thinks before it answers. */
  reasoning (content: string): Step
  /** The rest of a proper stream, after its content: finish reasons, counts. */
  end (ending?: Ending): readonly Step[]
  /** The server gives up, in the middle of a stream or at its beginning, and says so. */
  readonly failure: Step
  /** A stream of these steps, after the head. */
  streaming (...steps: readonly Step[]): Script
  /** The body of a whole answer; several texts are choices of one. */
  answer (contents: string | readonly string[], ending?: Pick<Ending, 'counts'>): JsonObject
  /** A whole answer with its counts. */
  whole (...contents: readonly string[]): Script
  /** An error, before any answer. */
  error (code: number, message: string, headers?: Readonly<Record<string, string>>): Script
  /** What a request looks like whose second part is this PNG (base64), for `t.match`. */
  withImage (data: string): object
  /** What a request looks like whose answer must have a property of this name. */
  withSchema (property: string): object
}

/** What says the same in every format. */
type Words = Omit<Wire, 'streaming' | 'whole'>

function wire (words: Words): Wire {
  return {
    ...words,
    streaming: (...steps) => streamingAs(words.contentType, ...words.head, ...steps),
    whole: (...contents) => status(200, words.answer(contents))
  }
}

/** The chat completions format of OpenAI, Azure and compatible servers. */
export const chatCompletions: Wire = wire({
  contentType: 'text/event-stream',
  head: [role()],
  text: (content, choice = 0) => choiceOf(choice, { content }),
  counted: (content, counts) => [{ ...choiceOf(0, { content }), usage: usageOf(counts) }],
  reasoning: content => choiceOf(0, { reasoning_content: content }),
  end: ({ choices = 1, counts = COUNTS } = {}) => [
    ...Array.from({ length: choices }, (_, choice) => choiceOf(choice, {}, 'stop')), ...counts === null ? [] : [usage(counts)], DONE
  ],
  failure: { error: { message: 'scripted failure', type: 'server_error', code: null } },
  answer: (contents, { counts = COUNTS } = {}) => ({
    ...completion(''),
    choices: [contents].flat().map((content, index) => ({ index, message: { role: 'assistant', content }, finish_reason: 'stop' })),
    usage: counts === null ? null : usageOf(counts)
  }),
  error: (code, message, headers) => status(code, { error: { message, type: 'scripted', code: null } }, headers),
  withImage: data => ({ messages: [{ content: [{}, { image_url: { url: `data:image/png;base64,${data}` } }] }] }),
  withSchema: property => ({ response_format: { json_schema: { schema: { properties: { [property]: Object } } } } })
})

/** @see https://ai.google.dev/api/generate-content */
export const gemini: Wire = wire({
  contentType: 'text/event-stream',
  head: [{ responseId: 'r' }],
  text: (content, choice = 0) => ({ candidates: [candidate(choice, { text: content })] }),
  counted: (content, counts) => [{ candidates: [candidate(0, { text: content })], ...usageMetadata(counts) }],
  reasoning: content => ({ candidates: [candidate(0, { text: content, thought: true })] }),
  end: ({ choices = 1, counts = COUNTS } = {}) => [{
    candidates: Array.from({ length: choices }, (_, choice) => candidate(choice, { text: '' }, 'STOP')), ...usageMetadata(counts)
  }],
  failure: { error: { code: 503, message: 'scripted failure', status: 'UNAVAILABLE' } },
  answer: (contents, { counts = COUNTS } = {}) => ({
    candidates: [contents].flat().map((content, index) => candidate(index, { text: content }, 'STOP')), ...usageMetadata(counts)
  }),
  error: (code, message, headers) => status(code, { error: { code, message, status: 'SCRIPTED' } }, headers),
  withImage: data => ({ contents: [{ parts: [{}, { inlineData: { mimeType: 'image/png', data } }] }] }),
  withSchema: property => ({ generationConfig: { responseMimeType: 'application/json', responseJsonSchema: { properties: { [property]: Object } } } })
})

/**
 * It knows one choice only.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export const bedrock: Wire = wire({
  contentType: 'application/vnd.amazon.eventstream',
  head: [START],
  text: textDelta,
  counted: (content, counts) => [textDelta(content), event('metadata', tokenUsage(counts))],
  reasoning: content => event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: content } } }),
  end: ({ counts = COUNTS } = {}) => [STOP, ...counts === null ? [] : [event('metadata', tokenUsage(counts))]],
  failure: exception('internalServerException', 'scripted failure'),
  answer: (contents, { counts = COUNTS } = {}) => ({
    output: { message: { role: 'assistant', content: [contents].flat().map(text => ({ text })) } }, stopReason: 'end_turn', ...tokenUsage(counts)
  }),
  error: (code, message, headers) => status(code, { message }, headers),
  withImage: data => ({ messages: [{ content: [{}, { image: { format: 'png', source: { bytes: data } } }] }] }),
  withSchema: property => ({ outputConfig: { textFormat: { structure: { jsonSchema: { schema: new RegExp(`"${property}"`) } } } } })
})

function choiceOf (index: number, delta: JsonObject, finishReason: string | null = null): JsonObject {
  return { ...chunk({}), choices: [{ index, delta, finish_reason: finishReason }] }
}

function candidate (index: number, part: JsonObject, finishReason?: string): JsonObject {
  return { index, content: { role: 'model', parts: [part] }, ...(finishReason === undefined ? {} : { finishReason }) }
}

function usageMetadata (counts: Counts | null): JsonObject {
  return counts === null ? {} : { usageMetadata: { promptTokenCount: counts.prompt, candidatesTokenCount: counts.completion, totalTokenCount: counts.prompt + counts.completion } }
}

/** After the block of what was thought, if there was one. */
function textDelta (content: string): Uint8Array {
  return event('contentBlockDelta', { contentBlockIndex: 1, delta: { text: content } })
}

function tokenUsage (counts: Counts | null): JsonObject {
  return counts === null ? {} : { usage: { inputTokens: counts.prompt, outputTokens: counts.completion, totalTokens: counts.prompt + counts.completion }, metrics: { latencyMs: 1 } }
}
