/**
 * What every breaker store has to do, whatever it is made of.
 */
import type { Test } from 'tap'
import type { Transition } from '../../breaker/state.ts'
import type { BreakerStore, ProbeClaim, TransitionWrite } from '../../breaker/store.ts'

/** A store under test. */
export interface StoreUnderTest {
  readonly store: BreakerStore
  /** Makes the store believe that `ms` have passed. */
  elapse (ms: number): Promise<void>
}

let targets = 0

/** A transition of a target, closed to open for 2 s unless `change` says otherwise. */
export function opening (target: string, change: Partial<TransitionWrite> = {}): TransitionWrite {
  const transition: Transition = {
    target,
    fromEpoch: 0,
    epoch: 1,
    from: 'closed',
    to: 'open',
    cause: 'upstream_error',
    status: 503,
    openForMs: 2_000,
    openCount: 1,
    lease: null,
    manual: null
  }
  return { ...transition, writer: 'replica-a', ...change }
}

function claimOf (target: string, change: Partial<ProbeClaim> = {}): ProbeClaim {
  return { target, epoch: 1, owner: 'replica-a/1', leaseMs: 30_000, writer: 'replica-a', ...change }
}

function near (t: Test, value: number | null | undefined, expected: number): void {
  t.ok(value != null && value <= expected && value > expected - 1_500, `${value} is about ${expected}`)
}

/** Runs the whole contract against one store; each test uses a target of its own. */
export async function testBreakerStore (t: Test, { store, elapse }: StoreUnderTest): Promise<void> {
  const newTarget = () => `target-${++targets}`
  const stored = async (target: string) => (await store.load()).find(each => each.target === target)

  await t.test('a transition is stored as it was made', async t => {
    const target = newTarget()
    const { applied, stored: row } = await store.transition(opening(target))
    t.ok(applied)
    t.match(row, {
      target, state: 'open', epoch: 1, cause: 'upstream_error', status: 503, openCount: 1, cooldownForMs: null, lease: null, manual: null, writer: 'replica-a'
    })
    near(t, row.openForMs, 2_000)
    t.match(await stored(target), { ...row, openForMs: Number })
  })

  await t.test('a transition from an epoch that is over changes nothing and tells what holds', async t => {
    const target = newTarget()
    await store.transition(opening(target))
    const { applied, stored: row } = await store.transition(opening(target, { writer: 'replica-b', cause: 'connect' }))
    t.notOk(applied)
    t.match(row, { epoch: 1, cause: 'upstream_error', writer: 'replica-a' })
  })

  await t.test('of many transitions from one epoch exactly one is applied', async t => {
    const target = newTarget()
    const results = await Promise.all(Array.from({ length: 16 }, async (_, n) => await store.transition(opening(target, { writer: `replica-${n}` }))))
    const applied = results.filter(result => result.applied)
    t.equal(applied.length, 1)
    t.same(new Set(results.map(result => result.stored.writer)).size, 1, 'everybody learns of the same one')
  })

  await t.test('a change by hand is stored with its author; a reset clears the cooldown', async t => {
    const target = newTarget()
    await store.setCooldown({ target, forMs: 60_000, cause: 'rate_limited', status: 429 })
    const forced = await store.transition(opening(target, {
      to: 'forced_open', cause: 'manual', openForMs: null, manual: { action: 'force_open', by: 'ada', reason: 'maintenance' }
    }))
    t.match(forced.stored, { state: 'forced_open', openForMs: null, manual: { by: 'ada', reason: 'maintenance' } })
    near(t, forced.stored.cooldownForMs, 60_000)
    const reset = await store.transition(opening(target, {
      fromEpoch: 1, epoch: 2, from: 'forced_open', to: 'closed', cause: null, status: null, openForMs: null, openCount: 0, manual: { action: 'reset', by: 'ada', reason: 'done' }
    }))
    t.match(reset.stored, { state: 'closed', epoch: 2, cooldownForMs: null, manual: null }, 'and nobody holds it any more')
    t.match(await stored(target), { state: 'closed', manual: null })
  })

  await t.test('no probe before the open time is over; then it is half-open at the next epoch', async t => {
    const target = newTarget()
    await store.transition(opening(target))
    const early = await store.claimProbe(claimOf(target))
    t.match(early, { won: false, stored: { state: 'open', epoch: 1 } })
    await elapse(2_001)
    const late = await store.claimProbe(claimOf(target))
    t.match(late, { won: true, stored: { state: 'half_open', epoch: 2, openForMs: null, lease: { owner: 'replica-a/1' }, cause: 'upstream_error', openCount: 1 } })
    near(t, late.stored.lease?.forMs, 30_000)
  })

  await t.test('of 32 claimants of one probe exactly one wins, round after round', async t => {
    for (let round = 0; round < 5; round++) {
      const target = newTarget()
      await store.transition(opening(target, { openForMs: 0 }))
      const results = await Promise.all(Array.from({ length: 32 }, async (_, n) => await store.claimProbe(claimOf(target, { owner: `${n}` }))))
      t.equal(results.filter(result => result.won).length, 1)
      t.equal(new Set(results.map(result => result.stored.lease?.owner)).size, 1, 'everybody learns who it is')
    }
  })

  await t.test('a lease keeps others away until it expires, and is then taken over within the epoch', async t => {
    const target = newTarget()
    await store.transition(opening(target, { openForMs: 0 }))
    await store.claimProbe(claimOf(target))
    t.match(await store.claimProbe(claimOf(target, { epoch: 2, owner: 'b' })), { won: false, stored: { lease: { owner: 'replica-a/1' } } })
    await elapse(30_001)
    t.match(await store.claimProbe(claimOf(target, { epoch: 2, owner: 'b' })), { won: true, stored: { epoch: 2, lease: { owner: 'b' } } })
  })

  await t.test('a lease that was given back can be taken at once; only its owner can give it back', async t => {
    const target = newTarget()
    await store.transition(opening(target, { openForMs: 0 }))
    await store.claimProbe(claimOf(target))
    await store.releaseProbe({ target, epoch: 2, owner: 'somebody else' })
    t.match(await store.claimProbe(claimOf(target, { epoch: 2, owner: 'b' })), { won: false })
    await store.releaseProbe({ target, epoch: 2, owner: 'replica-a/1' })
    t.match(await store.claimProbe(claimOf(target, { epoch: 2, owner: 'b' })), { won: true })
  })

  await t.test('no probe while the target is cooling down, from a wrong epoch, or of a closed or unknown breaker', async t => {
    const target = newTarget()
    t.match(await store.claimProbe(claimOf(target)), { won: false, stored: { target, state: 'closed', epoch: 0 } })
    await store.transition(opening(target, { openForMs: 0 }))
    t.match(await store.claimProbe(claimOf(target, { epoch: 7 })), { won: false })
    await store.setCooldown({ target, forMs: 5_000, cause: 'rate_limited', status: 429 })
    t.match(await store.claimProbe(claimOf(target)), { won: false })
    await elapse(5_001)
    t.match(await store.claimProbe(claimOf(target)), { won: true })
    await store.transition(opening(target, { fromEpoch: 2, epoch: 3, from: 'half_open', to: 'closed', openForMs: null }))
    t.match(await store.claimProbe(claimOf(target, { epoch: 3 })), { won: false, stored: { state: 'closed', lease: null } })
  })

  await t.test('the later cooldown stays, and changes no epoch', async t => {
    const target = newTarget()
    await store.setCooldown({ target, forMs: 10_000, cause: 'rate_limited', status: 429 })
    await store.setCooldown({ target, forMs: 3_000, cause: 'rate_limited', status: 429 })
    const row = await stored(target)
    t.match(row, { state: 'closed', epoch: 0, cause: 'rate_limited', status: 429 })
    near(t, row?.cooldownForMs, 10_000)
    t.ok((await store.transition(opening(target))).applied, 'a transition from epoch 0 still applies')
    await elapse(10_001)
    t.equal((await stored(target))?.cooldownForMs, null)
  })
}
