/**
 * Writing and reading the audit log.
 */
import type { SQL } from 'drizzle-orm'
import type { AttemptRecord } from '../breaker/attempt.ts'
import type { OutcomeClass } from '../breaker/outcome.ts'
import type { Cause, Manual, StateName } from '../breaker/state.ts'
import type { Database } from './database.ts'
import { sql } from './drizzle.ts'

/** An attempt that waits to be written. */
export interface AttemptRow extends AttemptRecord {
  /** How long ago the attempt ended, in ms: it is dated by the database's clock. */
  readonly agoMs: number
}

/** Attempts that are missing from the log. */
export interface GapRow {
  /** Makes writing the same gap twice harmless. */
  readonly id: string
  /** How many. */
  readonly lost: number
  /** How long ago the first of them was lost, in ms. */
  readonly sinceMs: number
}

/** What to list; everything that is left out matches. `class` and `requestId` leave only attempts. */
export interface AuditFilter {
  readonly target?: string | undefined
  readonly kind?: 'attempt' | 'transition' | undefined
  readonly class?: OutcomeClass | undefined
  readonly requestId?: string | undefined
  /** Inclusive. */
  readonly since?: Date | undefined
  /** Exclusive. */
  readonly until?: Date | undefined
}

/** An attempt as it was logged. `at` is ISO 8601 in UTC with microseconds. */
export interface AuditAttempt extends AttemptRecord {
  readonly kind: 'attempt'
  readonly at: string
}

/** A breaker's transition as it was logged. `at` is ISO 8601 in UTC with microseconds. */
export interface AuditTransition {
  readonly kind: 'transition'
  readonly at: string
  readonly target: string
  readonly epoch: number
  readonly from: StateName
  readonly to: StateName
  readonly cause: Cause | null
  readonly status: number | null
  readonly openForMs: number | null
  readonly manual: Manual | null
  /** The replica that made it. */
  readonly writer: string
}

/** One line of the audit log. */
export type AuditEntry = AuditAttempt | AuditTransition

/** A page, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Hand it in to get the next page; null on the last. */
  readonly nextCursor: string | null
}

/** A cursor that this gateway did not make. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError'

  constructor () {
    super('the cursor is not one that a previous page returned')
  }
}

/** Longer names are cut: they come from callers and providers, and must not fill the disk. */
const MAX_TEXT = 256
const MAX_INTEGER = 2 ** 31 - 1

/** Writes attempts in one statement; rows whose id is already there are skipped. Rejects with the driver's error. */
export async function insertAttempts (database: Database, rows: readonly AttemptRow[]): Promise<void> {
  if (rows.length === 0) return
  // One JSON parameter instead of 19 per row: it means the same to both drivers, and one statement text serves any length.
  await database.execute(sql`
    insert into attempt (id, at, request_id, target, model, provider, stream, attempt_no, class, reason, status,
      first_output_ms, duration_ms, chunks, prompt_tokens, completion_tokens, total_tokens, usage_source, finish_reason)
    select id, clock_timestamp() - "agoMs" * interval '1 millisecond', "requestId", target, model, provider, stream, "attemptNo",
      class, reason, status, "firstOutputMs", "durationMs", chunks, "promptTokens", "completionTokens", "totalTokens",
      "usageSource", "finishReason"
    from jsonb_to_recordset(${JSON.stringify(rows.map(storable))}::text::jsonb) as row (
      id uuid, "agoMs" float8, "requestId" text, target text, model text, provider text, stream boolean, "attemptNo" int,
      class text, reason text, status int, "firstOutputMs" int, "durationMs" int, chunks int, "promptTokens" int,
      "completionTokens" int, "totalTokens" int, "usageSource" text, "finishReason" text)
    on conflict (id) do nothing`)
}

/** Notes that attempts are missing from the log; a gap whose id is already there is skipped. Rejects with the driver's error. */
export async function insertGap (database: Database, { id, lost, sinceMs }: GapRow): Promise<void> {
  await database.execute(sql`
    insert into audit_gap (id, lost, since)
    values (${id}::uuid, ${Math.min(lost, MAX_INTEGER)}::int, clock_timestamp() - ${sinceMs}::float8 * interval '1 millisecond')
    on conflict (id) do nothing`)
}

// As text with microseconds: a JavaScript Date would cut them off, and the cursor needs them.
const ISO_AT = sql`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`

/** Where a page ended: the sort key of its last entry. */
interface Position {
  readonly at: string
  readonly kind: AuditEntry['kind']
  readonly key: string
}

interface ListedRow {
  readonly key: string
  readonly entry: AuditEntry
}

/**
 * Attempts and transitions merged, newest first. Paged by key, so that rows which arrive meanwhile shift nothing.
 * @param cursor `nextCursor` of the page before; undefined for the first.
 * @throws InvalidCursorError
 */
export async function listAudit (database: Database, filter: AuditFilter, cursor: string | undefined, limit: number): Promise<AuditPage> {
  const after = cursor === undefined ? undefined : decodeCursor(cursor)
  const attempts = sql`
    select at, 'attempt' as kind, id::text as key, jsonb_build_object(
      'kind', 'attempt', 'at', ${ISO_AT}, 'id', id, 'requestId', request_id, 'target', target, 'model', model, 'provider', provider, 'stream', stream,
      'attemptNo', attempt_no, 'class', class, 'reason', reason, 'status', status, 'firstOutputMs', first_output_ms,
      'durationMs', duration_ms, 'chunks', chunks, 'promptTokens', prompt_tokens, 'completionTokens', completion_tokens,
      'totalTokens', total_tokens, 'usageSource', usage_source, 'finishReason', finish_reason) as entry
    from attempt`
  const transitions = sql`
    select at, 'transition' as kind, target || ' ' || lpad(epoch::text, 10, '0') as key, jsonb_build_object(
      'kind', 'transition', 'at', ${ISO_AT}, 'target', target, 'epoch', epoch, 'from', from_state, 'to', to_state, 'cause', cause, 'status', status,
      'openForMs', open_ms, 'writer', writer, 'manual', case when manual_by is not null then
        jsonb_build_object('by', manual_by, 'reason', manual_reason) end) as entry
    from breaker_transition`
  const onlyAttempts = filter.kind === 'attempt' || filter.class !== undefined || filter.requestId !== undefined
  const sources = [
    ...filter.kind === 'transition' ? [] : [newest(attempts, [...common(filter), ...ofAttempts(filter)], after, limit)],
    ...onlyAttempts ? [] : [newest(transitions, common(filter), after, limit)]
  ]
  // Transitions of a given class: there is no such thing.
  if (sources.length === 0 || (filter.kind === 'transition' && onlyAttempts)) return { entries: [], nextCursor: null }
  const rows = await database.execute<ListedRow>(sql`
    select key, entry
    from (${sql.join(sources, sql` union all `)}) as merged
    order by at desc, kind desc, key desc limit ${limit + 1}::int`)
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    entries: page.map(row => row.entry),
    nextCursor: rows.length > limit && last !== undefined
      ? encodeCursor({ at: last.entry.at, kind: last.entry.kind, key: last.key })
      : null
  }
}

function newest (select: SQL, conditions: readonly SQL[], after: Position | undefined, limit: number): SQL {
  const where = conditions.length === 0 ? sql`` : sql` where ${sql.join([...conditions], sql` and `)}`
  // `at <=` again beside the comparison of keys, as it is what the index can follow.
  const from = after === undefined
    ? sql``
    : sql` where at <= ${after.at}::timestamptz and (at, kind, key) < (${after.at}::timestamptz, ${after.kind}::text, ${after.key}::text)`
  return sql`(select * from (${select}${where}) as source${from} order by at desc, kind desc, key desc limit ${limit + 1}::int)`
}

function common (filter: AuditFilter): SQL[] {
  return [
    ...filter.target === undefined ? [] : [sql`target = ${filter.target}::text`],
    ...filter.since === undefined ? [] : [sql`at >= ${filter.since.toISOString()}::timestamptz`],
    ...filter.until === undefined ? [] : [sql`at < ${filter.until.toISOString()}::timestamptz`]
  ]
}

function ofAttempts (filter: AuditFilter): SQL[] {
  return [
    ...filter.class === undefined ? [] : [sql`class = ${filter.class}::text`],
    ...filter.requestId === undefined ? [] : [sql`request_id = ${filter.requestId}::text`]
  ]
}

function encodeCursor ({ at, kind, key }: Position): string {
  return Buffer.from(JSON.stringify([at, kind, key])).toString('base64url')
}

function decodeCursor (cursor: string): Position {
  let parts: unknown
  try {
    parts = JSON.parse(Buffer.from(cursor, 'base64url').toString())
  } catch {
    throw new InvalidCursorError()
  }
  if (!Array.isArray(parts) || parts.length !== 3) throw new InvalidCursorError()
  const [at, kind, key]: unknown[] = parts
  const isTime = typeof at === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(at) && !Number.isNaN(Date.parse(at))
  if (!isTime || (kind !== 'attempt' && kind !== 'transition') || typeof key !== 'string' || key.includes('\0')) throw new InvalidCursorError()
  return { at, kind, key }
}

/** A row that PostgreSQL is sure to take: one strange value would reject the batch that it is in, again and again. */
function storable (row: AttemptRow): AttemptRow {
  return {
    id: row.id,
    agoMs: integer(row.agoMs),
    requestId: text(row.requestId),
    target: text(row.target),
    model: text(row.model),
    provider: text(row.provider),
    stream: row.stream,
    attemptNo: integer(row.attemptNo),
    class: row.class,
    reason: row.reason,
    status: count(row.status),
    firstOutputMs: count(row.firstOutputMs),
    durationMs: integer(row.durationMs),
    chunks: integer(row.chunks),
    promptTokens: count(row.promptTokens),
    completionTokens: count(row.completionTokens),
    totalTokens: count(row.totalTokens),
    usageSource: row.usageSource,
    finishReason: row.finishReason === null ? null : text(row.finishReason)
  }
}

function text (value: string): string {
  const short = value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value
  return (short.includes('\0') ? short.replaceAll('\0', '') : short).toWellFormed()
}

function integer (value: number): number {
  return Number.isFinite(value) ? Math.min(Math.max(0, Math.round(value)), MAX_INTEGER) : 0
}

function count (value: number | null): number | null {
  return value === null ? null : integer(value)
}
