import { UpstreamError } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { factsOf, hasOutput, usageOf } from '../../streams/chunk-facts.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import type { SseEvent } from '../../streams/sse-reader.ts'
import type { Completion } from '../provider.ts'
import { inBandError } from './errors.ts'
import { PlainDeltas } from './plain-deltas.ts'

/**
 * Reading answers in the chat completions format: just as much as the gateway must know, passing on the upstream's text.
 * @see https://platform.openai.com/docs/api-reference/chat-streaming/streaming
 */

/**
 * Reads the events of one stream. Those that are nothing but the next piece of text are recognised without parsing them.
 * @returns throws an UpstreamError where the event reports an error, or is no chunk
 */
export function chunkReader (secrets: readonly string[]): (event: SseEvent) => Chunk | 'end' | undefined {
  const plain = new PlainDeltas()
  return ({ type, data }) => {
    const known = type === '' ? plain.recognise(data) : undefined
    if (known !== undefined) return { json: data, facts: known }
    if (data === '[DONE]') return 'end'
    if (data === '') return undefined
    const body = objectOf(data)
    if (isError(body) || type === 'error') throw inBandError(body, secrets)
    const facts = factsOf(body)
    // What OpenRouter sends when a provider behind it breaks.
    if (facts.choices.some(({ finishReason }) => finishReason === 'error')) throw inBandError(body, secrets)
    // Data of several lines is joined by line breaks, which a frame cannot hold.
    const json = data.includes('\n') ? JSON.stringify(body) : data
    plain.learn(json, body)
    return { json, facts }
  }
}

/**
 * A whole answer.
 * @throws {UpstreamError} it is an error, not a completion, or nothing was generated
 */
export function completionOf (text: string, secrets: readonly string[]): Completion {
  const body = objectOf(text)
  if (isError(body)) throw inBandError(body, secrets)
  const choices = Array.isArray(body['choices']) ? body['choices'].filter(isJsonObject) : []
  const finishReasons = choices.map(choice => choice['finish_reason']).filter(reason => typeof reason === 'string' && reason !== '')
  if (finishReasons.length === 0 && !choices.some(choice => hasOutput(choice['message']))) {
    throw new UpstreamError('empty', 'The provider answered without generating anything.')
  }
  const finishReason = finishReasons[0]
  return { json: text, finishReason: typeof finishReason === 'string' ? finishReason : null, usage: usageOf(body['usage']) }
}

/** An error in place of an answer, or beside its beginning. Some servers send `"error": null`, or "" with each chunk. */
function isError ({ error, choices, object }: JsonObject): boolean {
  return object === 'error' || isJsonObject(error) || (typeof error === 'string' && error !== '' && !Array.isArray(choices))
}

function objectOf (text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UpstreamError('malformed', 'The provider sent something that is not JSON.', { cause: error })
  }
  if (!isJsonObject(value)) throw new UpstreamError('malformed', 'The provider sent something that is not a completion.')
  return value
}
