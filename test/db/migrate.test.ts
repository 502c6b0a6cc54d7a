import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
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
