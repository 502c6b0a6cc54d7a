import type { JsonObject } from '../schemas/json-object.ts'

/** The object that a text is the JSON of; undefined if it is that of none. */
export function objectOf (json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
