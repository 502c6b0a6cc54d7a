/**
 * Notifications of a real PostgreSQL: told while it is there, and again after it was away, from the very start too.
 */
import postgres from 'postgres'
import t from 'tap'
import { listenTo } from '../../db/listen.ts'
import { PostgresClient } from '../../db/postgres-client.ts'
import { openPostgres } from '../../db/postgres.ts'
import { until } from '../support/gateway-process.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

const CHANNEL = 'listen_test'

t.test('what is notified arrives, also after the connection was cut', async t => {
  const url = await testDatabase(t)
  const database = await openPostgres(url, 1, PATIENT)
  t.teardown(async () => await database.close())
  const admin = postgres(url, { max: 1 })
  t.teardown(async () => await admin.end())
  const heard: string[] = []
  let listening = 0
  const stop = database.listen?.(CHANNEL, { onNotification: payload => heard.push(payload), onListening: () => { listening++ } })
  t.teardown(async () => await stop?.())
  await until('it listens', () => listening === 1)
  await admin.notify(CHANNEL, 'one')
  await until('it has heard', () => heard.length === 1)

  const cut = await admin`select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen %' and datname = current_database()`
  t.equal(cut.length, 1, 'it is one connection')
  await until('it listens again', () => listening === 2)
  await admin.notify(CHANNEL, 'two')
  await until('it has heard again', () => heard.length === 2)
  t.same(heard, ['one', 'two'])

  await stop?.()
  await admin.notify(CHANNEL, 'three')
  t.same(await admin`select 1 from pg_stat_activity where query ilike 'listen %' and datname = current_database()`, [], 'its connection is closed')
  t.same(heard, ['one', 'two'])
})

t.test('a database that is not there yet is waited for', async t => {
  const url = await testDatabase(t)
  let there = false
  let listening = 0
  // Until then every client gets a port that nothing listens on.
  const nowhere = 'postgres://nobody@127.0.0.1:1/none'
  const tries: string[] = []
  const newClient = (onGone: () => void) => {
    tries.push(there ? 'there' : 'nowhere')
    return new PostgresClient({ connect: postgres, url: there ? url : nowhere, max: 1, onGone })
  }
  const stop = listenTo(newClient, CHANNEL, { onNotification: () => {}, onListening: () => { listening++ } })
  t.teardown(stop)
  await until('it has tried twice', () => tries.length >= 2)
  t.equal(listening, 0)
  there = true
  await until('it listens', () => listening === 1)
})
