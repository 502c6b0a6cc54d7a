import { Type } from 'typebox'
import type { TUnsafe } from 'typebox'

/** One of the known words, or one that is not known yet; editors offer the known ones. */
export type OpenEnum<Value extends string> = Value | (string & Record<never, never>)

/**
 * A string that today has these values, for what grows: providers add values sooner than the gateway learns of them, and
 * whoever the request is for knows best which it takes.
 */
export function openEnum<const Value extends string> (values: readonly Value[], description?: string): TUnsafe<OpenEnum<Value>> {
  return Type.Unsafe({ type: 'string', examples: values, ...(description === undefined ? {} : { description }) })
}
