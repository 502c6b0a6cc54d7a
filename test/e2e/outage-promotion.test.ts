/**
 * The primary dies and its standby is promoted, behind an address that stays: the replicas find it, go on writing, and agree.
 */
import postgres from 'postgres'
import t from 'tap'
import { until } from '../support/gateway-process.ts'
import { attemptsAt, auditIn, breakerAt, startGateways, stopGateways, TRIES, untilDatabase, upstreams } from '../support/outage.ts'
import { ownServer } from '../support/own-server.ts'
import { SteadyLoad } from '../support/steady-load.ts'
import { tcpSwitch } from '../support/tcp-switch.ts'

const ANSWERS = 50

t.test('a promoted standby', { timeout: 300_000 }, async t => {
  // What is committed is on the standby too, so that nothing may be missing there.
  const primary = await ownServer(t, { started: false, flags: { synchronous_standby_names: '*' } })
  const standby = await primary.standby(t)
  await primary.start()
  await standby.start()
  const tcp = await tcpSwitch(t, primary.url)
  const targets = await upstreams(t)
  const gateways = await startGateways(t, 2, { ...targets.env, DATABASE_URL: tcp.url })
  await untilDatabase('ok', gateways)
  const load = new SteadyLoad(gateways.map(({ url }) => url), 20)
  t.teardown(async () => await load.stop())
  await load.answered(ANSWERS)

  await primary.kill()
  await untilDatabase('unavailable', gateways)
  // As a balancer would that looks for a server only: nothing can be written to it, or heard from it, yet.
  tcp.turn(standby.url)
  const before = tcp.takenAt.length
  await until('they have come to it, again and again', () => tcp.takenAt.length >= before + 8, TRIES)
  await load.answered(ANSWERS)
  await standby.promote()
  await untilDatabase('ok', gateways)
  await load.answered(ANSWERS)
  await load.stop()
  t.same(load.failures, [])

  const [first, second] = gateways
  if (first === undefined || second === undefined) throw new Error('there are two')
  await until('they agree', async () => await breakerAt(first, 'bad') === await breakerAt(second, 'bad'), TRIES)
  const client = postgres(standby.url, { max: 1 })
  t.teardown(async () => await client.end())
  await until('they listen again', async () => (await client`select 1 from pg_stat_activity where query ilike 'listen %'`).length === 2, TRIES)
  await stopGateways(t, gateways)
  const { rows, lost } = await auditIn(standby.url)
  t.same({ rows, lost }, { rows: attemptsAt(targets), lost: 0 })
})
