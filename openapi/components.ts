import type { JsonObject } from '../schemas/json-object.ts'
import { NamedSchemas, nameOf } from '../schemas/named-schemas.ts'
import { taggedUnionOf } from '../schemas/tagged-union.ts'

/** The schemas of a document: those that have a name stand under `components`, and everything refers to them. */
export function componentSchemas (): NamedSchemas {
  return new NamedSchemas(refTo, readable)
}

function refTo (name: string): string {
  return `#/components/schemas/${name}`
}

/** A schema in the words that tools for OpenAPI understand. What it accepts stays the same. */
function readable (schema: JsonObject): JsonObject {
  return asChoice(asMap(schema))
}

/** `additionalProperties` in place of a pattern that every name has. */
function asMap (schema: JsonObject): JsonObject {
  const { patternProperties, ...rest } = schema
  const entries = Object.entries(patternProperties ?? {})
  return entries.length === 1 && entries[0]?.[0] === '^.*$' ? { ...rest, additionalProperties: entries[0][1] } : schema
}

/**
 * `oneOf` with a discriminator in place of `if` and `then`, which is for validators.
 * @see https://spec.openapis.org/oas/v3.1.1.html#discriminator-object
 */
function asChoice (schema: JsonObject): JsonObject {
  const union = taggedUnionOf(schema)
  if (union === undefined) return schema
  const { tag, tagged, open, branches } = union
  const { type, required, properties, allOf, ...rest } = schema
  const others = { type: 'object', description: 'Of a kind that is not named here.', required: [tag], properties: { [tag]: { type: 'string', not: { enum: [...branches.keys()] } } } }
  const mapping = [...branches].flatMap(([value, branch]) => {
    const name = nameOf(branch)
    return name === undefined ? [] : [[value, refTo(name)]]
  })
  return {
    ...rest,
    oneOf: [...branches.values(), ...(open ? [others] : [])],
    // It counts for schemas with names only.
    ...(tagged && mapping.length === branches.size ? { discriminator: { propertyName: tag, mapping: Object.fromEntries(mapping) } } : {})
  }
}
