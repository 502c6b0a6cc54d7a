/**
 * A frozen database takes what was sent to it when it goes on. What is dropped from a ring that is full has to be counted, and
 * what was sent must not be.
 */
import fastify from 'fastify'
import t from 'tap'
import auditLog from '../../plugins/audit-log.ts'
import database from '../../plugins/database.ts'
import { attemptRecord } from '../support/attempts.ts'
import { until } from '../support/gateway-process.ts'
import { auditIn, TRIES } from '../support/outage.ts'
import { ownServer } from '../support/own-server.ts'
import { PATIENT } from '../support/patient.ts'

const CAPACITY = 50

t.test('each attempt is a row or counted as lost, once, however small the ring', async t => {
  const server = await ownServer(t)
  const app = fastify()
  t.teardown(async () => await app.close())
  app.register(database, { url: server.url, poolSize: 2, ...PATIENT })
  app.register(auditLog, { capacity: CAPACITY })
  await app.ready()
  let attempts = 0
  const record = (count: number) => {
    for (let n = 0; n < count; n++) app.auditLog.attempt(attemptRecord())
    attempts += count
  }

  record(30)
  await app.auditLog.flush()
  await server.freeze()
  record(40)
  const flushed = app.auditLog.flush()
  record(CAPACITY)
  await flushed
  t.ok(app.auditLog.failing)
  t.equal(app.auditLog.dropped, 40, 'the oldest of those that were not sent')
  server.thaw()
  await until('it is written again', () => !app.auditLog.failing, TRIES)
  t.same(await auditIn(server.url), { rows: attempts - 40, lost: 40, gaps: 1 })
})
