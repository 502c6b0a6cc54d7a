import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { textOfDetails } from './reasoning-details.ts'

/**
 * What a provider wants back on the next turn, inside a reasoning item's `encrypted_content`: the one field that every
 * client keeps and sends back as it came. It is base64url of JSON, neither encrypted nor signed: a caller who reads or
 * changes it does so to its own conversation.
 */
export interface SentBack {
  /** The thoughts' text. */
  readonly reasoning?: string
  /** `reasoning_details` of the core's format. */
  readonly details?: readonly JsonObject[]
  /** `extra_content` of the message. */
  readonly message?: JsonObject
  /** `extra_content` of tool calls, by the calls' ids. */
  readonly calls?: ReadonlyArray<{ readonly id: string, readonly extra: JsonObject }>
}

const VERSION = 1
/** Levels of nesting in it; a provider's own has a handful. */
const MAX_DEPTH = 32

export function encodeSentBack ({ reasoning, details = [], message, calls = [] }: SentBack): string {
  return Buffer.from(JSON.stringify({
    v: VERSION,
    // Where the details repeat it, once is enough.
    ...(reasoning === undefined || reasoning === '' || reasoning === textOfDetails(details) ? {} : { reasoning }),
    ...(details.length > 0 ? { details } : {}),
    ...(message === undefined ? {} : { message }),
    ...(calls.length > 0 ? { calls } : {})
  })).toString('base64url')
}

/** The same, from outside; undefined: it is not what a gateway gave out. */
export function decodeSentBack (text: string): SentBack | undefined {
  const value = objectOf(Buffer.from(text, 'base64url').toString())
  if (value === undefined || value['v'] !== VERSION || isDeeper(value, MAX_DEPTH)) return undefined
  const { reasoning, details = [], message, calls = [] } = value
  if (!Array.isArray(details) || !details.every(isJsonObject) || !Array.isArray(calls)) return undefined
  if (message !== undefined && !isJsonObject(message)) return undefined
  if (reasoning !== undefined && typeof reasoning !== 'string') return undefined
  const extras: Array<{ id: string, extra: JsonObject }> = []
  for (const call of calls) {
    if (!isJsonObject(call) || typeof call['id'] !== 'string' || !isJsonObject(call['extra'])) return undefined
    extras.push({ id: call['id'], extra: call['extra'] })
  }
  return {
    reasoning: reasoning ?? textOfDetails(details),
    details,
    ...(message === undefined ? {} : { message }),
    calls: extras
  }
}

/** Level by level, since a walk that calls itself would fail where it is needed. */
function isDeeper (value: JsonObject, depth: number): boolean {
  let level: object[] = [value]
  for (let left = depth; level.length > 0; left--) {
    if (left === 0) return true
    level = level.flatMap(parent => Object.values(parent).filter(child => typeof child === 'object' && child !== null))
  }
  return false
}
