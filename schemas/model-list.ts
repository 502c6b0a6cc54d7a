import { Type } from 'typebox'
import type { Static } from 'typebox'

/**
 * The body of `GET /v1/models`.
 * @see https://platform.openai.com/docs/api-reference/models/list
 */
export const ModelList = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Object({
    id: Type.String(),
    object: Type.Literal('model'),
    created: Type.Integer({ description: 'Unix time in seconds.' }),
    owned_by: Type.String()
  }))
})
export type ModelList = Static<typeof ModelList>
