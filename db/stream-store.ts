/**
 * Frames of resumable streams in PostgreSQL (or PGlite). A replica's write, the check that the stream is still its own, and
 * the notification are one statement, so that a replica that was taken for dead writes nothing any more.
 */
import type { Segment } from '../stream-log/frame-log.ts'
import type {
  Ownership, RequestClaim, StoredStream, StoredStreamState, StreamStore, StreamWrite, TakenStream, Takeover
} from '../stream-log/stream-store.ts'
import type { Database } from './database.ts'
import { sql } from './drizzle.ts'
import type { FrameCipher } from './frame-cipher.ts'

/** The channel on which streams that are read elsewhere are announced when there is more of them; the payload is the id. */
const STREAM_CHANNEL = 'stream'

/** How many segments are read at once. */
const PAGE = 64
/** Each try means that somebody else was in between. */
const CLAIM_TRIES = 5
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i

interface OwnRow {
  id: string
  alive: boolean
  deleted: boolean
  followed: boolean
}

interface StreamRow {
  caller: string | null
  target: string
  dialect: string
  state: StoredStreamState
  last_id: number
  beat: string
  handed_over: boolean
  segments: ReadonlyArray<{ firstId: number, lastId: number, body: string }>
}

interface TakenRow {
  caller: string | null
  target: string
  dialect: string
  request: string
  last_id: number
  age_ms: number
  handed_over: boolean
}

/** The fleet's stream log. A stream without an owner was handed over. */
export class PostgresStreamStore implements StreamStore {
  readonly #database: Database
  readonly #cipher: FrameCipher

  constructor (database: Database, cipher: FrameCipher) {
    this.#database = database
    this.#cipher = cipher
  }

  async claim (owner: string, { id, caller, dialect, key, digest }: RequestClaim, ttlMs: number): Promise<{ id: string, digest: string }> {
    const ofTheSameName = sql`coalesce(caller, '') = coalesce(${caller}::text, '') and request_key = ${key}::text`
    // Whoever holds the name may lose it between two statements; then it is free.
    for (let tries = 1; tries <= CLAIM_TRIES; tries++) {
      const [won] = await this.#database.execute(sql`
        insert into stream (id, caller, target, dialect, owner, request_key, request_digest, expires_at)
        values (${id}::uuid, ${caller}::text, '', ${dialect}::text, ${owner}::text, ${key}::text, ${digest}::text, ${inMs(ttlMs)})
        on conflict (coalesce(caller, ''), request_key) do nothing
        returning id`)
      if (won !== undefined) return { id, digest }
      const [other] = await this.#database.execute<{ id: string, digest: string, expired: boolean }>(sql`
        select id, request_digest as digest, expires_at <= clock_timestamp() as expired from stream where ${ofTheSameName}`)
      if (other !== undefined && !other.expired) return other
      await this.#database.execute(sql`delete from stream where ${ofTheSameName} and expires_at <= clock_timestamp()`)
    }
    throw new Error('a stream of this name comes and goes')
  }

  async release (id: string): Promise<void> {
    await this.#database.execute(sql`
      with freed as (
        update stream set request_key = null where id = ${id}::uuid and target <> '' returning id
      ), gone as (
        delete from stream where id = ${id}::uuid and target = '' returning id
      )
      select ${NOTIFY} from (select id from freed union all select id from gone) as released`)
  }

  async write (owner: string, writes: readonly StreamWrite[], ttlMs: number): Promise<Ownership> {
    const begun = writes.flatMap(({ begun }) => begun === undefined
      ? []
      : { ...begun, request: begun.request === undefined ? null : this.#cipher.seal(begun.request, requestOf(begun.id)).toString('base64') })
    // A statement of its own, as the next one could not see the rows if it made them.
    if (begun.length > 0) {
      await this.#database.execute(sql`
        insert into stream (id, caller, target, dialect, request, owner, expires_at)
        select id, caller, target, dialect, decode(request, 'base64'), ${owner}::text, ${inMs(ttlMs)}
        from jsonb_to_recordset(${JSON.stringify(begun)}::text::jsonb) as begun (id uuid, caller text, target text, dialect text, request text)
        on conflict (id) do update set target = excluded.target, request = excluded.request where stream.target = ''`)
    }
    const batch = writes.map(({ id, segment, ended }) => ({
      id,
      ended,
      first_id: segment?.firstId ?? null,
      last_id: segment?.lastId ?? null,
      body: segment === undefined ? null : this.#cipher.seal(segment.text, placeOf(id, segment)).toString('base64')
    }))
    // A write that took too long may have been made, and come again with more: then the longer one stays.
    const rows = await this.#database.execute<OwnRow>(sql`
      with batch as (
        select * from jsonb_to_recordset(${JSON.stringify(batch)}::text::jsonb)
          as batch (id uuid, ended boolean, first_id int, last_id int, body text)
      ), alive as (
        update stream set
          last_id = greatest(stream.last_id, coalesce(batch.last_id, 0)),
          state = case when batch.ended then 'ended' else stream.state end,
          request = case when batch.ended then null else stream.request end,
          beat_at = clock_timestamp(),
          expires_at = ${inMs(ttlMs)}
        from batch
        where stream.id = batch.id and stream.owner = ${owner}::text
          and (stream.state = 'running' or (stream.state = 'ended' and batch.ended))
        returning stream.id, stream.followed_until
      ), saved as (
        insert into stream_segment (stream_id, first_id, last_id, body)
        select id, first_id, last_id, decode(body, 'base64') from batch join alive using (id) where first_id is not null
        on conflict (stream_id, first_id) do update set last_id = excluded.last_id, body = excluded.body
        where stream_segment.last_id < excluded.last_id
      )
      select batch.id, alive.id is not null as alive, coalesce(stream.state = 'deleted', false) as deleted,
        coalesce(alive.followed_until > clock_timestamp(), false) as followed,
        case when alive.followed_until > clock_timestamp() then ${sql`pg_notify(${sql.raw(`'${STREAM_CHANNEL}'`)}, batch.id::text)`} end
      from batch left join alive using (id) left join stream using (id)`)
    return ownershipOf(rows)
  }

  async beat (owner: string, ids: readonly string[], ttlMs: number): Promise<Ownership> {
    const rows = await this.#database.execute<OwnRow>(sql`
      with batch as (
        select unnest(string_to_array(${ids.join(',')}::text, ','))::uuid as id
      ), alive as (
        update stream set beat_at = clock_timestamp(), expires_at = ${inMs(ttlMs)}
        from batch
        where stream.id = batch.id and stream.owner = ${owner}::text and stream.state in ('running', 'ended')
        returning stream.id, stream.followed_until
      )
      select batch.id, alive.id is not null as alive, coalesce(stream.state = 'deleted', false) as deleted,
        coalesce(alive.followed_until > clock_timestamp(), false) as followed
      from batch left join alive using (id) left join stream using (id)`)
    return ownershipOf(rows)
  }

  async read (id: string, afterId: number): Promise<StoredStream | undefined> {
    if (!UUID.test(id)) return undefined
    const [row] = await this.#database.execute<StreamRow>(sql`
      with followed as (
        update stream set followed_until = clock_timestamp() + interval '10 seconds'
        where id = ${id}::uuid and state = 'running'
          and (followed_until is null or followed_until < clock_timestamp() + interval '5 seconds')
      )
      select caller, target, dialect, state, last_id, beat_at::text as beat, owner = '' as handed_over, coalesce((
        select json_agg(json_build_object('firstId', first_id, 'lastId', last_id, 'body', encode(body, 'base64')) order by first_id)
        from (
          select first_id, last_id, body from stream_segment
          where stream_id = ${id}::uuid and last_id > ${afterId}::int and first_id >= coalesce((
            select max(first_id) from stream_segment where stream_id = ${id}::uuid and first_id <= ${afterId}::int + 1), 0)
          order by first_id limit ${PAGE}::int
        ) as page), '[]'::json) as segments
      from stream where id = ${id}::uuid and expires_at > clock_timestamp()`)
    if (row === undefined) return undefined
    const { caller, target, dialect, state, last_id: lastId, beat, handed_over: handedOver } = row
    return {
      caller,
      target,
      dialect,
      state,
      lastId,
      beat,
      handedOver,
      segments: row.segments.map(({ firstId, lastId, body }) => ({
        firstId, lastId, text: this.#cipher.open(Buffer.from(body, 'base64'), placeOf(id, { firstId, lastId }))
      }))
    }
  }

  async declareLost (id: string, beat: string, lastFrame: (id: number, dialect: string) => string): Promise<boolean> {
    const [row] = await this.#database.execute<{ last_id: number, dialect: string }>(sql`
      select last_id, dialect from stream where id = ${id}::uuid and state = 'running' and beat_at::text = ${beat}::text`)
    if (row === undefined) return false
    const lastId = row.last_id + 1
    const body = this.#cipher.seal(lastFrame(lastId, row.dialect), placeOf(id, { firstId: lastId, lastId })).toString('base64')
    const lost = await this.#database.execute(sql`
      with lost as (
        update stream set state = 'lost', request = null, request_key = null, last_id = ${lastId}::int
        where id = ${id}::uuid and state = 'running' and beat_at::text = ${beat}::text and last_id = ${row.last_id}::int
        returning id
      ), saved as (
        insert into stream_segment (stream_id, first_id, last_id, body)
        select id, ${lastId}::int, ${lastId}::int, decode(${body}::text, 'base64') from lost
      )
      select ${NOTIFY} from lost`)
    return lost.length > 0
  }

  async takeOver ({ id, beat, owner, ttlMs, atMost }: Takeover): Promise<TakenStream | undefined> {
    const [row] = await this.#database.execute<TakenRow>(sql`
      update stream set owner = ${owner}::text, takeovers = takeovers + 1, beat_at = clock_timestamp(), expires_at = ${inMs(ttlMs)}
      from (select id as before_id, owner as before_owner from stream where id = ${id}::uuid for update) as before
      where id = before_id and state = 'running' and beat_at::text = ${beat}::text and request is not null and takeovers < ${atMost}::int
      returning caller, target, dialect, encode(request, 'base64') as request, last_id,
        extract(epoch from clock_timestamp() - begun_at)::float8 * 1000 as age_ms, before_owner = '' as handed_over`)
    if (row === undefined) return undefined
    const { caller, target, dialect, request, last_id: lastId, age_ms: ageMs, handed_over: handedOver } = row
    return { stream: { id, caller, target, dialect, request: this.#cipher.open(Buffer.from(request, 'base64'), requestOf(id)) }, lastId, ageMs, handedOver }
  }

  async renew (owner: string, id: string, request: string): Promise<void> {
    const sealed = this.#cipher.seal(request, requestOf(id)).toString('base64')
    await this.#database.execute(sql`
      update stream set request = decode(${sealed}::text, 'base64')
      where id = ${id}::uuid and owner = ${owner}::text and state = 'running' and request is not null`)
  }

  async handOver (owner: string, ids: readonly string[]): Promise<void> {
    await this.#database.execute(sql`
      with free as (
        update stream set owner = ''
        where id = any(string_to_array(${ids.join(',')}::text, ',')::uuid[]) and owner = ${owner}::text and state = 'running'
        returning id
      )
      select ${NOTIFY} from free`)
  }

  async remove (id: string): Promise<void> {
    if (!UUID.test(id)) return
    await this.#database.execute(sql`
      with gone as (
        update stream set state = 'deleted', request = null, request_key = null where id = ${id}::uuid returning id
      ), forgotten as (
        delete from stream_segment where stream_id = ${id}::uuid
      )
      select ${NOTIFY} from gone`)
  }

  async sweep (): Promise<void> {
    await this.#database.execute(sql`delete from stream where expires_at <= clock_timestamp()`)
  }

  watch (onChange: (id: string) => void): () => Promise<void> {
    const stop = this.#database.listen?.(STREAM_CHANNEL, { onNotification: onChange, onListening: () => {} })
    return stop ?? (async () => {})
  }
}

const NOTIFY = sql`pg_notify(${sql.raw(`'${STREAM_CHANNEL}'`)}, id::text)`

function inMs (ms: number) {
  return sql`clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`
}

/** Sealed frames open nowhere else. */
function placeOf (id: string, { firstId, lastId }: Pick<Segment, 'firstId' | 'lastId'>): string {
  return `${id.toLowerCase()} ${firstId} ${lastId}`
}

function requestOf (id: string): string {
  return `${id.toLowerCase()} request`
}

function ownershipOf (rows: readonly OwnRow[]): Ownership {
  return {
    lost: rows.filter(({ alive, deleted }) => !alive && !deleted).map(({ id }) => id),
    deleted: rows.filter(({ deleted }) => deleted).map(({ id }) => id),
    followed: rows.filter(({ followed }) => followed).map(({ id }) => id)
  }
}
