/**
 * An outage of the first target, from its first failure until the target is used again: with the default policy, in virtual
 * time, for every length of the outage and every draw of the jitter.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { CircuitBreakers } from '../../breaker/circuit-breakers.ts'
import { MemoryBreakerStore } from '../../breaker/memory-store.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, textChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { FakeCall } from '../support/fake-provider.ts'
import { share } from '../support/nightly.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

/** How a target that is dead behaves. */
const DEAD = {
  refused: (call: FakeCall) => call.refuse(new UpstreamError('connect', 'x')),
  reset: (call: FakeCall) => call.refuse(new UpstreamError('reset', 'x')),
  unavailable: (call: FakeCall) => call.refuse(new UpstreamError('upstream_error', 'x', { status: 503 })),
  silent: () => {}
} as const
type Death = keyof typeof DEAD

/** A request comes so often, in ms. */
const EVERY_MS = 250
const BACK_WITHIN_MS = 20_000
/** Of the requests of an outage that go on for so long, in ms, no more than that share may be tried twice. */
const LONG_MS = 60_000
const EXTRA = 0.1

function answers (call: FakeCall): void {
  const writer = call.stream()
  for (const chunk of [textChunk('a'), finishChunk()]) writer.offer(chunk)
  writer.end({ terminal: true })
}

interface Outage {
  readonly death: Death
  readonly lengthMs: number
  readonly firstTokenTimeoutMs: number
  /** What `Math.random` would give. */
  readonly draws: readonly number[]
}

const immediate = fc.constantFrom<Death>('refused', 'reset', 'unavailable')
const draws = fc.array(fc.oneof(fc.constantFrom(0, 1 - Number.EPSILON), fc.double({ min: 0, max: 1 - Number.EPSILON, noNaN: true })), { minLength: 1, maxLength: 12 })
const lengthMs = fc.oneof(fc.integer({ min: 1, max: 120_000 }), fc.integer({ min: 55_000, max: 75_000 }))

/** Lives through an outage. `backMs`: from its end to the first answer of the target that was dead. */
async function live (time: ReturnType<typeof useVirtualTime>, { death, lengthMs, firstTokenTimeoutMs, draws }: Outage): Promise<{ backMs: number, requests: number, dead: number, others: number }> {
  let draw = 0
  const breakers = new CircuitBreakers({
    store: new MemoryBreakerStore(time.now),
    owner: 'replica',
    now: time.now,
    random: () => draws[draw++ % draws.length] ?? 0,
    schedule: time.schedule,
    onEvent: () => {}
  })
  for (const target of ['a', 'b']) breakers.add(target)
  await breakers.start()
  const wellAt = time.now() + lengthMs
  const seen: { backAt?: number } = {}
  let dead = 0
  let others = 0
  const fake = new FakeTargets({
    a: call => {
      if (time.now() >= wellAt) {
        seen.backAt ??= time.now()
        answers(call)
      } else {
        dead++
        DEAD[death](call)
      }
    },
    b: call => {
      others++
      answers(call)
    }
  }, { breakers })
  const answered: Array<Promise<unknown>> = []
  let at = time.now()
  while (seen.backAt === undefined && at < wellAt + 3 * BACK_WITHIN_MS) {
    answered.push(fake.failover.stream(fake.call({ route: { firstTokenTimeoutMs } })))
    await time.advance(EVERY_MS)
    at = time.now()
  }
  await time.advance(firstTokenTimeoutMs)
  await Promise.all(answered) // none is refused
  await breakers.close()
  return { backMs: (seen.backAt ?? Infinity) - wellAt, requests: answered.length, dead, others }
}

t.test('a target that refuses is back in use 20 s after it is well, and few requests were sent to it meanwhile', { timeout: 900_000 }, async t => {
  const time = useVirtualTime(t)
  let latest = 0
  await fc.assert(fc.asyncProperty(immediate, lengthMs, draws, async (death, lengthMs, draws) => {
    const { backMs, requests, dead, others } = await live(time, { death, lengthMs, firstTokenTimeoutMs: 1000, draws })
    latest = Math.max(latest, backMs)
    assert.ok(backMs <= BACK_WITHIN_MS, `back after ${backMs} ms`)
    if (lengthMs >= LONG_MS) assert.ok(dead + others <= requests * (1 + EXTRA), `${dead + others} attempts of ${requests} requests`)
  }), { numRuns: share(25, 1_000) })
  t.comment(`at the latest after ${latest} ms`)
  t.equal(time.pending, 0, 'no timer is left')
})

t.test('so is one that was silent', { timeout: 900_000 }, async t => {
  const time = useVirtualTime(t)
  let latest = 0
  await fc.assert(fc.asyncProperty(lengthMs, draws, fc.constantFrom(500, 1_000, 10_000), async (lengthMs, draws, firstTokenTimeoutMs) => {
    const { backMs } = await live(time, { death: 'silent', lengthMs, firstTokenTimeoutMs, draws })
    latest = Math.max(latest, backMs)
    assert.ok(backMs <= BACK_WITHIN_MS, `back after ${backMs} ms`)
  }), { numRuns: share(25, 1_000), examples: [[66_501, [0], 10_000]] })
  t.comment(`at the latest after ${latest} ms`)
  t.equal(time.pending, 0, 'no timer is left')
})
