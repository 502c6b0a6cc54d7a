import { isJsonObject } from './json-object.ts'
import type { JsonObject } from './json-object.ts'

/**
 * Schemas are written whole, one inside the other, so that types can be derived from them. Who reads them wants each only
 * once: the validator, whose code is a tenth then, and the API's description. So those that have a name, `$id` or
 * `title`, are taken out, and referred to.
 */

/** What is fit to be part of a reference; other titles are prose. */
const NAME = /^[A-Za-z][\w.-]*$/

function isName (value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value)
}

/** A schema's name: its `$id`, or else its title. */
export function nameOf ({ $id, title }: JsonObject): string | undefined {
  return isName($id) ? $id : isName(title) ? title : undefined
}

/** Takes the named schemas out of others. */
export class NamedSchemas {
  readonly #refTo: (name: string) => string
  readonly #rewrite: (schema: JsonObject) => JsonObject
  readonly #named = new Map<string, JsonObject>()
  /** What became of a schema that stands in several places. */
  readonly #seen = new Map<object, JsonObject>()

  /**
   * @param refTo the reference to a name
   * @param rewrite what is to be made of each schema before
   */
  constructor (refTo: (name: string) => string, rewrite: (schema: JsonObject) => JsonObject = same => same) {
    this.#refTo = refTo
    this.#rewrite = rewrite
  }

  /** All that were taken out so far. */
  get named (): ReadonlyMap<string, JsonObject> {
    return this.#named
  }

  /** What is left of a schema, whether it has a name or not. @throws {Error} two that differ have one name */
  contentOf (schema: JsonObject): JsonObject {
    const { $id, ...rest } = mapSubschemas(this.#rewrite(schema), inner => this.refer(inner))
    return isName(rest['$ref']) ? { ...rest, $ref: this.#refTo(rest['$ref']) } : rest
  }

  /** A reference to a schema, if it has a name; what is left of it otherwise. @throws {Error} two that differ have one name */
  refer (schema: JsonObject): JsonObject {
    const known = this.#seen.get(schema)
    if (known !== undefined) return known
    const content = this.contentOf(schema)
    const name = nameOf(schema)
    if (name !== undefined) this.#keep(name, content)
    const referred = name === undefined ? content : { $ref: this.#refTo(name) }
    this.#seen.set(schema, referred)
    return referred
  }

  #keep (name: string, content: JsonObject): void {
    const other = this.#named.get(name)
    if (other !== undefined && JSON.stringify(other) !== JSON.stringify(content)) throw new Error(`two schemas have the name ${name}`)
    this.#named.set(name, content)
  }
}

/** The same schema with the named ones under `$defs`. @throws {Error} two that differ have one name */
export function withDefinitions (schema: object): JsonObject {
  const schemas = new NamedSchemas(name => `#/$defs/${name}`)
  const root = schemas.contentOf({ ...schema })
  const { $defs } = root
  return schemas.named.size === 0 ? root : { ...root, $defs: { ...(isJsonObject($defs) ? $defs : {}), ...Object.fromEntries(schemas.named) } }
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
