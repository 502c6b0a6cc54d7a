/**
 * PostgreSQL stands still under load: no request fails or waits for it, and afterwards each attempt is a row or counted as
 * lost. Times are printed, not asserted; `npm run nightly` freezes it for a minute, for more attempts than may wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { share } from '../support/nightly.ts'
import { attemptsAt, auditIn, startGateways, stopGateways, untilDatabase, upstreams } from '../support/outage.ts'
import { ownServer } from '../support/own-server.ts'
import { SteadyLoad } from '../support/steady-load.ts'

const GATEWAYS = share(2, 1)
const EVERY_MS = share(20, 5)
/** Until as many answers have come, before, and after. */
const ANSWERS = share(100, 4_000)
const FROZEN_MS = share(0, 60_000)

t.test('a frozen database', { timeout: 300_000 }, async t => {
  const server = await ownServer(t)
  const targets = await upstreams(t)
  const gateways = await startGateways(t, GATEWAYS, { ...targets.env, DATABASE_URL: server.url })
  await untilDatabase('ok', gateways)
  const load = new SteadyLoad(gateways.map(({ url }) => url), EVERY_MS)
  t.teardown(async () => await load.stop())
  await load.answered(ANSWERS)

  await server.freeze()
  load.phase = 'frozen'
  await untilDatabase('unavailable', gateways)
  // Now rows are on their way of which nobody knows what will become.
  await Promise.all(gateways.map(async gateway => await gateway.logged('audit log cannot be written: rows wait in memory')))
  await delay(FROZEN_MS)
  await load.answered(ANSWERS)
  server.thaw()
  load.phase = 'after'
  await untilDatabase('ok', gateways)
  await load.answered(ANSWERS)
  await load.stop()

  t.same(load.failures, [])
  t.ok(load.sent >= 3 * ANSWERS)
  await stopGateways(t, gateways)
  const attempts = attemptsAt(targets)
  const { rows, lost } = await auditIn(server.url)
  t.equal(rows + lost, attempts, 'each attempt is a row, or counted as lost')
  for (const phase of ['before', 'frozen', 'after']) t.comment(load.times(phase))
  t.comment(`${load.sent} requests, ${load.failures.length} failed; ${attempts} attempts = ${rows} rows + ${lost} lost`)
})
