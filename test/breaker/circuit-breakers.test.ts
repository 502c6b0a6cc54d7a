import t from 'tap'
import type { Admission, Permit } from '../../breaker/admission.ts'
import { CircuitBreakers, UnknownTargetError } from '../../breaker/circuit-breakers.ts'
import type { BreakerEvent } from '../../breaker/events.ts'
import { MemoryBreakerStore } from '../../breaker/memory-store.ts'
import { SUCCESS } from '../../breaker/outcome.ts'
import type { Outcome } from '../../breaker/outcome.ts'
import type { BreakerStore } from '../../breaker/store.ts'
import { UnreliableStore } from '../support/unreliable-store.ts'
import { VirtualTime, settle } from '../support/virtual-time.ts'

const FAILURE: Outcome = { class: 'failure', reason: 'upstream_error' }
const NEUTRAL: Outcome = { class: 'neutral', reason: 'client_closed' }

function fleet (replicas = 1) {
  const time = new VirtualTime()
  const memory = new MemoryBreakerStore(time.now)
  const store = new UnreliableStore(memory)
  const events: BreakerEvent[] = []
  const newReplica = (owner: string, via: BreakerStore = store) => {
    const breakers = new CircuitBreakers({
      store: via, owner, now: time.now, random: () => 0.5, schedule: time.schedule, onEvent: event => events.push(event)
    })
    breakers.add('a')
    return breakers
  }
  const all = Array.from({ length: replicas }, (_, n) => newReplica(`replica-${n}`))
  const [first, second] = [all[0] ?? newReplica('first'), all[1] ?? newReplica('second')]
  return { time, memory, store, events, newReplica, first, second, stored: async () => (await memory.load())[0] }
}

function permitOf (admission: Admission): Permit {
  if (admission.kind !== 'permit') throw new Error(`refused: ${admission.why}`)
  return admission.permit
}

function trip (breakers: CircuitBreakers): void {
  for (let n = 0; n < 3; n++) permitOf(breakers.admit('a')).record(FAILURE, { status: 500 })
}

/** Trips, waits for the open time, and gives the claim that the next request starts; in an object, or it would be awaited. */
async function claimAfterTrip (breakers: CircuitBreakers, time: VirtualTime): Promise<{ claim: Promise<Permit | undefined> | undefined }> {
  trip(breakers)
  await time.advance(2_000)
  const admission = breakers.admit('a')
  t.match(admission, { kind: 'refused', why: 'open' })
  return { claim: admission.kind === 'refused' ? admission.claim : undefined }
}

t.test('a trip takes effect at once and is stored behind', async t => {
  const { first, stored, events } = fleet()
  trip(first)
  t.match(first.admit('a'), { kind: 'refused', why: 'open', retryAfterMs: 2_000, claim: undefined })
  await settle()
  t.match(await stored(), { state: 'open', epoch: 1, cause: 'upstream_error', status: 500, writer: 'replica-0' })
  t.match(events, [{ kind: 'transition', adopted: false, alert: false, transition: { to: 'open' } }])
})

t.test('whoever awaits the claim first gets the probe, nobody else', async t => {
  const { first, time, stored } = fleet()
  const { claim } = await claimAfterTrip(first, time)
  const other = first.admit('a')
  t.ok(other.kind === 'refused' && other.claim !== undefined, 'those who ask meanwhile may wait too')
  const [mine, theirs] = await Promise.all([claim, other.kind === 'refused' ? other.claim : undefined])
  t.match(mine, { target: 'a', probe: true, epoch: 2 })
  t.equal(theirs, undefined)
  t.match(first.admit('a'), { kind: 'refused', why: 'half_open' })
  mine?.record(SUCCESS)
  t.equal(mine?.epoch, 3, 'the rest of its stream counts in the new epoch')
  t.match(first.admit('a'), { kind: 'permit', permit: { probe: false, epoch: 3 } })
  await settle()
  t.match(await stored(), { state: 'closed', epoch: 3, lease: null })
})

t.test('a claim that nobody awaits goes to the next request', async t => {
  const { first, time } = fleet()
  await claimAfterTrip(first, time)
  await settle()
  t.match(first.admit('a'), { kind: 'permit', permit: { probe: true } })
  t.match(first.admit('a'), { kind: 'refused', why: 'half_open' })
})

t.test('a lease that waited for a taker for too long is given back, and claimed anew', async t => {
  const { first, time } = fleet()
  await claimAfterTrip(first, time)
  await time.advance(10_000)
  const again = first.admit('a')
  const permit = again.kind === 'refused' ? await again.claim : undefined
  t.match(permit, { probe: true, epoch: 2 })
  await time.advance(29_000)
  t.match(first.admit('a'), { kind: 'refused', why: 'half_open' }, 'its lease is a whole one')
})

t.test('a permit that nobody took in time is worth nothing', async t => {
  const { first, second, time } = fleet(2)
  await claimAfterTrip(first, time)
  await time.advance(30_000)
  await second.refresh()
  const other = second.admit('a')
  const theirs = other.kind === 'refused' ? await other.claim : undefined
  t.match(theirs, { probe: true })
  first.admit('a')
  await settle()
  t.match(first.admit('a'), { kind: 'refused', why: 'half_open' }, 'the first learned that the lease went to somebody else')
})

t.test('a probe that says nothing lets the next request probe at once', async t => {
  const { first, time, stored } = fleet()
  const { claim } = await claimAfterTrip(first, time)
  const probe = await claim
  probe?.record(NEUTRAL)
  const again = first.admit('a')
  const next = again.kind === 'refused' ? await again.claim : undefined
  t.match(next, { probe: true, epoch: 2 })
  next?.release()
  next?.release()
  await settle()
  t.match(await stored(), { state: 'half_open', epoch: 2, lease: null })
})

t.test('of two replicas one probes, and the other follows', async t => {
  const { first, second, time, events } = fleet(2)
  trip(first)
  await settle()
  await second.refresh()
  t.match(second.admit('a'), { kind: 'refused', why: 'open' })
  await time.advance(2_000)
  const claims = [first.admit('a'), second.admit('a')].map(async admission => admission.kind === 'refused' ? await admission.claim : undefined)
  const permits = (await Promise.all(claims)).filter(permit => permit !== undefined)
  t.equal(permits.length, 1)
  permits[0]?.record(SUCCESS)
  await settle()
  await Promise.all([first.refresh(), second.refresh()])
  t.match(first.admit('a'), { kind: 'permit' })
  t.match(second.admit('a'), { kind: 'permit' })
  t.ok(events.some(event => event.kind === 'transition' && event.adopted && event.transition.to === 'closed'))
})

t.test('two replicas that trip at once agree on one transition', async t => {
  const { first, second, stored } = fleet(2)
  trip(first)
  trip(second)
  await settle()
  t.match(await stored(), { epoch: 1 })
  t.match(await first.list(), [{ state: 'open', epoch: 1 }])
  t.match(await second.list(), [{ state: 'open', epoch: 1 }])
})

t.test('what an operator asks for is made again on top of what another replica stored first', async t => {
  const { first, second, stored } = fleet(2)
  trip(second)
  await settle()
  t.match(await first.override('a', 'force_open', { by: 'ada', reason: 'maintenance' }), { state: 'forced_open', epoch: 2, cause: 'manual', manual: { by: 'ada', reason: 'maintenance' } })
  t.match(await stored(), { state: 'forced_open', epoch: 2 })
})

t.test('a change by hand during a claim wins over the claim', async t => {
  const { first, time, stored } = fleet()
  const { claim } = await claimAfterTrip(first, time)
  const [permit, snapshot] = await Promise.all([claim, first.override('a', 'force_closed', { by: 'ada', reason: '' })])
  t.equal(permit, undefined)
  t.match(snapshot, { state: 'forced_closed' })
  t.match(await stored(), { state: 'forced_closed', lease: null })
})

t.test('the answer to a claim that arrives after a change by hand is not believed', async t => {
  const { first, store, time, stored } = fleet()
  const arrival = Promise.withResolvers<void>()
  store.after = async operation => { if (operation === 'claimProbe') await arrival.promise }
  const { claim } = await claimAfterTrip(first, time)
  await settle()
  t.match(await stored(), { state: 'half_open' }, 'the claim was won')
  await first.override('a', 'force_open', { by: 'ada', reason: '' })
  arrival.resolve()
  t.equal(await claim, undefined)
  t.match(first.admit('a'), { kind: 'refused', why: 'forced_open' })
  t.match(await stored(), { state: 'forced_open', epoch: 3, lease: null })
})

t.test('a refresh that was asked for before a change here does not undo it', async t => {
  const { first, store } = fleet()
  await first.override('a', 'reset', { by: 'ada', reason: '' })
  const arrival = Promise.withResolvers<void>()
  store.after = async operation => { if (operation === 'load') await arrival.promise }
  const refreshed = first.refresh()
  await settle()
  trip(first)
  await settle()
  arrival.resolve()
  await refreshed
  t.match(first.admit('a'), { kind: 'refused', why: 'open' })
})

t.test('a refresh that was asked for while a change was being written does not undo it', async t => {
  const { first, store, stored } = fleet()
  permitOf(first.admit('a')).record({ class: 'cooldown', reason: 'rate_limited', retryAfterMs: 200_000 })
  await settle()
  const writing = Promise.withResolvers<void>()
  store.before = async operation => { if (operation === 'transition') await writing.promise }
  const reset = first.override('a', 'reset', { by: 'ops', reason: 'it is well' })
  const answering = Promise.withResolvers<void>()
  store.after = async operation => { if (operation === 'load') await answering.promise }
  const refreshed = first.refresh()
  await settle()
  writing.resolve()
  await reset
  answering.resolve()
  await refreshed
  t.match(first.admit('a'), { kind: 'permit' })
  t.match(await stored(), { state: 'closed', epoch: 1, cooldownForMs: null })
})

t.test('cooldowns are shared', async t => {
  const { first, second } = fleet(2)
  permitOf(first.admit('a')).record({ class: 'cooldown', reason: 'rate_limited', retryAfterMs: 9_000 }, { status: 429 })
  t.match(first.admit('a'), { kind: 'refused', why: 'cooldown', retryAfterMs: 9_000 })
  await settle()
  await second.refresh()
  t.match(second.admit('a'), { kind: 'refused', why: 'cooldown', retryAfterMs: 9_000 })
  t.match(await second.list(), [{ state: 'closed', cause: 'rate_limited', status: 429, cooldownForMs: 9_000 }])
})

t.test('stored states are there after a restart, also for targets that are added later', async t => {
  const { first, time, newReplica } = fleet()
  trip(first)
  await first.close()
  await time.advance(500)
  const next = newReplica('next')
  await next.start()
  t.match(next.admit('a'), { kind: 'refused', why: 'open', retryAfterMs: 1_500 })
  const late = newReplica('late', { ...emptyStore, load: async () => [{ ...openB }] })
  await late.start()
  late.add('b')
  t.match(late.admit('b'), { kind: 'refused', why: 'open' })
})

t.test('a store that rejects: everything goes on in memory, one event per outage, then the writes follow', async t => {
  const { first, store, time, events, stored } = fleet()
  store.before = async () => { throw new Error('down') }
  const { claim } = await claimAfterTrip(first, time)
  const probe = await claim
  t.match(probe, { probe: true, epoch: 2 }, 'decided here')
  probe?.record(FAILURE)
  await time.advance(2_500)
  t.equal(await stored(), undefined)
  t.equal(events.filter(event => event.kind === 'store_lost').length, 1)
  t.ok(first.storeFailures >= 2)
  store.before = async () => {}
  await time.advance(1_000)
  t.match(await stored(), { state: 'open', epoch: 3, writer: 'replica-0' })
  t.match(events.at(-1), { kind: 'store_back' })
})

t.test('a store that hangs costs 250 ms once', async t => {
  const { first, store, time } = fleet()
  trip(first)
  await time.advance(2_000)
  store.before = async () => await new Promise(() => {})
  const admission = first.admit('a')
  const claim = admission.kind === 'refused' ? admission.claim : undefined
  let probe: Permit | undefined
  const waiting = (async () => { probe = await claim })()
  await time.advance(249)
  t.equal(probe, undefined)
  await time.advance(1)
  await waiting
  t.match(probe, { probe: true })
  probe?.record(NEUTRAL)
  const again = first.admit('a')
  t.match(await (again.kind === 'refused' ? again.claim : undefined), { probe: true }, 'this time at once')
})

t.test('a write that timed out here but reached the store is not made twice', async t => {
  const { first, store, time, stored } = fleet()
  store.after = async () => await new Promise(() => {})
  trip(first)
  await time.advance(250)
  t.match(await stored(), { epoch: 1 })
  store.after = async () => {}
  await time.advance(1_000)
  t.match(await first.list(), [{ state: 'open', epoch: 1 }])
  t.match(await stored(), { epoch: 1 })
})

t.test('a flood of changes while the store is away leaves a short queue and the newest state', async t => {
  const { first, store, time, stored } = fleet()
  let written = 0
  store.before = async () => { throw new Error('down') }
  for (let n = 0; n < 100; n++) void first.override('a', n % 2 === 0 ? 'force_open' : 'force_closed', { by: 'ada', reason: `${n}` })
  await time.advance(500)
  store.before = async operation => { if (operation === 'transition') written++ }
  await time.advance(1_000)
  t.equal(written, 16)
  t.match(await stored(), { state: 'forced_closed', epoch: 100, manual: { reason: '99' } })
})

t.test('an emptied store is the truth again after the next claim', async t => {
  const { first, time, newReplica } = fleet()
  const other = newReplica('other', new MemoryBreakerStore(time.now))
  t.match(other.admit('a'), { kind: 'permit' })
  const forgetful = new UnreliableStore(new MemoryBreakerStore(time.now))
  const replica = newReplica('r', { ...emptyStore, transition: async change => await forgetful.transition(change) })
  trip(replica)
  await time.advance(2_000)
  const admission = replica.admit('a')
  t.equal(await (admission.kind === 'refused' ? admission.claim : undefined), undefined)
  t.match(replica.admit('a'), { kind: 'permit', permit: { epoch: 0 } })
  t.match(first.admit('a'), { kind: 'permit' })
})

t.test('list waits for the store, but not for ever', async t => {
  const { first, store, time } = fleet()
  store.before = async () => await new Promise(() => {})
  trip(first)
  let listed = false
  const waiting = (async () => {
    t.match(await first.list(), [{ state: 'open' }])
    listed = true
  })()
  await time.advance(100)
  t.notOk(listed)
  await time.advance(150)
  await waiting
})

t.test('close gives an unused lease back, stores what waits, and leaves no timer', async t => {
  const { first, store, time, stored } = fleet()
  await claimAfterTrip(first, time)
  await settle()
  await first.close()
  t.match(await stored(), { state: 'half_open', lease: null })
  t.equal(time.pending, 0)
  store.before = async () => await new Promise(() => {})
  void first.override('a', 'reset', { by: 'ada', reason: '' })
  let closed = false
  const closing = (async () => {
    await first.close()
    closed = true
  })()
  await time.advance(1_000)
  await closing
  t.ok(closed)
  t.equal(time.pending, 0)
})

t.test('an unknown target is an error', async t => {
  const { first } = fleet()
  t.throws(() => first.admit('nobody'), UnknownTargetError)
  await t.rejects(first.override('nobody', 'reset', { by: 'ada', reason: '' }), UnknownTargetError)
})

t.test('refused credentials raise an alert', async t => {
  const { first, events } = fleet()
  permitOf(first.admit('a')).record({ class: 'misconfigured', reason: 'unauthorized' }, { status: 401 })
  t.match(events, [{ kind: 'transition', alert: true, transition: { cause: 'unauthorized', status: 401, openForMs: 60_000 } }])
})

t.test('events tell of a shadow\'s trips and of outcomes that come too late', async t => {
  const { first, events } = fleet()
  const old = permitOf(first.admit('a'))
  await first.override('a', 'shadow', { by: 'ada', reason: '' })
  old.record(FAILURE)
  trip(first)
  t.match(events.slice(1), [{ kind: 'not_scored', permitEpoch: 0, epoch: 1 }, { kind: 'would_have_opened', target: 'a' }])
})

const openB = { target: 'b', state: 'open', epoch: 4, cause: 'connect', status: null, openForMs: 5_000, openCount: 1, cooldownForMs: null, lease: null, manual: null, writer: 'x', timeline: 0 } as const

const empty = new MemoryBreakerStore(() => 0)
const emptyStore: BreakerStore = {
  load: async () => [],
  transition: async change => await empty.transition(change),
  claimProbe: async claim => await new MemoryBreakerStore().claimProbe(claim),
  releaseProbe: async () => {},
  setCooldown: async () => {}
}

t.test('an open breaker lets one request a second through if asked to, and scores nothing of it', async t => {
  const { first, time } = fleet()
  t.equal(first.trickle('a'), undefined, 'a closed one needs none')
  trip(first)
  t.equal(first.trickle('a'), undefined, 'nor one that has just opened')
  await time.advance(1_000)
  const permit = first.trickle('a')
  t.match(permit, { target: 'a', epoch: 1, probe: false })
  t.equal(first.trickle('a'), undefined)
  permit?.record(SUCCESS)
  permit?.record(FAILURE)
  t.match((await first.list())[0], { state: 'open', epoch: 1, attempts: 0 })
  await time.advance(999)
  t.equal(first.trickle('a'), undefined)
  await time.advance(1)
  t.equal(first.trickle('a'), undefined, 'its time is over: what is due is the probe')
  await first.override('a', 'force_open', { by: 'ada', reason: '' })
  await time.advance(1_000)
  t.equal(first.trickle('a'), undefined, 'nor one that an operator has opened')
})
