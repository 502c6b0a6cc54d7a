import { sql } from 'drizzle-orm'
import t from 'tap'
import { InvalidCursorError, insertAttempts, insertGap, listAudit } from '../../db/audit.ts'
import type { AuditEntry, AuditFilter } from '../../db/audit.ts'
import { PostgresBreakerStore } from '../../db/breaker-store.ts'
import { openPostgres } from '../../db/postgres.ts'
import { uuidv7 } from '../../breaker/uuid.ts'
import { attemptRecord, attemptRow } from '../support/attempts.ts'
import { opening } from '../support/breaker-store-contract.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

const url = await testDatabase(t)
const database = await openPostgres(url, 4, PATIENT)
t.teardown(async () => await database.close())
t.beforeEach(async () => { await database.execute(sql`truncate attempt, audit_gap, breaker, breaker_transition`) })

/** All pages, `limit` entries each. */
async function listAll (filter: AuditFilter, limit: number): Promise<AuditEntry[]> {
  const all: AuditEntry[] = []
  let cursor: string | undefined
  do {
    const page = await listAudit(database, filter, cursor, limit)
    all.push(...page.entries)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return all
}

t.test('an attempt comes back as it was recorded, with its time in microseconds', async t => {
  const record = attemptRecord()
  await insertAttempts(database, [{ ...record, agoMs: 60_000 }])
  const { entries: [entry], nextCursor } = await listAudit(database, {}, undefined, 10)
  t.match(entry, { kind: 'attempt', ...record, firstOutputMs: 120, at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/ })
  const age = Date.now() - Date.parse(entry?.at ?? '')
  t.ok(age >= 60_000 && age < 90_000, 'dated when it ended, not when it was written')
  t.equal(nextCursor, null)
})

t.test('rows written twice are stored once', async t => {
  const rows = [attemptRow(), attemptRow()]
  await insertAttempts(database, rows)
  await insertAttempts(database, [...rows, attemptRow()])
  await insertAttempts(database, [])
  t.equal((await listAll({}, 10)).length, 3)
})

t.test('values that PostgreSQL would refuse are made storable', async t => {
  await insertAttempts(database, [attemptRow({
    model: `a\0b\ud800${'x'.repeat(10_000)}`, completionTokens: 1e12, promptTokens: NaN, durationMs: -5, firstOutputMs: 1.6
  })])
  t.match(await listAll({}, 10), [{ model: `ab\ufffd${'x'.repeat(252)}`.slice(0, 255), completionTokens: 2 ** 31 - 1, promptTokens: 0, durationMs: 0, firstOutputMs: 2 }])
})

t.test('five hundred rows are one statement', async t => {
  await insertAttempts(database, Array.from({ length: 500 }, (_, n) => attemptRow({ attemptNo: n })))
  t.equal((await listAll({}, 200)).length, 500)
})

t.test('attempts and transitions come merged, newest first, whatever the page size', async t => {
  const store = new PostgresBreakerStore(database)
  await insertAttempts(database, Array.from({ length: 7 }, (_, n) => attemptRow({ requestId: `r${n}` }, 1_000 * (n + 1))))
  await store.transition(opening('a', { openForMs: 1_500.4 }))
  await store.transition(opening('a', {
    fromEpoch: 1, epoch: 2, from: 'open', to: 'forced_open', cause: 'manual', status: null, openForMs: null, manual: { action: 'force_open', by: 'ada', reason: 'maintenance' }
  }))
  // Equal times: the page boundary may fall between them.
  await database.execute(sql`update attempt set at = '2026-01-01' where request_id in ('r4', 'r5', 'r6')`)
  await database.execute(sql`update breaker_transition set at = '2026-01-01' where epoch = 1`)
  const all = await listAll({}, 100)
  t.equal(all.length, 9)
  t.same(all.map(entry => entry.at), all.map(entry => entry.at).sort().reverse())
  t.match(all[0], { kind: 'transition', target: 'a', epoch: 2, from: 'open', to: 'forced_open', cause: 'manual', openForMs: null, manual: { by: 'ada', reason: 'maintenance' }, writer: 'replica-a' })
  t.match(all.find(entry => entry.kind === 'transition' && entry.epoch === 1), { cause: 'upstream_error', status: 503, openForMs: 1_500, manual: null })
  for (const limit of [1, 2, 3, 4, 9]) t.same(await listAll({}, limit), all, `in pages of ${limit}`)
})

t.test('filters', async t => {
  await insertAttempts(database, [
    attemptRow({ requestId: 'r1', target: 'a', class: 'failure', reason: 'connect' }, 10_000),
    attemptRow({ requestId: 'r1', target: 'b' }, 5_000),
    attemptRow({ requestId: 'r2', target: 'b' })
  ])
  await new PostgresBreakerStore(database).transition(opening('a'))
  const counts = async (filter: AuditFilter) => (await listAll(filter, 2)).length
  t.equal(await counts({}), 4)
  t.equal(await counts({ target: 'a' }), 2)
  t.equal(await counts({ kind: 'attempt' }), 3)
  t.equal(await counts({ kind: 'transition' }), 1)
  t.equal(await counts({ class: 'failure' }), 1)
  t.equal(await counts({ requestId: 'r1' }), 2)
  t.equal(await counts({ requestId: 'r1', target: 'b', kind: 'attempt' }), 1)
  t.equal(await counts({ kind: 'transition', class: 'failure' }), 0)
  t.equal(await counts({ since: new Date(Date.now() - 7_000) }), 3)
  t.equal(await counts({ until: new Date(Date.now() - 7_000) }), 1)
  t.equal(await counts({ target: 'x\'; drop table attempt' }), 0)
})

t.test('a made-up cursor is an error of its own', async t => {
  const made = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const time = '2026-01-01T00:00:00.000000Z'
  for (const cursor of ['', 'nonsense', made(null), made([1, 2, 3]), made([time, 'x', 'y']), made(['now()', 'attempt', 'y']), made(['2026-13-41T00:00:00.000000Z', 'attempt', 'y'])]) {
    await t.rejects(listAudit(database, {}, cursor, 10), InvalidCursorError, cursor)
  }
})

t.test('a gap says how much is missing since when; written twice, it is there once', async t => {
  const gap = { id: uuidv7(), lost: 12, sinceMs: 60_000 }
  await insertGap(database, gap)
  await insertGap(database, gap)
  t.match(await database.execute(sql`select lost, round(extract(epoch from at - since))::int as seconds from audit_gap`), [{ lost: 12, seconds: 60 }])
})

t.test('ids are UUIDs of version 7, in the order of their times', async t => {
  const ids = [uuidv7(1), uuidv7(2 ** 40), uuidv7(2 ** 41)]
  for (const id of ids) t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.same(ids.toSorted(), ids)
})
