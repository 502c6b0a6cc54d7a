import { Type } from 'typebox'
import type { Static } from 'typebox'

/** The body of `GET /healthz`. */
export const Health = Type.Object({ status: Type.Literal('ok') })
export type Health = Static<typeof Health>

/** The body of `GET /readyz`; with 503 unless ready. */
export const Readiness = Type.Object({
  status: Type.Union([Type.Literal('ready'), Type.Literal('draining'), Type.Literal('no_target')]),
  targets: Type.Object({ total: Type.Integer(), available: Type.Integer() }),
  database: Type.Union([Type.Literal('ok'), Type.Literal('unavailable')], {
    description: 'Whether breaker states are shared, and attempts written down, right now. Requests are answered without it too.'
  })
})
export type Readiness = Static<typeof Readiness>
