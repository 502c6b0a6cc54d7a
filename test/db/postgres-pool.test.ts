import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import t from 'tap'
import { PostgresPool } from '../../db/postgres-pool.ts'
import { until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'

const LOCK = 1
const TRIES = 3_000

t.test('connections are given up for what hangs, and what else runs on them is let finish', async t => {
  const url = await testDatabase(t)
  const pool = new PostgresPool(url, 2, 60_000)
  t.teardown(async () => await pool.close())
  const other = postgres(url, { max: 2 })
  t.teardown(async () => await other.end())
  const slow = await other.begin(async transaction => {
    await transaction`select pg_advisory_xact_lock(${LOCK})`
    const slow = pool.execute(sql`select 1 as done from (select pg_advisory_lock(${LOCK})) as held`)
    await until('it waits for the lock', async () => (await other`select 1 from pg_locks where locktype = 'advisory' and not granted`).length === 1, TRIES)
    await t.rejects(pool.use(async () => await new Promise(() => {}), 50), { name: 'DatabaseUnavailableError', code: 'CONNECT_TIMEOUT' })
    return { slow }
  })
  t.same(await slow.slow, [{ done: 1 }])
  t.same(await pool.execute(sql`select 2 as two`), [{ two: 2 }])
})

t.test('what PostgreSQL refuses is no reason to give connections up', async t => {
  const url = await testDatabase(t)
  const pool = new PostgresPool(url, 1, 60_000)
  t.teardown(async () => await pool.close())
  const backend = sql`select pg_backend_pid() as pid`
  const before = await pool.execute(backend)
  await t.rejects(pool.execute(sql`select nonsense`), { cause: { code: '42703' } })
  t.same(await pool.execute(backend), before)
})

t.test('after the end nothing is run', async t => {
  const pool = new PostgresPool(await testDatabase(t), 1, 60_000)
  await pool.execute(sql`select 1`)
  await pool.close()
  await t.rejects(pool.execute(sql`select 1`), { name: 'DatabaseUnavailableError' })
})
