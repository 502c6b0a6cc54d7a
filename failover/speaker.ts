import { Type } from 'typebox'
import type { Static } from 'typebox'

/** The attempt whose words a stream's client gets: what has to be known of it to record it in the place of a replica that dies. */
export const Speaker = Type.Object({
  /** Of its record. */
  id: Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' }),
  target: Type.String(),
  provider: Type.String(),
  /** As the target was asked for it. */
  model: Type.String(),
  /** How many-th attempt of the request it is, from 1. */
  number: Type.Integer({ minimum: 1 }),
  /** When it began, in ms since 1970. */
  startedAt: Type.Number(),
  /** From there to its first real output, in ms. */
  firstOutputMs: Type.Union([Type.Number(), Type.Null()]),
  /** How many chunks had been sent before it spoke. */
  after: Type.Integer({ minimum: 0 })
})

/** See the schema. */
export type Speaker = Static<typeof Speaker>
