import { sql } from 'drizzle-orm'
import fastify from 'fastify'
import postgres from 'postgres'
import t from 'tap'
import auditLog from '../../plugins/audit-log.ts'
import database from '../../plugins/database.ts'
import { attemptRecord } from '../support/attempts.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

async function build (url: string) {
  const lines: Array<Record<string, unknown>> = []
  const app = fastify({ logger: { level: 'debug', stream: { write: line => { lines.push(JSON.parse(line)) } } } })
  app.register(database, { url, poolSize: 2, ...PATIENT })
  app.register(auditLog)
  await app.ready()
  return { app, lines }
}

t.test('what is recorded can be listed after a flush, page by page', async t => {
  const { app } = await build(await testDatabase(t))
  t.teardown(async () => await app.close())
  for (let n = 0; n < 3; n++) app.auditLog.attempt(attemptRecord({ requestId: `r${n}` }))
  await app.auditLog.flush()
  const first = await app.auditLog.list({ limit: 2 })
  const rest = await app.auditLog.list({ limit: 2, cursor: first.nextCursor ?? undefined })
  t.equal(first.entries.length, 2)
  t.equal(rest.entries.length, 1)
  t.equal(rest.nextCursor, null)
  t.equal((await app.auditLog.list({ requestId: 'r1' })).entries.length, 1)
})

t.test('closing writes what waits', async t => {
  const url = await testDatabase(t)
  const { app } = await build(url)
  for (let n = 0; n < 1_200; n++) app.auditLog.attempt(attemptRecord())
  await app.close()
  const client = postgres(url, { max: 1 })
  t.match(await client`select count(*)::int as count from attempt`, [{ count: 1_200 }])
  await client.end()
})

t.test('a database that refuses to write costs no request, and what could not be written is noted', async t => {
  const { app, lines } = await build(await testDatabase(t))
  t.teardown(async () => await app.close())
  await app.database.execute(sql`alter table attempt add constraint broken check (model <> 'secret-model')`)
  app.auditLog.attempt(attemptRecord({ model: 'secret-model' }))
  await app.auditLog.flush()
  t.equal(app.auditLog.dropped, 1)
  app.auditLog.attempt(attemptRecord())
  await app.auditLog.flush()
  t.match(await app.database.execute(sql`select lost from audit_gap`), [{ lost: 1 }])
  t.equal((await app.auditLog.list({})).entries.length, 1)
  t.match(lines.filter(line => String(line['msg']).startsWith('audit log')), [{ level: 40, code: '23514' }, { level: 30 }])
  t.notMatch(JSON.stringify(lines), /secret-model/)
})
