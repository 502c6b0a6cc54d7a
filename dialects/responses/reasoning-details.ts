import type { ReasoningDetail } from '../../schemas/extensions.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/** Text that comes in pieces. */
const JOINED = ['text', 'summary', 'data'] as const

/**
 * What a provider wants back of its reasoning, put together from the pieces of a stream: those of one index and type are
 * one entry, their text joined and all else as it was said last.
 * @see https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export function joinDetails (entries: readonly JsonObject[]): JsonObject[] {
  const joined = new Map<string, JsonObject>()
  for (const [position, entry] of entries.entries()) {
    const { index, type } = entry
    const key = typeof index === 'number' ? `${index} ${String(type)}` : `at ${position}`
    const before = joined.get(key)
    joined.set(key, before === undefined ? entry : merged(before, entry))
  }
  return [...joined.values()]
}

function merged (before: JsonObject, entry: JsonObject): JsonObject {
  const texts: Record<string, unknown> = {}
  for (const field of JOINED) {
    const [first, more] = [before[field], entry[field]]
    if (typeof first === 'string') texts[field] = typeof more === 'string' ? first + more : first
  }
  return { ...before, ...entry, ...texts }
}

/** Whether it may stand in a message: of which type is the provider's business, as its schema is open. */
export function isReasoningDetail (entry: JsonObject): entry is JsonObject & ReasoningDetail {
  return typeof entry['type'] === 'string'
}

/** All the text in them, in order. */
export function textOfDetails (entries: readonly JsonObject[]): string {
  return entries.map(({ text }) => typeof text === 'string' ? text : '').join('')
}
