import type { JsonObject } from '../schemas/json-object.ts'

/**
 * A chunk with one delta of the one choice, as JSON text.
 * @param head what is told of the answer as a whole
 */
export function saidAgain (delta: JsonObject, head: JsonObject = {}, logprobs: JsonObject | null = null): string {
  return JSON.stringify({ ...head, object: 'chat.completion.chunk', choices: [{ index: 0, delta, logprobs, finish_reason: null }] })
}
