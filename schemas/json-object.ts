/** An object that came from outside, of which nothing is known but that it is one. */
export type JsonObject = { readonly [key: string]: unknown }

/** Whether a parsed JSON value is an object (not an array, not null). */
export function isJsonObject (value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a JSON text; undefined, which no JSON text stands for, if it is none. */
export function jsonValue (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The object that a text is the JSON of; undefined if it is that of no object, or no JSON. */
export function objectOf (json: string): JsonObject | undefined {
  const value = jsonValue(json)
  return isJsonObject(value) ? value : undefined
}
