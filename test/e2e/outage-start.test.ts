/**
 * The service starts while PostgreSQL is down, serves, and says so; when PostgreSQL comes, all of its processes use it, one of
 * them having made the tables.
 */
import postgres from 'postgres'
import t from 'tap'
import journal from '../../db/migrations/meta/_journal.json' with { type: 'json' }
import { attemptsAt, auditIn, startGateways, stopGateways, untilDatabase, upstreams } from '../support/outage.ts'
import { ownServer } from '../support/own-server.ts'
import { SteadyLoad } from '../support/steady-load.ts'
import { untilWorkers } from '../support/workers.ts'

t.test('the database comes after the service', { timeout: 300_000 }, async t => {
  const server = await ownServer(t, { started: false })
  const targets = await upstreams(t)
  const env = { ...targets.env, DATABASE_URL: server.url }
  const gateways = (await Promise.all([startGateways(t, 1, env), startGateways(t, 1, { ...env, WORKERS: '2' })])).flat()
  const workers = gateways[1]
  if (workers === undefined) throw new Error('there are two')
  await untilWorkers(workers, 2)
  await untilDatabase('unavailable', gateways)
  const load = new SteadyLoad(gateways.map(({ url }) => url), 20)
  t.teardown(async () => await load.stop())
  await load.answered(50)
  for (const { logs } of gateways) {
    const lines = logs.filter(({ msg }) => String(msg).includes('DATABASE_URL'))
    t.equal(lines.length, new Set(logs.filter(({ msg }) => String(msg).startsWith('Server listening')).map(({ pid }) => pid)).size, 'a line for each process')
    t.match(lines[0], { level: 40, code: 'ECONNREFUSED' })
    t.notMatch(JSON.stringify(logs), new RegExp(new URL(server.url).password))
  }

  await server.start()
  await untilDatabase('ok', gateways)
  await load.answered(50)
  await load.stop()
  t.same(load.failures, [])
  await stopGateways(t, gateways)
  const { rows, lost } = await auditIn(server.url)
  t.same({ rows, lost }, { rows: attemptsAt(targets), lost: 0 })
  const client = postgres(server.url, { max: 1 })
  const [run] = await client`select count(*)::int as count, count(distinct hash)::int as migrations from drizzle.__drizzle_migrations`
  t.same(run, { count: journal.entries.length, migrations: journal.entries.length }, 'each migration ran once')
  await client.end()
})
