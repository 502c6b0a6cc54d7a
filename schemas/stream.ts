import { Type } from 'typebox'
import type { Static } from 'typebox'

/** The path of `/v1/streams/{id}`. */
export const StreamParams = Type.Object({ id: Type.String({ description: '`x-gateway-stream-id` of the answer.' }) })
export type StreamParams = Static<typeof StreamParams>

/** Where to go on. */
export const StreamHeaders = Type.Object({
  'last-event-id': Type.Optional(Type.String({ pattern: '^\\d{1,9}$', description: 'The `id` of the last frame received; without it, from the start.' }))
})
export type StreamHeaders = Static<typeof StreamHeaders>

/** The answer to DELETE. */
export const StreamDeleted = Type.Object({ id: Type.String(), object: Type.Literal('stream'), deleted: Type.Literal(true) })
export type StreamDeleted = Static<typeof StreamDeleted>
