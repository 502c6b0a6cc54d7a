/**
 * The tables. Their SQL is generated from here: `npx drizzle-kit generate` after every change.
 */
import { sql } from 'drizzle-orm'
import { boolean, check, customType, index, integer, pgTable, primaryKey, text, timestamp, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import type { UsageSource } from '../breaker/attempt.ts'
import type { FailureReason, OutcomeClass } from '../breaker/outcome.ts'
import type { Cause, StateName } from '../breaker/state.ts'
import type { StoredStreamState } from '../stream-log/stream-store.ts'

const instant = (name: string) => timestamp(name, { withTimezone: true })
// now() is when the transaction began; what waited for a lock would be dated too early.
const clock = sql`clock_timestamp()`

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' })

/** The present state of each target's breaker, as all replicas share it. */
export const breaker = pgTable('breaker', {
  target: text('target').primaryKey(),
  state: text('state').$type<StateName>().notNull(),
  epoch: integer('epoch').notNull(),
  cause: text('cause').$type<Cause>(),
  status: integer('status'),
  openUntil: instant('open_until'),
  openCount: integer('open_count').notNull().default(0),
  cooldownUntil: instant('cooldown_until'),
  manualBy: text('manual_by'),
  manualReason: text('manual_reason'),
  leaseOwner: text('lease_owner'),
  leaseUntil: instant('lease_until'),
  /** The replica that wrote the present epoch. */
  writer: text('writer'),
  changedAt: instant('changed_at').notNull().default(clock)
}, table => [
  check('breaker_state', sql`${table.state} in ('closed', 'open', 'half_open', 'forced_open', 'forced_closed', 'shadow')`)
])

/** Every change of a breaker's state, for the audit log. */
export const breakerTransition = pgTable('breaker_transition', {
  target: text('target').notNull(),
  epoch: integer('epoch').notNull(),
  at: instant('at').notNull().default(clock),
  fromState: text('from_state').$type<StateName>().notNull(),
  toState: text('to_state').$type<StateName>().notNull(),
  cause: text('cause').$type<Cause>(),
  status: integer('status'),
  openMs: integer('open_ms'),
  manualBy: text('manual_by'),
  manualReason: text('manual_reason'),
  writer: text('writer').notNull()
}, table => [
  primaryKey({ columns: [table.target, table.epoch] }),
  index('breaker_transition_at').on(table.at)
])

/** Every attempt at a target. Never prompt or answer text. */
export const attempt = pgTable('attempt', {
  /** UUID version 7, made by the gateway: a batch written twice is stored once. */
  id: uuid('id').primaryKey(),
  at: instant('at').notNull().default(clock),
  requestId: text('request_id').notNull(),
  target: text('target').notNull(),
  model: text('model').notNull(),
  provider: text('provider').notNull(),
  stream: boolean('stream').notNull(),
  attemptNo: integer('attempt_no').notNull(),
  class: text('class').$type<OutcomeClass>().notNull(),
  /** Null on success. */
  reason: text('reason').$type<FailureReason>(),
  /** The upstream's HTTP status. */
  status: integer('status'),
  firstOutputMs: integer('first_output_ms'),
  durationMs: integer('duration_ms').notNull(),
  chunks: integer('chunks').notNull(),
  promptTokens: integer('prompt_tokens'),
  completionTokens: integer('completion_tokens'),
  totalTokens: integer('total_tokens'),
  usageSource: text('usage_source').$type<UsageSource>(),
  finishReason: text('finish_reason')
}, table => [
  index('attempt_at').on(table.at),
  index('attempt_target_at').on(table.target, table.at),
  index('attempt_request_id').on(table.requestId)
])

/** Where attempts are missing from the log: how many, and since when. */
export const auditGap = pgTable('audit_gap', {
  id: uuid('id').primaryKey(),
  at: instant('at').notNull().default(clock),
  lost: integer('lost').notNull(),
  since: instant('since').notNull()
})

/** Each resumable stream, until it expires. */
export const stream = pgTable('stream', {
  id: uuid('id').primaryKey(),
  /** Who may read it; null: whoever knows its id. */
  caller: text('caller'),
  /** Empty until it has begun to answer. */
  target: text('target').notNull(),
  /** What its frames are written in. Versions of the gateway that do not write it kept chat completions only. */
  dialect: text('dialect').notNull().default('chat_completions'),
  /** The caller's name for its request, under which it may ask again; and the digest of what it asked for. */
  requestKey: text('request_key'),
  requestDigest: text('request_digest'),
  /** What was asked, sealed where there is a key for it: while the stream runs, and where another replica may take it over. */
  request: bytes('request'),
  /** The replica that runs it; empty: it was handed over, and awaits another one. */
  owner: text('owner').notNull(),
  /** How often another replica took it over. */
  takeovers: integer('takeovers').notNull().default(0),
  state: text('state').$type<StoredStreamState>().notNull().default('running'),
  /** The number of its newest stored frame. */
  lastId: integer('last_id').notNull().default(0),
  begunAt: instant('begun_at').notNull().default(clock),
  /** Its replica's last sign of life. */
  beatAt: instant('beat_at').notNull().default(clock),
  /** Until then another replica wants to be told of what is new. */
  followedUntil: instant('followed_until'),
  expiresAt: instant('expires_at').notNull()
}, table => [
  index('stream_expires_at').on(table.expiresAt),
  uniqueIndex('stream_request_key').on(sql`coalesce(${table.caller}, '')`, table.requestKey),
  check('stream_state', sql`${table.state} in ('running', 'ended', 'lost', 'deleted')`)
])

/** Frames of resumable streams, several in a row, sealed where there is a key for it. */
export const streamSegment = pgTable('stream_segment', {
  streamId: uuid('stream_id').notNull().references(() => stream.id, { onDelete: 'cascade' }),
  firstId: integer('first_id').notNull(),
  lastId: integer('last_id').notNull(),
  body: bytes('body').notNull()
}, table => [
  primaryKey({ columns: [table.streamId, table.firstId] })
])
