/**
 * Several replicas on one store that answers out of step: at most one probe runs at a time, and all come to agree.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Permit } from '../../breaker/admission.ts'
import { CircuitBreakers } from '../../breaker/circuit-breakers.ts'
import { MemoryBreakerStore } from '../../breaker/memory-store.ts'
import { SUCCESS } from '../../breaker/outcome.ts'
import type { Outcome } from '../../breaker/outcome.ts'
import { DEFAULT_POLICY } from '../../breaker/policy.ts'
import { share } from '../support/nightly.ts'
import { UnreliableStore } from '../support/unreliable-store.ts'
import { VirtualTime } from '../support/virtual-time.ts'

const REPLICAS = 3
/** Together below the 250 ms after which a replica decides alone. */
const LONGEST_TRIP_MS = 50
/** What is left of a lease when it is taken up: two thirds, less what the answers took on their way. */
const LEASE_LEFT_MS = DEFAULT_POLICY.leaseMs * 2 / 3 - 4 * LONGEST_TRIP_MS

interface Running {
  readonly permit: Permit
  readonly since: number
}

type Step =
  | { readonly kind: 'ask', readonly replica: number, readonly wait: boolean }
  | { readonly kind: 'end', readonly which: number, readonly outcome: Outcome | 'release' }
  | { readonly kind: 'refresh', readonly replica: number }
  | { readonly kind: 'override', readonly replica: number, readonly action: 'force_open' | 'reset' }
  | { readonly kind: 'advance', readonly ms: number }

const replica = fc.nat(REPLICAS - 1)
const outcome = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Outcome | 'release'>({ class: 'failure', reason: 'connect' }) },
  { weight: 2, arbitrary: fc.constant<Outcome | 'release'>(SUCCESS) },
  { weight: 2, arbitrary: fc.constantFrom<Outcome | 'release'>('release', { class: 'cooldown', reason: 'rate_limited', retryAfterMs: 700 }) }
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('ask' as const), replica, wait: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('end' as const), which: fc.nat(10), outcome }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('refresh' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('override' as const), replica, action: fc.constantFrom('force_open' as const, 'reset' as const, 'reset' as const, 'reset' as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1_000, max: 12_000 })) }) }
)

async function play (steps: readonly Step[], latencies: readonly number[]): Promise<void> {
  const time = new VirtualTime()
  const memory = new MemoryBreakerStore(time.now)
  let calls = 0
  const travel = async () => {
    const ms = latencies[calls++ % latencies.length] ?? 0
    await new Promise<void>(resolve => { time.schedule(ms, resolve) })
  }
  const store = new UnreliableStore(memory)
  store.before = travel
  store.after = travel
  const fleet = Array.from({ length: REPLICAS }, (_, n) => {
    const breakers = new CircuitBreakers({
      store,
      // One failure opens, and not for long, so that most of a history is about probes.
      policy: { consecutiveFailures: 1, openMs: [500, 1_500] },
      owner: `replica-${n}`,
      now: time.now,
      random: () => 0.5,
      schedule: time.schedule,
      onEvent: event => {
        assert.notEqual(event.kind, 'store_lost')
      }
    })
    breakers.add('a')
    return breakers
  })
  const at = (n: number): CircuitBreakers => {
    const breakers = fleet[n]
    assert.ok(breakers !== undefined)
    return breakers
  }
  let running: Running[] = []
  let tooMany = false
  const started = (permit: Permit | undefined) => {
    if (permit === undefined) return
    running.push({ permit, since: time.now() })
    const fresh = running.filter(each => each.permit.probe && time.now() - each.since < LEASE_LEFT_MS)
    // Only those that could still be heard: a change by hand ends a probe's epoch under its feet.
    const newest = Math.max(...fresh.map(each => each.permit.epoch))
    if (fresh.filter(each => each.permit.epoch === newest).length > 1) tooMany = true
  }
  const background: Array<Promise<unknown>> = []
  for (const each of steps) {
    switch (each.kind) {
      case 'ask': {
        const admission = at(each.replica).admit('a')
        if (admission.kind === 'permit') started(admission.permit)
        else if (each.wait && admission.claim !== undefined) background.push(admission.claim.then(started))
        break
      }
      case 'end': {
        // One of the last few, as those are the ones that still count.
        const [ended] = running.length === 0 ? [] : running.splice(-1 - each.which % Math.min(3, running.length), 1)
        if (each.outcome === 'release') ended?.permit.release()
        else ended?.permit.record(each.outcome)
        break
      }
      case 'refresh':
        background.push(at(each.replica).refresh())
        break
      case 'override':
        background.push(at(each.replica).override('a', each.action, { by: 'ada', reason: '' }))
        break
      case 'advance':
        await time.advance(each.ms)
    }
  }
  assert.ok(!tooMany, 'two probes ran at once')
  for (const each of running) each.permit.release()
  running = []
  await time.advance(1_000)
  await Promise.all(background)
  const refreshed = Promise.all(fleet.map(async breakers => await breakers.refresh()))
  await time.advance(1_000)
  await refreshed
  const [stored] = await memory.load()
  const listing = Promise.all(fleet.map(async breakers => await breakers.list()))
  await time.advance(1_000)
  for (const [snapshot] of await listing) {
    assert.equal(snapshot?.epoch, stored?.epoch ?? 0)
    assert.equal(snapshot?.state, stored?.state ?? 'closed')
  }
}

t.test('one probe at a time, and one opinion in the end', async () => {
  const latencies = fc.array(fc.integer({ min: 0, max: LONGEST_TRIP_MS }), { minLength: 1, maxLength: 12 })
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 30, maxLength: 120, size: 'max' }), latencies, play), { numRuns: share(200, 5_000) })
})
