import { Type } from 'typebox'
import type { Static, TOptional, TSchema, TUnsafe } from 'typebox'

/** A value, or null. */
export function OrNull<T extends TSchema> (schema: T): TUnsafe<Static<T> | null> {
  // Shorter than a union, for whoever reads it and for the validator; a schema with a name stays one.
  const { type, ...rest } = { type: undefined, enum: undefined, const: undefined, title: undefined, ...schema }
  return rest.enum === undefined && rest.const === undefined && rest.title === undefined && typeof type === 'string'
    ? Type.Unsafe({ ...schema, type: [type, 'null'] })
    : Type.Unsafe({ anyOf: [schema, { type: 'null' }] })
}

/** A field that may be left out or be null: OpenAI's clients send `null` for "not set" as readily as they leave it out. */
export function Nullable<T extends TSchema> (schema: T): TOptional<TUnsafe<Static<T> | null>> {
  return Type.Optional(OrNull(schema))
}
