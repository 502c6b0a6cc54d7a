import { UpstreamError } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { JsonSchema } from '../../schemas/tools.ts'
import { SchemaReferences } from './schema-references.ts'
import { unsupported } from './unsupported.ts'

/**
 * What Gemini takes of JSON Schema: the keywords below. It ignores all others, and refuses other things beside `$ref`.
 *
 * Without a change of meaning, `const` becomes `enum`, a `$ref` among others goes into an `anyOf` of its own, and
 * `definitions` become `$defs`. Keywords that only describe go as they are. Keywords that constrain, and would be
 * ignored, are refused where the caller relies on the schema (`strict`); otherwise they are passed on, as hints.
 * @see https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
 */
const KNOWN: ReadonlySet<string> = new Set([
  '$id', '$defs', '$ref', '$anchor', 'type', 'format', 'title', 'description', 'enum', 'items', 'prefixItems', 'minItems', 'maxItems',
  'minimum', 'maximum', 'anyOf', 'oneOf', 'properties', 'additionalProperties', 'required', 'propertyOrdering'
])

/** Keywords that constrain nothing. @see https://json-schema.org/draft/2020-12/json-schema-validation#section-9 */
const DESCRIPTIVE: ReadonlySet<string> = new Set([
  '$schema', '$comment', '$vocabulary', 'default', 'deprecated', 'example', 'examples', 'readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType'
])

/** Deeper ones are nobody's; they would break what walks over them. */
const MAX_DEPTH = 64

/** What is done with a schema. */
export interface SchemaUse {
  /** The caller relies on its being followed to the letter. */
  readonly strict: boolean
  /** It is of the answer: for that, and not for tools, the limits of `$ref` are documented. */
  readonly answer: boolean
}

/**
 * Translates a schema.
 * @param path where it stands in the request
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the path of what is not taken
 */
export function geminiSchema (schema: JsonSchema, path: string, { strict, answer }: SchemaUse): JsonSchema {
  const walk = new Walk(schema, strict)
  const translated = walk.schema(schema, path, { depth: 0, at: '#', optional: false })
  if (answer) walk.references.check()
  return translated
}

/** Where the walk is. */
interface Place {
  readonly depth: number
  /** The definition that it is in; `#` outside of any. */
  readonly at: string
  /** An optional property has been passed since that began. */
  readonly optional: boolean
}

class Walk {
  readonly references: SchemaReferences
  readonly #strict: boolean

  constructor (root: JsonSchema, strict: boolean) {
    this.references = new SchemaReferences(root)
    this.#strict = strict
  }

  schema (schema: JsonObject, path: string, place: Place): JsonSchema {
    if (place.depth > MAX_DEPTH) throw unsupported(path, `it takes schemas of ${MAX_DEPTH} levels`)
    const required = new Set<unknown>(Array.isArray(schema['required']) ? schema['required'] : [])
    const translated: JsonSchema = {}
    const below = { ...place, depth: place.depth + 1 }
    for (const [keyword, value] of Object.entries(schema)) {
      const here = `${path}.${keyword}`
      switch (keyword) {
        case '$ref':
          translated[keyword] = this.references.note(value, here, place)
          break
        case '$defs':
          translated[keyword] = { ...definitionsIn(translated), ...this.#definitions(value, here, place) }
          break
        case 'definitions':
          translated[place.depth === 0 ? '$defs' : keyword] = { ...definitionsIn(translated), ...this.#definitions(value, here, place) }
          break
        case 'properties':
          translated[keyword] = this.#named(value, here, name => ({ ...below, optional: place.optional || !required.has(name) }))
          break
        case 'items':
        case 'additionalProperties':
          // A schema may also be true or false, of which these two keywords take both.
          translated[keyword] = typeof value === 'boolean' ? value : this.#one(value, here, below)
          break
        case 'anyOf':
        case 'oneOf':
        case 'prefixItems':
          translated[keyword] = this.#list(value, here, below)
          break
        case 'allOf':
          // Of one, it is that one.
          if (Array.isArray(value) && value.length === 1 && !('anyOf' in schema)) translated['anyOf'] = this.#list(value, here, below)
          else translated[keyword] = this.#ignored(value, here)
          break
        case 'const':
          if ((typeof value === 'string' || typeof value === 'number') && !('enum' in schema)) Object.assign(translated, { type: schema['type'] ?? typeof value, enum: [value] })
          else translated[keyword] = this.#ignored(value, here)
          break
        case 'enum':
          translated[keyword] = Array.isArray(value) && value.every(item => typeof item === 'string' || typeof item === 'number') ? value : this.#ignored(value, here)
          break
        default:
          translated[keyword] = KNOWN.has(keyword) || DESCRIPTIVE.has(keyword) || keyword.startsWith('x-') ? value : this.#ignored(value, here)
      }
    }
    return this.#apart(translated, path)
  }

  #definitions (value: unknown, path: string, { depth, at }: Place): Record<string, JsonSchema> {
    return this.#named(value, path, name => ({ depth: depth + 1, at: depth === 0 ? `#/$defs/${name}` : at, optional: false }))
  }

  /** Nothing but `$…` may stand beside a `$ref`. */
  #apart (schema: JsonSchema, path: string): JsonSchema {
    const { $ref, ...rest } = schema
    if ($ref === undefined || Object.keys(rest).every(keyword => keyword.startsWith('$'))) return schema
    if ('anyOf' in rest) throw unsupported(`${path}.$ref`, 'it takes no $ref beside anyOf')
    return { ...rest, anyOf: [{ $ref }] }
  }

  #one (value: unknown, path: string, place: Place): JsonSchema {
    if (value === true) return {}
    if (!isJsonObject(value)) throw new UpstreamError('invalid_request', `${path} is no JSON Schema that the provider takes.`, { param: path })
    return this.schema(value, path, place)
  }

  #list (value: unknown, path: string, place: Place): JsonSchema[] {
    if (!Array.isArray(value)) throw new UpstreamError('invalid_request', `${path} is no list of schemas.`, { param: path })
    return value.map((item: unknown, i) => this.#one(item, `${path}[${i}]`, place))
  }

  #named (value: unknown, path: string, placeOf: (name: string) => Place): Record<string, JsonSchema> {
    if (!isJsonObject(value)) throw new UpstreamError('invalid_request', `${path} is no object of schemas.`, { param: path })
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#one(item, `${path}.${name}`, placeOf(name))]))
  }

  #ignored (value: unknown, path: string): unknown {
    if (this.#strict) throw unsupported(path, 'it would not hold the answer to it, which strict asks for')
    return value
  }
}

function definitionsIn ({ $defs }: JsonSchema): JsonObject {
  return isJsonObject($defs) ? $defs : {}
}
