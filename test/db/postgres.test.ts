/**
 * Opening a PostgreSQL that is away, in all the ways in which one can be, and that comes back.
 */
import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import t from 'tap'
import journal from '../../db/migrations/meta/_journal.json' with { type: 'json' }
import type { Test } from 'tap'
import type { Database } from '../../db/database.ts'
import { MIGRATION_LOCK } from '../../db/migrate.ts'
import type { DatabaseEvent } from '../../db/opening.ts'
import { openPostgres } from '../../db/postgres.ts'
import type { PostgresOptions } from '../../db/postgres.ts'
import { until } from '../support/gateway-process.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'
import { tcpSwitch } from '../support/tcp-switch.ts'

const TRIES = 3_000

async function open (t: Test, url: string, options: PostgresOptions = PATIENT): Promise<{ readonly database: Database, readonly told: string[] }> {
  const told: string[] = []
  const database = await openPostgres(url, 2, { ...options, onEvent: event => told.push(wordsOf(event)) })
  t.teardown(async () => await database.close())
  return { database, told }
}

function wordsOf (event: DatabaseEvent): string {
  return event.kind === 'opened' ? 'opened' : `${event.away ? 'away' : 'wrong'}: ${event.error.code ?? ''}`
}

async function untilOpen (database: Database): Promise<void> {
  await until('the database is open', () => database.state.kind === 'open', TRIES)
}

t.test('where nothing listens it is opened without it', async t => {
  const { database, told } = await open(t, 'postgres://root:hunter2@127.0.0.1:1/x')
  t.match(database.state, { kind: 'awaited', error: { code: 'ECONNREFUSED', message: /DATABASE_URL.*nothing listens there/ } })
  await t.rejects(database.execute(sql`select 1`), { name: 'DatabaseUnavailableError', code: 'ECONNREFUSED' })
  await t.rejects(database.separate(1).execute(sql`select 1`), { name: 'DatabaseUnavailableError' })
  t.same(told, ['away: ECONNREFUSED'])
  await database.close()
})

t.test('a host that nobody knows is awaited likewise', async t => {
  const { database } = await open(t, 'postgres://root:hunter2@nonesuch.invalid/x')
  t.equal(database.state.kind, 'awaited')
  await database.close()
})

t.test('one that does not answer is waited for no longer than told; when it does, it is migrated and open', async t => {
  const url = await testDatabase(t)
  const tcp = await tcpSwitch(t, url)
  tcp.turn('silent')
  const { database, told } = await open(t, tcp.url, { firstAnswerMs: 50, statementTimeoutMs: 200 })
  t.match(database.state, { kind: 'awaited', error: { code: 'CONNECT_TIMEOUT' } })
  await t.rejects(database.execute(sql`select 1`), { name: 'DatabaseUnavailableError' }, 'at once, as it is not asked')
  await until('it was looked for again', () => tcp.takenAt.length >= 3, TRIES)
  await until('what did not answer is gone', () => tcp.open <= 1, TRIES)
  tcp.turn(url)
  await untilOpen(database)
  t.same([told[0], told.at(-1)], ['away: CONNECT_TIMEOUT', 'opened'])
})

// Left to itself, postgres.js connects 700 times a second to a balancer that has no server, and its statement never fails.
t.test('one that hangs up before it is ready is not overrun with connections', async t => {
  const url = await testDatabase(t)
  const tcp = await tcpSwitch(t, url)
  tcp.turn('hang_up')
  const { database } = await open(t, tcp.url, { firstAnswerMs: 50, statementTimeoutMs: 60_000 })
  t.equal(database.state.kind, 'awaited')
  await until('it was looked for again', () => tcp.takenAt.length >= 5, TRIES)
  const pauses = tcp.takenAt.slice(1).map((at, n) => at - (tcp.takenAt[n] ?? NaN))
  t.ok(pauses.every(ms => ms > 200), `after ${pauses.map(Math.round).join(', ')} ms`)
  tcp.turn(url)
  await untilOpen(database)
  t.same(await database.execute(sql`select 1 as one`), [{ one: 1 }])
})

t.test('what is wrong with one that comes later is told, and it is looked for on', async t => {
  const url = await testDatabase(t)
  const admin = postgres(url, { max: 1 })
  t.teardown(async () => await admin.end())
  await admin`create table attempt (something text)`
  await t.rejects(openPostgres(url, 2, PATIENT), { name: 'DatabaseUnavailableError', code: '42P07' }, 'at the start it is an error')
  const tcp = await tcpSwitch(t, url)
  tcp.turn('silent')
  const { database, told } = await open(t, tcp.url, { firstAnswerMs: 50, statementTimeoutMs: 60_000 })
  tcp.turn(url)
  await until('the migration has failed', () => told.includes('wrong: 42P07'), TRIES)
  t.equal(database.state.kind, 'awaited')
  await admin`drop table attempt`
  await untilOpen(database)
  t.same(told.slice(-2), ['wrong: 42P07', 'opened'])
  t.same(await admin`select count(*)::int as count from drizzle.__drizzle_migrations`, [{ count: journal.entries.length }], 'what failed left nothing behind')
})

// postgres.js ends the process when a connection breaks in the middle of one of its transactions.
t.test('a connection that is cut while it migrates costs nothing but the try', async t => {
  const url = await testDatabase(t)
  const tcp = await tcpSwitch(t, url)
  const other = postgres(url, { max: 2 })
  t.teardown(async () => await other.end())
  const database = await other.begin(async transaction => {
    await transaction`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
    const opening = open(t, tcp.url)
    await until('it waits for its turn', async () => (await other`select 1 from pg_locks where locktype = 'advisory' and not granted`).length > 0, TRIES)
    tcp.cut()
    const { database, told } = await opening
    t.equal(database.state.kind, 'awaited')
    t.match(told, [/^away: /])
    return database
  })
  await untilOpen(database)
})

t.test('a statement that is not answered in time fails, and the next one has another connection', async t => {
  const url = await testDatabase(t)
  const tcp = await tcpSwitch(t, url)
  const { database } = await open(t, tcp.url, { firstAnswerMs: 60_000, statementTimeoutMs: 300 })
  await untilOpen(database)
  const before = tcp.takenAt.length
  tcp.turn('silent')
  for (let n = 0; n < 3; n++) await t.rejects(database.execute(sql`select 1`), { name: 'DatabaseUnavailableError', code: 'CONNECT_TIMEOUT' })
  t.ok(tcp.takenAt.length >= before + 2, 'each time it was looked for anew')
  await until('what did not answer is gone', () => tcp.open === 0, TRIES)
  tcp.turn(url)
  await until('it answers', async () => await database.execute(sql`select 1`).then(() => true, () => false), TRIES)
  t.equal(database.state.kind, 'open')
})
