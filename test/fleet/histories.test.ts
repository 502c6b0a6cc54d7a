/**
 * Replicas that live through random histories of the same targets at once, while the database cuts their connections and
 * stops for a moment, and replicas are stopped, killed and started: in the log of transitions nothing is missing, nothing
 * double, and each follows from the one before; and in the end all replicas agree.
 */
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import type { Test } from 'tap'
import { newReplica, startFleet, statesIn } from '../support/breaker-fleet.ts'
import type { Replica } from '../support/breaker-fleet.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { faultsInLog } from '../support/transition-log.ts'

/** Each fleet has so many histories: replicas look at all targets at once, and no gateway has thousands. */
const HISTORIES = 500
const FLEETS = share(1, 20)
const REPLICAS = 3
/** Targets whose histories run at the same time. */
const AT_ONCE = 20
const STEPS = 30
/** So that a replica decides alone now and then, as it does when the database is late. */
const STORE_TIMEOUT_MS = 1_000
/** Opens and probes follow each other quickly. */
const POLICY = { openMs: [5, 20], leaseMs: 60, misconfiguredOpenMs: 20, jitter: 0.5 }

for (let fleet = 1; fleet <= FLEETS; fleet++) {
  t.test(`histories of several processes, with faults, are consistent (${fleet} of ${FLEETS})`, { timeout: 600_000 }, async t => {
    await live(t, share(100, HISTORIES), fleet)
  })
}

async function live (t: Test, histories: number, run: number): Promise<void> {
  const url = await testDatabase(t)
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(async () => await sql.end())
  const targets = Array.from({ length: histories }, (_, n) => `target-${n}`)
  const options = { url, targets, policy: POLICY, storeTimeoutMs: STORE_TIMEOUT_MS }
  const fleet = await startFleet(t, { ...options, replicas: REPLICAS })
  let names = REPLICAS
  const at = (n: number): Replica => {
    const replica = fleet[n % fleet.length]
    if (replica === undefined) throw new Error('no replica')
    return replica
  }

  const faults: ReadonlyArray<(round: number) => Promise<void>> = [
    async () => {
      await sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
    },
    async round => {
      const { process } = at(round)
      process.kill('SIGSTOP')
      await delay(1_200) // longer than leases and the timeout
      process.kill('SIGCONT')
    },
    async round => {
      at(round).process.kill('SIGKILL')
      const next = newReplica(t, `replica-${names++}`, options)
      await next.ready
      fleet[round % fleet.length] = next
    },
    async () => {
      // Nobody gets to write for a while: as if the database were frozen.
      await sql.begin(async tx => {
        await tx`lock table breaker in exclusive mode`
        await delay(1_200)
      })
    }
  ]

  for (let from = 0, round = 0; from < histories; from += AT_ONCE, round++) {
    const now = targets.slice(from, from + AT_ONCE)
    const lives = fleet.map(async (replica, n) => await replica.ask({ kind: 'live', targets: now, seed: 1 + (run * histories + from) * REPLICAS + n, steps: STEPS }))
    await faults[round % faults.length]?.(round)
    await Promise.all(lives)
  }

  t.same(await faultsInLog(sql), [], 'the log is whole')
  const [counted] = await sql<Array<{ transitions: number, targets: number, writers: number }>>`
    select count(*)::int as transitions, count(distinct target)::int as targets, count(distinct writer)::int as writers from breaker_transition`
  t.comment(`${counted?.transitions ?? 0} transitions of ${counted?.targets ?? 0} targets by ${counted?.writers ?? 0} processes`)
  t.ok((counted?.transitions ?? 0) > histories, 'a good deal happened')
  t.ok((counted?.writers ?? 0) >= REPLICAS, 'by all of them')

  // What a replica could not write during a fault follows within a second or so; then all see the same.
  let last: unknown
  for (let tries = 0; tries < 300; tries++) {
    const opinions = await Promise.all(fleet.map(async replica => statesIn(await replica.ask({ kind: 'list' }))))
    const differing = targets.filter(target => new Set(opinions.map(opinion => opinion.get(target))).size > 1)
    last = differing.map(target => [target, ...opinions.map(opinion => opinion.get(target))])
    if (differing.length === 0) break
    await delay(200)
  }
  t.same(last, [], 'all replicas agree')
  t.same(await faultsInLog(sql), [], 'the log is whole after that')
  await Promise.all(fleet.map(async replica => await replica.ask({ kind: 'close' })))
}
