import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { JsonSchema } from '../../schemas/tools.ts'
import { unsupported } from './errors.ts'

/**
 * What structured output of Anthropic's models cannot take of a JSON Schema. Bedrock would refuse the request; refused
 * here, by the path of the keyword, it can go to another target. Only what is documented as unsupported is looked for.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 * @see https://docs.claude.com/en/docs/build-with-claude/structured-outputs#json-schema-limitations
 */

/** Constraints on numbers, strings and arrays. */
const REFUSED: ReadonlySet<string> = new Set([
  'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength', 'maxItems', 'uniqueItems', 'contains'
])
/** Keywords whose value is a schema, a list of them, or an object of them by name. */
const SUBSCHEMAS: ReadonlySet<string> = new Set(['items', 'not', 'if', 'then', 'else'])
const LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf', 'oneOf', 'prefixItems'])
const NAMED: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions'])
/** Nobody's schema is as deep; a deeper one could exhaust the stack. */
const MAX_DEPTH = 200

/**
 * A schema as these models take it. Bounds at the ends of what a number can be exactly, which zod gives every integer, bind
 * nothing, and are left out.
 * @param at the schema's field in the request
 * @throws {UpstreamError} `unsupported`
 */
export function anthropicSchema (schema: JsonSchema, at: string): JsonSchema {
  new SchemaWalk(schema).visit(schema, at, [])
  return withoutSafeBounds(schema)
}

function bindsNothing (keyword: string, value: unknown): boolean {
  return (keyword === 'minimum' && value === Number.MIN_SAFE_INTEGER) || (keyword === 'maximum' && value === Number.MAX_SAFE_INTEGER)
}

/** @param schema which is not too deep */
function withoutSafeBounds (schema: JsonObject): JsonSchema {
  const inner = (value: unknown): unknown => isJsonObject(value) ? withoutSafeBounds(value) : value
  return Object.fromEntries(Object.entries(schema).flatMap(([keyword, value]): Array<[string, unknown]> => {
    if (bindsNothing(keyword, value)) return []
    if (SUBSCHEMAS.has(keyword)) return [[keyword, inner(value)]]
    if (LISTS.has(keyword) && Array.isArray(value)) return [[keyword, value.map(inner)]]
    if (NAMED.has(keyword) && isJsonObject(value)) return [[keyword, Object.fromEntries(Object.entries(value).map(([name, item]) => [name, inner(item)]))]]
    return [[keyword, value]]
  }))
}

class SchemaWalk {
  readonly #root: JsonObject
  /** Referenced schemas that are known to be fine. */
  readonly #done = new Set<string>()

  constructor (root: JsonObject) { this.#root = root }

  /** @param inside the references that lead here */
  visit (schema: unknown, at: string, inside: readonly string[], depth = 0): void {
    if (!isJsonObject(schema)) return
    if (depth > MAX_DEPTH) throw unsupported(at, 'so deep a schema')
    if (isObjectSchema(schema) && schema['additionalProperties'] !== false) {
      throw unsupported(`${at}.additionalProperties`, 'a schema of objects whose additionalProperties is not false')
    }
    for (const [keyword, value] of Object.entries(schema)) {
      const path = `${at}.${keyword}`
      const go = (subschema: unknown, step: string): void => { this.visit(subschema, path + step, inside, depth + 1) }
      if (REFUSED.has(keyword) && !bindsNothing(keyword, value)) throw unsupported(path, `the keyword ${keyword} of a JSON schema`)
      if (keyword === 'minItems' && value !== 0 && value !== 1) throw unsupported(path, 'minItems other than 0 and 1')
      if (keyword === 'enum' && Array.isArray(value) && value.some(item => typeof item === 'object' && item !== null)) throw unsupported(path, 'an enum of objects or arrays')
      if (keyword === '$ref') this.#follow(value, path, inside, depth)
      else if (SUBSCHEMAS.has(keyword)) go(value, '')
      else if (LISTS.has(keyword) && Array.isArray(value)) value.forEach((item, index) => { go(item, `[${index}]`) })
      else if (NAMED.has(keyword) && isJsonObject(value)) Object.entries(value).forEach(([name, item]) => { go(item, `.${name}`) })
    }
  }

  #follow (reference: unknown, path: string, inside: readonly string[], depth: number): void {
    if (typeof reference !== 'string' || !reference.startsWith('#')) throw unsupported(path, 'references to other schemas')
    if (inside.includes(reference)) throw unsupported(path, 'recursive schemas')
    if (this.#done.has(reference)) return
    this.visit(targetOf(this.#root, reference), path, [...inside, reference], depth + 1)
    this.#done.add(reference)
  }
}

function isObjectSchema ({ type, properties }: JsonObject): boolean {
  return type === 'object' || (Array.isArray(type) && type.includes('object')) || (type === undefined && isJsonObject(properties))
}

/** @see https://datatracker.ietf.org/doc/html/rfc6901 */
function targetOf (root: JsonObject, reference: string): unknown {
  let target: unknown = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    target = isJsonObject(target) && Object.hasOwn(target, key) ? target[key] : undefined
  }
  return target
}
