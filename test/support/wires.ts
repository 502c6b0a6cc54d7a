/**
 * The servers of three wire protocols, saying the same things each in its own words.
 */
import { START, STOP, event, exception, text as bedrockText } from '../providers/bedrock/event-stream-server.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { CUT, DONE, chunk, completion, finish, role, text } from './scripted-upstream.ts'
import type { Script, ScriptedUpstream } from './scripted-upstream.ts'

/** Of a stream: bytes, a promise to wait for, or the connection's end. */
export type Piece = string | Uint8Array | Promise<unknown> | typeof CUT

/** How one provider's server says things. */
export interface Wire {
  readonly target: string
  readonly upstream: ScriptedUpstream
  readonly contentType: string
  /** Before any output. */
  readonly head: readonly Piece[]
  text (content: string, counts?: Counts): readonly Piece[]
  /** What ends an answer, with its counts. */
  end (counts?: Counts): readonly Piece[]
  /** An error in place of an answer. */
  readonly error: Piece
  whole (content: string, counts?: Counts): JsonObject
}

/** Token counts. */
export interface Counts {
  readonly prompt: number
  readonly completion: number
}

/** One server-sent event. */
export const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
/** The field of a chunk, or of a whole answer. */
export const openaiUsage = ({ prompt, completion }: Counts) => ({ usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion } })
const geminiUsage = ({ prompt, completion }: Counts) => ({ usageMetadata: { promptTokenCount: prompt, candidatesTokenCount: completion, totalTokenCount: prompt + completion } })
const bedrockUsage = ({ prompt, completion }: Counts) => ({ usage: { inputTokens: prompt, outputTokens: completion, totalTokens: prompt + completion } })

export const openai = (upstream: ScriptedUpstream): Wire => ({
  target: 'openai',
  upstream,
  contentType: 'text/event-stream',
  head: [data(role())],
  text: (content, counts) => [data({ ...text(content), ...counts && openaiUsage(counts) })],
  end: counts => [data(finish('stop')), ...counts === undefined ? [] : [data({ ...chunk({}), choices: [], ...openaiUsage(counts) })], DONE],
  error: data({ error: { message: 'overloaded', type: 'server_error' } }),
  whole: (content, counts) => ({ ...completion(content), usage: null, ...counts && openaiUsage(counts) })
})

export const gemini = (upstream: ScriptedUpstream): Wire => ({
  target: 'gemini',
  upstream,
  contentType: 'text/event-stream',
  head: [data({ responseId: 'r' })],
  text: (content, counts) => [data({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: content }] } }], ...counts && geminiUsage(counts) })],
  end: counts => [data({ candidates: [{ index: 0, finishReason: 'STOP' }], ...counts && geminiUsage(counts) })],
  error: data({ error: { code: 503, status: 'UNAVAILABLE', message: 'overloaded' } }),
  whole: (content, counts) => ({ candidates: [{ index: 0, finishReason: 'STOP', content: { role: 'model', parts: [{ text: content }] } }], ...counts && geminiUsage(counts) })
})

export const bedrock = (upstream: ScriptedUpstream): Wire => ({
  target: 'bedrock',
  upstream,
  contentType: 'application/vnd.amazon.eventstream',
  head: [START],
  text: (content, counts) => [bedrockText(content), ...counts === undefined ? [] : [event('metadata', bedrockUsage(counts))]],
  end: counts => [STOP, ...counts === undefined ? [] : [event('metadata', bedrockUsage(counts))]],
  error: exception('modelStreamErrorException', 'overloaded'),
  whole: (content, counts) => ({ output: { message: { role: 'assistant', content: [{ text: content }] } }, stopReason: 'end_turn', ...counts && bedrockUsage(counts) })
})

/** A stream of these pieces, in this protocol. */
export function streamOf ({ contentType }: Wire, ...pieces: readonly Piece[]): Script {
  return async response => {
    response.writeHead(200, { 'content-type': contentType })
    response.flushHeaders()
    for (const piece of pieces) {
      if (piece instanceof Promise) await piece
      else if (piece === CUT) {
        await new Promise<void>(resolve => { response.socket?.write('', () => resolve()) })
        response.socket?.destroy()
      } else response.write(piece)
      if (response.destroyed) return
    }
  }
}
