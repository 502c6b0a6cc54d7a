import { UpstreamError } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { hasOutput, usageOf } from '../../streams/chunk-facts.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Completion } from '../provider.ts'
import { inBandError } from './errors.ts'

/**
 * Reading answers in the chat completions format: just as much as the gateway must know, passing on the upstream's text.
 * @see https://platform.openai.com/docs/api-reference/chat/object
 */

/**
 * A whole answer.
 * @throws {UpstreamError} it is an error, not a completion, or nothing was generated
 */
export function completionOf (text: string, secrets: readonly string[]): Completion {
  const body = objectOf(text)
  if (isError(body)) throw inBandError(body, secrets)
  const choices = Array.isArray(body['choices']) ? body['choices'].filter(isJsonObject) : []
  throwIfBroken(choices, secrets)
  const finishReasons = choices.map(choice => choice['finish_reason']).filter(reason => typeof reason === 'string' && reason !== '')
  if (finishReasons.length === 0 && !choices.some(choice => hasOutput(choice['message']))) {
    throw new UpstreamError('empty', 'The provider answered without generating anything.')
  }
  const finishReason = finishReasons[0]
  return { json: text, finishReason: typeof finishReason === 'string' ? finishReason : null, usage: usageOf(body['usage']) }
}

/**
 * What OpenRouter answers when a provider behind it breaks.
 * @throws {UpstreamError} a choice ended in an error
 */
export function throwIfBroken (choices: readonly JsonObject[], secrets: readonly string[]): void {
  const broken = choices.find(choice => choice['finish_reason'] === 'error')
  if (broken !== undefined) throw inBandError(broken, secrets)
}

/** An error in place of an answer, or beside its beginning. Some servers send `"error": null`, or "" with each chunk. */
export function isError ({ error, choices, object }: JsonObject): boolean {
  return object === 'error' || isJsonObject(error) || (typeof error === 'string' && error !== '' && !Array.isArray(choices))
}

/**
 * JSON text as an object.
 * @throws {UpstreamError} `malformed`: it is none
 */
export function objectOf (text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new UpstreamError('malformed', 'The provider sent something that is not JSON.', { cause: error })
  }
  if (!isJsonObject(value)) throw new UpstreamError('malformed', 'The provider sent something that is not a completion.')
  return value
}
