import { UpstreamError } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { unsupported } from './unsupported.ts'

/** Draft-07 called `$defs` so. */
const OLD_DEFINITIONS = '#/definitions/'

/** How many definitions may lead from one to the next. */
const MAX_CHAIN = 256

/** A `$ref` that no optional property leads to. */
interface Reference {
  readonly to: string
  /** In the request. */
  readonly path: string
}

/**
 * The `$ref`s of a schema. Gemini unrolls those that lead back to themselves, and so takes them only where a property
 * on the way need not be there.
 * @see https://ai.google.dev/api/generate-content#FIELDS.response_json_schema
 */
export class SchemaReferences {
  readonly #root: JsonObject
  /** By the definition that they stand in. */
  readonly #required = new Map<string, Reference[]>()

  constructor (root: JsonObject) {
    this.#root = root
  }

  /**
   * Takes down a reference; gives it as Gemini has it.
   * @param path where it stands in the request
   * @throws {UpstreamError} `invalid_request` or `unsupported`: it leads nowhere, or out of the schema
   */
  note (ref: unknown, path: string, { at, optional }: { readonly at: string, readonly optional: boolean }): string {
    if (typeof ref !== 'string') throw new UpstreamError('invalid_request', `${path} is no text.`, { param: path })
    if (!ref.startsWith('#')) throw unsupported(path, 'a reference must stay within its schema')
    if (!this.#leads(ref)) throw new UpstreamError('invalid_request', `${path} leads to nothing.`, { param: path })
    const to = ref.startsWith(OLD_DEFINITIONS) ? `#/$defs/${ref.slice(OLD_DEFINITIONS.length)}` : ref
    if (optional) return to
    const references = this.#required.get(at)
    if (references === undefined) this.#required.set(at, [{ to, path }])
    else references.push({ to, path })
    return to
  }

  /** @throws {UpstreamError} `unsupported`: a reference leads back to itself by nothing but what must be there */
  check (): void {
    /** True while its own references are followed. */
    const open = new Map<string, boolean>()
    const follow = (from: string, length: number): void => {
      open.set(from, true)
      for (const { to, path } of this.#required.get(from) ?? []) {
        const state = open.get(to)
        if (state === true) throw unsupported(path, 'a schema can contain itself only by a property that is not required')
        if (length > MAX_CHAIN) throw unsupported(path, `it takes chains of ${MAX_CHAIN} references`)
        if (state === undefined) follow(to, length + 1)
      }
      open.set(from, false)
    }
    for (const from of this.#required.keys()) if (!open.has(from)) follow(from, 1)
  }

  /** Whether there is something at a JSON pointer, or an anchor that may be anywhere. @see https://www.rfc-editor.org/rfc/rfc6901 */
  #leads (ref: string): boolean {
    if (!ref.startsWith('#/')) return true
    let value: unknown = this.#root
    for (const token of decoded(ref).slice(2).split('/')) {
      const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
      if (Array.isArray(value)) value = value[Number(name)]
      else if (isJsonObject(value) && Object.hasOwn(value, name)) value = value[name]
      else return false
    }
    return value !== undefined
  }
}

/** A pointer within a URI may hold escapes of its own. */
function decoded (ref: string): string {
  try {
    return decodeURIComponent(ref)
  } catch {
    return ref
  }
}
