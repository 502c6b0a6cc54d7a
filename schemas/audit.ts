import { Type } from 'typebox'
import type { Static } from 'typebox'

/** Query and body of `GET /v1/audit`. */

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
/** PostgreSQL takes no NUL. */
const Text = Type.String({ pattern: '^[^\\u0000]*$' })
const Time = Type.String({ format: 'date-time', description: 'ISO 8601.' })

export const AuditQuery = Type.Object({
  target: Type.Optional(Text),
  kind: Type.Optional(Type.Enum(['attempt', 'transition'])),
  class: Type.Optional(Type.Enum(['success', 'failure', 'cooldown', 'misconfigured', 'neutral'])),
  request_id: Type.Optional(Text),
  since: Type.Optional(Time),
  until: Type.Optional(Time),
  cursor: Type.Optional(Type.String({ description: '`next_cursor` of the page before.' })),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 })
}, { additionalProperties: false })
export type AuditQuery = Static<typeof AuditQuery>

/** One attempt at one target. */
export const AuditAttempt = Type.Object({
  kind: Type.Literal('attempt'),
  id: Type.String(),
  at: Type.String(),
  request_id: Type.String(),
  target: Type.String(),
  provider: Type.String(),
  model: Type.String(),
  stream: Type.Boolean(),
  attempt: Type.Integer({ description: '1 for the first target tried.' }),
  class: Type.String(),
  reason: Nullable(Type.String()),
  status: Nullable(Type.Integer({ description: 'The upstream\'s HTTP status.' })),
  first_output_ms: Nullable(Type.Integer()),
  duration_ms: Type.Integer(),
  chunks: Type.Integer(),
  prompt_tokens: Nullable(Type.Integer({ description: 'Null, with the others, where the provider never took the request on.' })),
  completion_tokens: Nullable(Type.Integer()),
  total_tokens: Nullable(Type.Integer()),
  usage_source: Nullable(Type.Enum(['reported', 'estimated', 'partial'], {
    description: 'Who counted: the provider, a whole answer (`reported`) or one that was broken off (`partial`); or, at least in part, the gateway (`estimated`).'
  })),
  finish_reason: Nullable(Type.String())
})
export type AuditAttempt = Static<typeof AuditAttempt>

/** One change of a breaker's state. */
export const AuditTransition = Type.Object({
  kind: Type.Literal('transition'),
  at: Type.String(),
  target: Type.String(),
  epoch: Type.Integer(),
  from: Type.String(),
  to: Type.String(),
  cause: Nullable(Type.String()),
  status: Nullable(Type.Integer()),
  open_for_ms: Nullable(Type.Number()),
  manual: Nullable(Type.Object({ by: Type.String(), reason: Type.String() })),
  writer: Type.String({ description: 'The replica that made it.' })
})
export type AuditTransition = Static<typeof AuditTransition>

export const AuditPage = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Union([AuditAttempt, AuditTransition])),
  next_cursor: Nullable(Type.String())
})
export type AuditPage = Static<typeof AuditPage>
