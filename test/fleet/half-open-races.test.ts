/**
 * Replicas (ten of them in the nightly run) find the same breaker due for a probe at the same moment, again and again: one of them sends it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import { namesIn, startFleet } from '../support/breaker-fleet.ts'
import { until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { faultsInLog } from '../support/transition-log.ts'

const REPLICAS = share(4, 10)
/** Raced for at once: few enough for each claim to be answered in time, as a store that is late is not asked. */
const AT_ONCE = 10
const OPEN_MS = 400

t.test('of all replicas exactly one sends the probe', { timeout: 900_000 }, async t => {
  const url = await testDatabase(t)
  const races = Array.from({ length: share(50, 1_000) }, (_, n) => `target-${n}`)
  const fleet = await startFleet(t, { url, replicas: REPLICAS, targets: races, policy: { openMs: [OPEN_MS], jitter: 0 } })
  const [first] = fleet
  const wrong: string[] = []
  for (let from = 0; from < races.length; from += AT_ONCE) {
    const targets = races.slice(from, from + AT_ONCE)
    await first?.ask({ kind: 'trip', targets })
    await until('all know', () => fleet.every(replica => targets.every(target => replica.transitions.some(each => each.target === target && each.to === 'open'))))
    await delay(OPEN_MS) // it is real time that the database counts
    const winners = (await Promise.all(fleet.map(async replica => namesIn(await replica.ask({ kind: 'race', targets }))))).flat()
    for (const target of targets) {
      const probes = winners.filter(name => name === target).length
      if (probes !== 1) wrong.push(`${target}: ${probes} probes`)
    }
  }
  t.same(wrong, [])
  t.equal(fleet.reduce((sum, { storeLost }) => sum + storeLost, 0), 0, 'nobody had to decide alone')
  const sql = postgres(url, { max: 1 })
  t.teardown(async () => await sql.end())
  t.same(await faultsInLog(sql), [])
  await Promise.all(fleet.map(async replica => await replica.ask({ kind: 'close' })))
})
