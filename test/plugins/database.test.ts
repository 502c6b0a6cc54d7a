import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import fastify from 'fastify'
import t from 'tap'
import { DatabaseUnavailableError } from '../../db/unavailable.ts'
import { breaker } from '../../db/schema.ts'
import database from '../../plugins/database.ts'
import type { DatabaseOptions } from '../../plugins/database.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

const PLUGIN_TIMEOUT_MS = 60_000

function build (options: DatabaseOptions) {
  const app = fastify({ pluginTimeout: PLUGIN_TIMEOUT_MS })
  app.register(database, { ...PATIENT, ...options })
  return app
}

t.test('PostgreSQL by its URL: migrated, and closed with the server', async t => {
  const url = await testDatabase(t)
  const app = build({ url, poolSize: 2 })
  await app.ready()
  t.equal(app.database.dialect, 'postgres')
  t.same(await app.database.execute(sql`select 1 as one, 'x'::text as x, null as nothing`), [{ one: 1, x: 'x', nothing: null }])
  t.same(await app.database.db.select().from(breaker), [])
  const apart = app.database.separate(1)
  t.same(await apart.execute(sql`select 2 as two`), [{ two: 2 }])
  await app.close()
  await t.rejects(app.database.execute(sql`select 1`))
  await t.rejects(apart.execute(sql`select 1`))
})

t.test('PGlite without a URL: the same rows from the same SQL', async t => {
  const app = build({ dataDir: 'memory://' })
  await app.ready()
  t.equal(app.database.dialect, 'pglite')
  t.same(await app.database.execute(sql`select 1 as one, 'x'::text as x, null as nothing`), [{ one: 1, x: 'x', nothing: null }])
  t.same(await app.database.db.select().from(breaker), [])
  t.equal(app.database.separate(1), app.database)
  await app.close()
  await t.rejects(app.database.execute(sql`select 1`))
})

t.test('a database that cannot be used stops the start with one line that holds no secret', async t => {
  const right = new URL(await testDatabase(t))
  const wrongPassword = new URL(right)
  wrongPassword.password = 'hunter2'
  const missing = new URL(right)
  missing.pathname = '/no_such_database'
  const cases: Array<[string, RegExp]> = [
    ['hunter2', /DATABASE_URL is not a URL/],
    ['mysql://root:hunter2@localhost/x', /DATABASE_URL is not a URL/],
    [wrongPassword.href, /DATABASE_URL.*refuses the password \(28P01\)/],
    [missing.href, /DATABASE_URL.*does not exist \(3D000\)/]
  ]
  for (const [url, message] of cases) {
    const error = await build({ url }).ready().then(() => undefined, (error: unknown) => error)
    t.type(error, DatabaseUnavailableError)
    t.match(error, { message })
    const shown = error instanceof Error ? `${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}` : ''
    t.notOk(shown.includes('hunter2') || shown.includes(right.password), 'no password in it')
    t.notMatch(error instanceof Error ? error.message : '', /\n/)
  }
})

t.test('a directory that cannot be one is an error too', async t => {
  const parent = await mkdtemp(join(tmpdir(), 'llm-gateway-data-'))
  t.teardown(async () => await rm(parent, { recursive: true }))
  await writeFile(join(parent, 'file'), '')
  await t.rejects(async () => await build({ dataDir: join(parent, 'file', 'below', 'it') }).ready(), { name: 'DatabaseUnavailableError', message: /DATA_DIR.*not a directory \(ENOTDIR\)/ })
})
