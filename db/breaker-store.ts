/**
 * Breaker states in PostgreSQL (or PGlite). Each change is one statement: the comparison of epochs, the new state, the
 * audit row and the notification happen together or not at all, without a lock that outlives the statement.
 */
import type { SQL } from 'drizzle-orm'
import type { Cause, StateName } from '../breaker/state.ts'
import { heldBy, neverStored } from '../breaker/store.ts'
import type {
  BreakerStore, CooldownWrite, ProbeClaim, ProbeRelease, StoredBreaker, StoreWatcher, TransitionWrite
} from '../breaker/store.ts'
import type { Database } from './database.ts'
import { sql } from './drizzle.ts'

/** The channel that each transition, and each lease that is given back, is announced on; the payload is the target's name. */
export const BREAKER_CHANNEL = 'breaker'

interface Row {
  target: string
  state: StateName
  epoch: number
  cause: Cause | null
  status: number | null
  open_for_ms: number | null
  open_count: number
  cooldown_for_ms: number | null
  lease_owner: string | null
  lease_for_ms: number | null
  manual_by: string | null
  manual_reason: string | null
  writer: string | null
  timeline: number
}

/**
 * The timeline of whoever answers: the first eight digits of its WAL's file name. A standby, which has none of its own, has
 * the one of its last checkpoint.
 */
const TIMELINE = sql`
  case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
    else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int end`

// Times leave the database as what remains of them, by its own clock.
const COLUMNS = sql`
  target, state, epoch, cause, status, open_count, manual_by, manual_reason, writer, lease_owner,
  ${TIMELINE} as timeline,
  ${msUntil('open_until')} as open_for_ms,
  ${msUntil('cooldown_until')} as cooldown_for_ms,
  ${msUntil('lease_until')} as lease_for_ms`

// In the final SELECT, once per changed row, so that it runs in the same statement and only if something changed.
const NOTIFY = sql`pg_notify(${sql.raw(`'${BREAKER_CHANNEL}'`)}, target)`

/** The fleet's breaker store. */
export class PostgresBreakerStore implements BreakerStore {
  readonly #database: Database

  constructor (database: Database) {
    this.#database = database
  }

  async load (): Promise<StoredBreaker[]> {
    const rows = await this.#database.execute<Row>(sql`select ${COLUMNS} from breaker`)
    return rows.map(fromRow)
  }

  async transition (change: TransitionWrite): Promise<{ applied: boolean, stored: StoredBreaker }> {
    const { manual, lease } = change
    const cooldown = manual?.action === 'reset' ? sql`null` : sql`breaker.cooldown_until`
    // A reset is over once it is made: it is on record, and nothing holds the breaker by hand any more.
    const held = heldBy(manual)
    const [row] = await this.#database.execute<Row>(sql`
      with changed as (
        insert into breaker (target, state, epoch, cause, status, open_until, open_count, manual_by, manual_reason,
          lease_owner, lease_until, writer, changed_at)
        values (${change.target}::text, ${change.to}::text, ${change.epoch}::int, ${change.cause}::text, ${change.status}::int,
          ${inMs(change.openForMs)}, ${change.openCount}::int, ${held?.by ?? null}::text, ${held?.reason ?? null}::text,
          ${lease?.owner ?? null}::text, ${inMs(lease?.forMs ?? null)}, ${change.writer}::text, clock_timestamp())
        on conflict (target) do update set
          state = excluded.state, epoch = excluded.epoch, cause = excluded.cause, status = excluded.status,
          open_until = excluded.open_until, open_count = excluded.open_count, cooldown_until = ${cooldown},
          manual_by = excluded.manual_by, manual_reason = excluded.manual_reason,
          lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
          writer = excluded.writer, changed_at = excluded.changed_at
        where breaker.epoch = ${change.fromEpoch}::int
        returning *
      ), logged as (
        insert into breaker_transition (target, epoch, from_state, to_state, cause, status, open_ms, manual_by, manual_reason, writer)
        select target, epoch, ${change.from}::text, state, cause, status, ${wholeMs(change.openForMs)}::int, ${manual?.by ?? null}::text,
          ${manual?.reason ?? null}::text, writer
        from changed
        on conflict do nothing
      )
      select ${COLUMNS}, ${NOTIFY} from changed`)
    return row === undefined
      ? { applied: false, stored: await this.#read(change.target) }
      : { applied: true, stored: fromRow(row) }
  }

  async claimProbe (claim: ProbeClaim): Promise<{ won: boolean, stored: StoredBreaker }> {
    const [row] = await this.#database.execute<Row>(sql`
      with claimed as (
        update breaker set
          state = 'half_open',
          epoch = case when state = 'open' then epoch + 1 else epoch end,
          open_until = null,
          lease_owner = ${claim.owner}::text,
          lease_until = ${inMs(claim.leaseMs)},
          writer = ${claim.writer}::text,
          changed_at = clock_timestamp()
        where target = ${claim.target}::text and epoch = ${claim.epoch}::int
          and (cooldown_until is null or cooldown_until <= clock_timestamp())
          and ((state = 'open' and (open_until is null or open_until <= clock_timestamp()))
            or (state = 'half_open' and (lease_until is null or lease_until <= clock_timestamp())))
        returning *
      ), logged as (
        insert into breaker_transition (target, epoch, from_state, to_state, cause, status, writer)
        select target, epoch, 'open', state, cause, status, writer from claimed where epoch > ${claim.epoch}::int
        on conflict do nothing
      )
      select ${COLUMNS}, ${NOTIFY} from claimed`)
    return row === undefined
      ? { won: false, stored: await this.#read(claim.target) }
      : { won: true, stored: fromRow(row) }
  }

  async releaseProbe (release: ProbeRelease): Promise<void> {
    await this.#database.execute(sql`
      with released as (
        update breaker set lease_owner = null, lease_until = null
        where target = ${release.target}::text and epoch = ${release.epoch}::int and lease_owner = ${release.owner}::text
        returning target
      )
      select ${NOTIFY} from released`)
  }

  async setCooldown (cooldown: CooldownWrite): Promise<void> {
    await this.#database.execute(sql`
      insert into breaker (target, state, epoch, cause, status, cooldown_until)
      values (${cooldown.target}::text, 'closed', 0, ${cooldown.cause}::text, ${cooldown.status}::int, ${inMs(cooldown.forMs)})
      on conflict (target) do update set
        cooldown_until = excluded.cooldown_until,
        cause = case when breaker.state = 'closed' then excluded.cause else breaker.cause end,
        status = case when breaker.state = 'closed' then excluded.status else breaker.status end
      where breaker.cooldown_until is null or breaker.cooldown_until < excluded.cooldown_until`)
  }

  watch (watcher: StoreWatcher): () => Promise<void> {
    const stop = this.#database.listen?.(BREAKER_CHANNEL, { onNotification: target => watcher.changed(target), onListening: () => watcher.resync() })
    return stop ?? (async () => {})
  }

  /** A statement of its own: the one that lost the comparison would still see the state from before the winner's. */
  async #read (target: string): Promise<StoredBreaker> {
    const [row] = await this.#database.execute<Row>(sql`select ${COLUMNS} from breaker where target = ${target}::text`)
    return row === undefined ? neverStored(target) : fromRow(row)
  }
}

function msUntil (column: 'open_until' | 'cooldown_until' | 'lease_until'): SQL {
  return sql`greatest(0, extract(epoch from ${sql.identifier(column)} - clock_timestamp()) * 1000)::float8`
}

function inMs (ms: number | null): SQL {
  // A product with null is null.
  return sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`
}

function wholeMs (ms: number | null): number | null {
  return ms === null ? null : Math.round(ms)
}

function fromRow (row: Row): StoredBreaker {
  const { lease_owner: owner, lease_for_ms: leaseForMs, manual_by: by, manual_reason: reason } = row
  return {
    target: row.target,
    state: row.state,
    epoch: row.epoch,
    cause: row.cause,
    status: row.status,
    openForMs: row.state === 'open' ? row.open_for_ms ?? 0 : null,
    openCount: row.open_count,
    cooldownForMs: row.cooldown_for_ms === null || row.cooldown_for_ms === 0 ? null : row.cooldown_for_ms,
    lease: owner === null ? null : { owner, forMs: leaseForMs ?? 0 },
    manual: by === null ? null : { by, reason: reason ?? '' },
    writer: row.writer,
    timeline: row.timeline
  }
}
