/**
 * What the providers' servers send and are sent, in their own formats, for scripts that have to say the same through
 * each of the five targets: see `five-targets.ts`.
 */
import type { JsonObject } from '../../schemas/json-object.ts'
import { START, STOP, event, exception } from '../providers/bedrock/event-stream-server.ts'
import { DONE, chunk, completion, role, status, streaming, streamingAs, usage } from './scripted-upstream.ts'
import type { Script, Step } from './scripted-upstream.ts'

/** One provider's format. */
export interface ProviderScripts {
  /** A piece of the text of one choice (from 0), in a stream. */
  text (content: string, choice?: number): Step
  /** What the model thinks before it answers. */
  reasoning (content: string): Step
  /** The rest of a proper stream of so many choices, after its content: usage, finish reasons. */
  end (choices?: number): readonly Step[]
  /** The server gives up in the middle of a stream, and says so. */
  readonly failure: Step
  /** A stream of these steps. */
  streaming (...steps: readonly Step[]): Script
  /** A whole answer, with usage; several are choices of one. */
  whole (...contents: readonly string[]): Script
  /** An error, before any answer. */
  error (code: number, message: string, headers?: Readonly<Record<string, string>>): Script
  /** What a request looks like whose second part is this PNG (base64), for `t.match`. */
  withImage (data: string): object
  /** What a request looks like whose answer must have a property of this name. */
  withSchema (property: string): object
}

/** The chat completions format of OpenAI, Azure and compatible servers. */
export const chatCompletions: ProviderScripts = {
  text: (content, choice = 0) => choiceOf(choice, { content }),
  reasoning: content => choiceOf(0, { reasoning_content: content }),
  end: (choices = 1) => [...Array.from({ length: choices }, (_, choice) => choiceOf(choice, {}, 'stop')), usage(), DONE],
  failure: { error: { message: 'scripted failure', type: 'server_error', code: null } },
  streaming: (...steps) => streaming(role(), ...steps),
  whole: (...contents) => status(200, {
    ...completion(''), choices: contents.map((content, index) => ({ index, message: { role: 'assistant', content }, finish_reason: 'stop' }))
  }),
  error: (code, message, headers) => status(code, { error: { message, type: 'scripted', code: null } }, headers),
  withImage: data => ({ messages: [{ content: [{}, { image_url: { url: `data:image/png;base64,${data}` } }] }] }),
  withSchema: property => ({ response_format: { json_schema: { schema: { properties: { [property]: Object } } } } })
}

/** The tokens of a whole answer or a complete stream: 3 of the prompt, 5 of the answer. */
const GEMINI_USAGE = { promptTokenCount: 3, candidatesTokenCount: 5, totalTokenCount: 8 }
const BEDROCK_USAGE = { usage: { inputTokens: 3, outputTokens: 5, totalTokens: 8 }, metrics: { latencyMs: 1 } }

/** @see https://ai.google.dev/api/generate-content */
export const gemini: ProviderScripts = {
  text: (content, choice = 0) => ({ candidates: [candidate(choice, { text: content })] }),
  reasoning: content => ({ candidates: [candidate(0, { text: content, thought: true })] }),
  end: (choices = 1) => [{ candidates: Array.from({ length: choices }, (_, choice) => candidate(choice, { text: '' }, 'STOP')), usageMetadata: GEMINI_USAGE }],
  failure: { error: { code: 503, message: 'scripted failure', status: 'UNAVAILABLE' } },
  streaming,
  whole: (...contents) => status(200, {
    candidates: contents.map((content, index) => candidate(index, { text: content }, 'STOP')), usageMetadata: GEMINI_USAGE
  }),
  error: (code, message, headers) => status(code, { error: { code, message, status: 'SCRIPTED' } }, headers),
  withImage: data => ({ contents: [{ parts: [{}, { inlineData: { mimeType: 'image/png', data } }] }] }),
  withSchema: property => ({ generationConfig: { responseMimeType: 'application/json', responseJsonSchema: { properties: { [property]: Object } } } })
}

/**
 * It knows one choice only.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html
 */
export const bedrock: ProviderScripts = {
  text: content => event('contentBlockDelta', { contentBlockIndex: 1, delta: { text: content } }),
  reasoning: content => event('contentBlockDelta', { contentBlockIndex: 0, delta: { reasoningContent: { text: content } } }),
  end: () => [STOP, event('metadata', BEDROCK_USAGE)],
  failure: exception('internalServerException', 'scripted failure'),
  streaming: (...steps) => streamingAs('application/vnd.amazon.eventstream', START, ...steps),
  whole: content => status(200, {
    output: { message: { role: 'assistant', content: [{ text: content }] } },
    stopReason: 'end_turn',
    ...BEDROCK_USAGE
  }),
  error: (code, message, headers) => status(code, { message }, headers),
  withImage: data => ({ messages: [{ content: [{}, { image: { format: 'png', source: { bytes: data } } }] }] }),
  withSchema: property => ({ outputConfig: { textFormat: { structure: { jsonSchema: { schema: new RegExp(`"${property}"`) } } } } })
}

function choiceOf (index: number, delta: JsonObject, finishReason: string | null = null): JsonObject {
  return { ...chunk({}), choices: [{ index, delta, finish_reason: finishReason }] }
}

function candidate (index: number, part: JsonObject, finishReason?: string): JsonObject {
  return { index, content: { role: 'model', parts: [part] }, ...(finishReason === undefined ? {} : { finishReason }) }
}
