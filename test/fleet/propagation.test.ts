/**
 * How soon a trip is known to the other replicas: by notification at once, without it by the poll. Times are printed and
 * published (docs/breakers.md); what is asserted is that everybody learns of everything, and by which way.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { startFleet } from '../support/breaker-fleet.ts'
import type { Replica } from '../support/breaker-fleet.ts'
import { until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'

const REPLICAS = share(3, 10)
const TRIPS = share(10, 200)

for (const notified of [true, false]) {
  t.test(notified ? 'by notification' : 'by the poll, where notifications do not arrive', { timeout: 900_000 }, async t => {
    const url = await testDatabase(t)
    const targets = Array.from({ length: TRIPS }, (_, n) => `target-${n}`)
    const fleet = await startFleet(t, { url, replicas: REPLICAS, targets, policy: { openMs: [60_000] }, notified, refreshMs: notified ? 0 : 1_000 })
    const [first, ...others] = fleet
    for (const target of targets) {
      await first?.ask({ kind: 'trip', targets: [target] })
      if (notified) await until(`${target} is known`, () => others.every(replica => learned(replica, target) !== undefined))
      else await delay(50) // the poll finds several at once
    }
    await until('everything is known', () => others.every(replica => targets.every(target => learned(replica, target) !== undefined)), 2_000)
    const delays = targets.flatMap(target => others.map(replica => (learned(replica, target) ?? NaN) - (made(first, target) ?? NaN))).sort((a, b) => a - b)
    t.equal(delays.length, TRIPS * (REPLICAS - 1))
    t.ok(delays.every(ms => ms > 0), 'nobody knew before it happened')
    t.comment(`${notified ? 'notification' : 'poll'}, ${REPLICAS} replicas, ${delays.length} times: p50 ${at(delays, 0.5)} ms, p99 ${at(delays, 0.99)} ms, longest ${at(delays, 1)} ms`)
    await Promise.all(fleet.map(async replica => await replica.ask({ kind: 'close' })))
  })
}

function learned (replica: Replica, target: string): number | undefined {
  return replica.transitions.find(each => each.target === target && each.adopted)?.at
}

function made (replica: Replica | undefined, target: string): number | undefined {
  return replica?.transitions.find(each => each.target === target && !each.adopted)?.at
}

function at (sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN).toFixed(1)
}
