import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
import { openPostgres } from '../../db/postgres.ts'
import { MIGRATION_LOCK, NEWEST_MIGRATION, newestMigrationIn } from '../../db/migrate.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

const script = fileURLToPath(new URL('../fixtures/open-database.ts', import.meta.url))

async function openInChild (url: string): Promise<number | null> {
  return await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { env: { ...process.env, TEST_DATABASE_URL: url }, stdio: ['ignore', 'ignore', 'inherit'] })
    child.on('error', reject)
    child.on('exit', resolve)
  })
}

t.test('four processes that migrate at once all succeed, and once is enough', async t => {
  const url = await testDatabase(t)
  t.same(await Promise.all([1, 2, 3, 4].map(async () => await openInChild(url))), [0, 0, 0, 0])
  const client = postgres(url, { max: 1 })
  const migrations = await client`select hash from drizzle.__drizzle_migrations`
  const tables = await client`select table_name from information_schema.tables where table_schema = 'public' order by table_name`
  await client.end()
  t.equal(new Set(migrations.map(row => row['hash'])).size, migrations.length, 'no migration ran twice')
  t.match(tables.map(row => row['table_name']), ['attempt', 'audit_gap', 'breaker', 'breaker_transition'])
})

t.test('a database is up to date when the newest migration is written down in it', async t => {
  const url = await testDatabase(t)
  const client = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(async () => await client.end())
  const isMigrated = async () => await newestMigrationIn(client) >= NEWEST_MIGRATION
  t.equal(await isMigrated(), false, 'fresh')
  await (await openPostgres(url, 1, PATIENT)).close()
  t.equal(await isMigrated(), true)
  await client`update drizzle.__drizzle_migrations set created_at = created_at - 1`
  t.equal(await isMigrated(), false, 'one of an older gateway')
  await client`update drizzle.__drizzle_migrations set created_at = created_at + 2`
  t.equal(await isMigrated(), true, 'one of a newer gateway')
  await client`delete from drizzle.__drizzle_migrations`
  t.equal(await isMigrated(), false, 'a migrator got no further than its own table')
})

t.test('a database that is up to date is opened without waiting for whoever migrates', async t => {
  const url = await testDatabase(t)
  await (await openPostgres(url, 1, PATIENT)).close()
  const other = postgres(url, { max: 1 })
  t.teardown(async () => await other.end())
  await other.begin(async transaction => {
    await transaction`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
    const database = await openPostgres(url, 1, PATIENT)
    t.equal(database.dialect, 'postgres')
    await database.close()
  })
})
