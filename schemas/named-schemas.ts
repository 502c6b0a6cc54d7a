import { isJsonObject } from './json-object.ts'
import type { JsonObject } from './json-object.ts'

/**
 * Schemas are written whole, one inside the other, so that types can be derived from them. Who reads them wants each only
 * once: the validator, whose code is a tenth then, and the API's description. So those that have a name, `$id` or
 * `title`, are taken out, and referred to.
 */

/** A schema, and those that it refers to. */
export interface NamedSchemas {
  readonly root: JsonObject
  readonly named: ReadonlyMap<string, JsonObject>
}

/** What is fit to be part of a reference; other titles are prose. */
const NAME = /^[A-Za-z][\w.-]*$/

function isName (value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** A schema's name: its `$id`, or else its title. */
export function nameOf ({ $id, title }: JsonObject): string | undefined {
  return isName($id) ? $id : isName(title) ? title : undefined
}

/**
 * Takes the named schemas out of one.
 * @param refTo the reference to a name
 * @param rewrite what is to be made of each schema before
 * @throws {Error} two that differ have one name
 */
export function takeOutNamed (schema: object, refTo: (name: string) => string, rewrite: (schema: JsonObject) => JsonObject = same => same): NamedSchemas {
  const named = new Map<string, JsonObject>()
  /** What became of a schema that stands in several places. */
  const seen = new Map<object, JsonObject>()

  const contentOf = (original: JsonObject): JsonObject => {
    const { $id, ...rest } = mapSubschemas(rewrite(original), referred)
    return isName(rest['$ref']) ? { ...rest, $ref: refTo(rest['$ref']) } : rest
  }
  const referred = (original: JsonObject): JsonObject => {
    const known = seen.get(original)
    if (known !== undefined) return known
    const content = contentOf(original)
    const name = nameOf(original)
    if (name !== undefined) keep(name, content)
    const result = name === undefined ? content : { $ref: refTo(name) }
    seen.set(original, result)
    return result
  }
  const keep = (name: string, content: JsonObject): void => {
    const other = named.get(name)
    if (other !== undefined && JSON.stringify(other) !== JSON.stringify(content)) throw new Error(`two schemas have the name ${name}`)
    named.set(name, content)
  }

  return { root: contentOf(isJsonObject(schema) ? schema : {}), named }
}

/** The same schema with the named ones under `$defs`. @throws {Error} two that differ have one name */
export function withDefinitions (schema: object): JsonObject {
  const { root, named } = takeOutNamed(schema, name => `#/$defs/${name}`)
  const { $defs } = root
  return named.size === 0 ? root : { ...root, $defs: { ...(isJsonObject($defs) ? $defs : {}), ...Object.fromEntries(named) } }
}

/** Keywords under which schemas stand; under all others there is data, which may look like one. */
const ONE = ['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties']
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems']
const MAP = ['properties', 'patternProperties', '$defs', 'dependentSchemas']

/** A copy, with each schema that stands directly in it replaced. */
function mapSubschemas (schema: JsonObject, replace: (schema: JsonObject) => JsonObject): JsonObject {
  const each = (value: unknown) => isJsonObject(value) ? replace(value) : value
  return Object.fromEntries(Object.entries(schema).map(([keyword, value]) => {
    if (ONE.includes(keyword)) return [keyword, each(value)]
    if (LIST.includes(keyword) && Array.isArray(value)) return [keyword, value.map(each)]
    if (MAP.includes(keyword) && isJsonObject(value)) return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, each(inner)]))]
    return [keyword, value]
  }))
}
