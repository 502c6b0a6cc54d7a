import { Type } from 'typebox'
import type { Static } from 'typebox'

/** Bodies of `/v1/targets`. */

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const BreakerStateName = Type.Union([
  Type.Literal('closed'),
  Type.Literal('open'),
  Type.Literal('half_open'),
  Type.Literal('forced_open'),
  Type.Literal('forced_closed'),
  Type.Literal('shadow')
])

/** A target, with its breaker. Times are ms from now. */
export const Target = Type.Object({
  name: Type.String(),
  provider: Type.String(),
  model: Type.String(),
  breaker: Type.Object({
    state: BreakerStateName,
    epoch: Type.Integer({ description: 'Grows by one with each transition.' }),
    cause: Nullable(Type.String({ description: 'Why it is in this state; null when all is well.' })),
    status: Nullable(Type.Integer({ description: 'The upstream\'s HTTP status behind the cause.' })),
    open_for_ms: Nullable(Type.Number({ description: 'How long it stays open.' })),
    cooldown_for_ms: Nullable(Type.Number({ description: 'How long the target\'s rate limit lasts.' })),
    attempts: Type.Integer({ description: 'Attempts in the last 30 s.' }),
    failures: Type.Integer({ description: 'Failures among them.' }),
    consecutive_failures: Type.Integer(),
    open_count: Type.Integer({ description: 'Openings since it was last closed.' }),
    manual: Nullable(Type.Object({ by: Type.String(), reason: Type.String() }))
  })
}, { $id: 'Target' })
export type Target = Static<typeof Target>

export const TargetList = Type.Object({ object: Type.Literal('list'), data: Type.Array(Target) })
export type TargetList = Static<typeof TargetList>

/** A manual change of a breaker. The reason is stored: PostgreSQL takes no NUL. */
export const BreakerAction = Type.Object({
  action: Type.Enum(['force_open', 'force_closed', 'shadow', 'reset']),
  reason: Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' })
}, { $id: 'BreakerAction', additionalProperties: false })
export type BreakerAction = Static<typeof BreakerAction>

export const TargetParams = Type.Object({ name: Type.String() })
