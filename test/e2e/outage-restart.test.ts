/**
 * PostgreSQL is killed, or stopped in order, and comes back: no request fails, nothing is missing afterwards, and the
 * replicas agree again on what each decided alone.
 */
import t from 'tap'
import { until } from '../support/gateway-process.ts'
import { attemptsAt, auditIn, breakerAt, startGateways, stopGateways, TRIES, untilDatabase, upstreams } from '../support/outage.ts'
import { ownServer } from '../support/own-server.ts'
import { SteadyLoad } from '../support/steady-load.ts'

const ANSWERS = 50

t.test('killed and started again, then stopped in order and started again', { timeout: 300_000 }, async t => {
  const server = await ownServer(t)
  const targets = await upstreams(t)
  const gateways = await startGateways(t, 2, { ...targets.env, DATABASE_URL: server.url })
  await untilDatabase('ok', gateways)
  const load = new SteadyLoad(gateways.map(({ url }) => url), 20)
  t.teardown(async () => await load.stop())
  for (const how of ['kill', 'stop'] as const) {
    load.phase = how
    await load.answered(ANSWERS)
    await server[how]()
    await untilDatabase('unavailable', gateways)
    await load.answered(ANSWERS)
    await server.start()
    await untilDatabase('ok', gateways)
    await load.answered(ANSWERS)
  }
  await load.stop()
  t.same(load.failures, [])

  const [first, second] = gateways
  if (first === undefined || second === undefined) throw new Error('there are two')
  await until('they agree', async () => await breakerAt(first, 'bad') === await breakerAt(second, 'bad'), TRIES)
  await stopGateways(t, gateways)
  const { rows, lost } = await auditIn(server.url)
  t.same({ rows, lost }, { rows: attemptsAt(targets), lost: 0 })
})
