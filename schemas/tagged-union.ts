import { Type } from 'typebox'
import type { Static, TObject, TUnsafe } from 'typebox'

interface TaggedUnionOptions {
  /** Accept objects whose tag is none of the known ones (they stay unvalidated), for formats that grow. */
  readonly open?: boolean
  /** Its name in the API's description. */
  readonly title?: string
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
  { open = false, title, description }: TaggedUnionOptions = {}
): TUnsafe<Static<Branches[keyof Branches]>> {
  return Type.Unsafe({
    type: 'object',
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    required: [tag],
    properties: { [tag]: open ? { type: 'string' } : { type: 'string', enum: Object.keys(branches) } },
    allOf: Object.entries(branches).map(([value, then]) => ({
      if: { properties: { [tag]: { const: value } }, required: [tag] },
      then
    }))
  })
}
