import { Type } from 'typebox'
import type { Static, TObject, TUnsafe } from 'typebox'
import { isJsonObject } from './json-object.ts'
import type { JsonObject } from './json-object.ts'

interface TaggedUnionOptions {
  /** Accept objects whose tag is none of the known ones (they stay unvalidated), for formats that grow. */
  readonly open?: boolean
  /** Its name in the API's description. */
  readonly title?: string
  /** The branch that is meant where the tag is left out. */
  readonly untagged?: string
  readonly description?: string
}

/**
 * A union of objects told apart by one string property.
 *
 * Written as a list of `if`/`then` instead of `anyOf`, so that a validation error names the field that is wrong in the
 * branch that was meant, and not every field of every other branch.
 */
export function taggedUnion<Branches extends Record<string, TObject>> (
  tag: string,
  branches: Branches,
  { open = false, untagged, title, description }: TaggedUnionOptions = {}
): TUnsafe<Static<Branches[keyof Branches]>> {
  return Type.Unsafe({
    type: 'object',
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    required: untagged === undefined ? [tag] : [],
    properties: { [tag]: open ? { type: 'string' } : { type: 'string', enum: Object.keys(branches) } },
    allOf: Object.entries(branches).map(([value, then]) => ({
      if: { properties: { [tag]: { const: value } }, required: value === untagged ? [] : [tag] },
      then
    }))
  })
}

/** What a schema that `taggedUnion` made consists of. */
export interface TaggedUnion {
  readonly tag: string
  /** Whether the tag has to be there. */
  readonly tagged: boolean
  readonly open: boolean
  /** Schemas by the tag's value. */
  readonly branches: ReadonlyMap<string, JsonObject>
}

/** The other way round; undefined where it is no such schema. */
export function taggedUnionOf ({ required, properties, allOf }: JsonObject): TaggedUnion | undefined {
  if (!Array.isArray(allOf) || !isJsonObject(properties)) return undefined
  const [tag, ...others] = Object.keys(properties)
  if (tag === undefined || others.length > 0) return undefined
  const branches = new Map<string, JsonObject>()
  for (const each of allOf) {
    const value = isJsonObject(each) ? at(each, 'if', 'properties', tag, 'const') : undefined
    const branch = isJsonObject(each) ? each['then'] : undefined
    if (typeof value !== 'string' || !isJsonObject(branch)) return undefined
    branches.set(value, branch)
  }
  return { tag, tagged: Array.isArray(required) && required.includes(tag), open: at(properties, tag, 'enum') === undefined, branches }
}

function at (value: unknown, ...path: string[]): unknown {
  return path.reduce((inner, step) => isJsonObject(inner) ? inner[step] : undefined, value)
}
