import t from 'tap'
import { Breaker } from '../../breaker/breaker.ts'
import { SUCCESS } from '../../breaker/outcome.ts'
import type { FailureReason, Outcome } from '../../breaker/outcome.ts'
import { DEFAULT_POLICY } from '../../breaker/policy.ts'
import { neverStored } from '../../breaker/store.ts'
import type { Effect, ManualAction } from '../../breaker/state.ts'
import type { Ticket } from '../../breaker/verdict.ts'

const failure = (reason: FailureReason = 'upstream_error'): Outcome => ({ class: 'failure', reason })
const neutral: Outcome = { class: 'neutral', reason: 'client_closed' }
const misconfigured: Outcome = { class: 'misconfigured', reason: 'unauthorized' }
const rateLimited = (retryAfterMs?: number): Outcome => ({ class: 'cooldown', reason: 'rate_limited', retryAfterMs })

// The middle of the range: open times without jitter.
const newBreaker = (random = () => 0.5) => new Breaker('a', DEFAULT_POLICY, random)

function fail (breaker: Breaker, times: number, now = 0, reason?: FailureReason): readonly Effect[] {
  let effects: readonly Effect[] = []
  for (let n = 0; n < times; n++) effects = breaker.record(breaker.ticket(), failure(reason), 503, now)
  return effects
}

/** Takes the probe of an open breaker whose time has passed. */
function probe (breaker: Breaker, now: number, owner = 'probe'): Ticket {
  breaker.claim(owner, now)
  const ticket = breaker.probeTicket(owner)
  if (ticket === undefined) throw new Error('no lease')
  return ticket
}

const by = (action: ManualAction) => ({ action, by: 'ada', reason: 'test' })

t.test('three failures in a row open it for the first open time', async t => {
  const breaker = newBreaker()
  t.same(fail(breaker, 2), [])
  t.match(fail(breaker, 1), [{ kind: 'transition', transition: { from: 'closed', to: 'open', fromEpoch: 0, epoch: 1, cause: 'upstream_error', status: 503, openForMs: 2_000, openCount: 1 } }])
  t.same(breaker.verdict(0), { kind: 'refuse', why: 'open', retryAfterMs: 2_000 })
  t.same(breaker.verdict(1_999), { kind: 'refuse', why: 'open', retryAfterMs: 1 })
  t.same(breaker.verdict(2_000), { kind: 'probe_due' })
})

t.test('a success, but not a neutral outcome, interrupts the row', async t => {
  const breaker = newBreaker()
  fail(breaker, 2)
  breaker.record(breaker.ticket(), SUCCESS, 200, 0)
  t.same(fail(breaker, 2), [])
  breaker.record(breaker.ticket(), neutral, 400, 0)
  t.match(fail(breaker, 1), [{ kind: 'transition' }])
})

t.test('slow first outputs open it after five, mixed ones after three others or five together', async t => {
  const slow = newBreaker()
  t.same(fail(slow, 4, 0, 'slow_first_output'), [])
  t.match(fail(slow, 1, 0, 'slow_first_output'), [{ kind: 'transition', transition: { cause: 'slow_first_output' } }])
  const mixed = newBreaker()
  t.same(fail(mixed, 1, 0, 'slow_first_output'), [])
  t.same(fail(mixed, 2), [])
  t.match(fail(mixed, 1), [{ kind: 'transition' }])
})

t.test('half of at least twenty in 30 s open it', async t => {
  const breaker = newBreaker()
  for (let n = 0; n < 9; n++) {
    fail(breaker, 1, n * 1_000)
    breaker.record(breaker.ticket(), SUCCESS, 200, n * 1_000)
  }
  breaker.record(breaker.ticket(), SUCCESS, 200, 9_000)
  t.equal(breaker.state.kind, 'closed', '9 of 19')
  t.match(fail(breaker, 1, 9_000), [{ kind: 'transition', transition: { to: 'open' } }], '10 of 20')
})

t.test('a stream that begins well and breaks counts as one attempt that failed', async t => {
  const breaker = newBreaker()
  for (let n = 0; n < 3; n++) {
    t.equal(breaker.state.kind, 'closed')
    const ticket = breaker.ticket()
    breaker.record(ticket, SUCCESS, 200, n)
    breaker.record(ticket, failure('truncated'), 200, n)
    t.match(breaker.snapshot(n), n < 2 ? { attempts: n + 1, failures: n + 1, consecutiveFailures: n + 1 } : { state: 'open' })
  }
})

t.test('a stream that ends well counts once, however often that is said', async t => {
  const breaker = newBreaker()
  const ticket = breaker.ticket()
  breaker.record(ticket, SUCCESS, 200, 0)
  breaker.record(ticket, SUCCESS, 200, 0)
  breaker.release(ticket)
  t.match(breaker.snapshot(0), { attempts: 1, failures: 0 })
})

t.test('the probe\'s success closes it, and the rest of its stream counts in the new epoch', async t => {
  const breaker = newBreaker()
  fail(breaker, 3)
  const ticket = probe(breaker, 2_000)
  t.match(breaker.record(ticket, SUCCESS, 200, 2_000), [{ kind: 'transition', transition: { from: 'half_open', to: 'closed', epoch: 3, cause: null, openCount: 0 } }])
  t.equal(ticket.epoch, 3)
  t.match(breaker.snapshot(2_000), { state: 'closed', cause: null, attempts: 1, failures: 0 })
  breaker.record(ticket, failure('stalled'), 200, 2_100)
  t.match(breaker.snapshot(2_100), { state: 'closed', attempts: 1, failures: 1, consecutiveFailures: 1 })
})

t.test('each failed probe opens it for longer, up to the cap; a success starts over', async t => {
  const breaker = newBreaker()
  let now = 0
  const times: Array<number | null> = []
  const opened = (effects: readonly Effect[]) => {
    for (const effect of effects) {
      if (effect.kind !== 'transition' || effect.transition.openForMs === null) continue
      times.push(effect.transition.openForMs)
      now += effect.transition.openForMs
    }
  }
  opened(fail(breaker, 3))
  for (let n = 0; n < 6; n++) opened(breaker.record(probe(breaker, now), failure(), 500, now))
  t.same(times, [2_000, 4_000, 8_000, 16_000, 16_000, 16_000, 16_000])
  breaker.record(probe(breaker, now), SUCCESS, 200, now)
  t.match(fail(breaker, 3, now), [{ transition: { openForMs: 2_000 } }])
})

t.test('open times vary by a fifth', async t => {
  t.match(fail(newBreaker(() => 0), 3), [{ transition: { openForMs: 1_600 } }])
  t.match(fail(newBreaker(() => 1), 3), [{ transition: { openForMs: 2_400 } }])
})

t.test('after a failed probe the open time counts from the probe\'s beginning: a slow failure tells of a time long past', async t => {
  const breaker = newBreaker()
  fail(breaker, 3)
  const slow = { class: 'failure', reason: 'slow_first_output' } as const
  t.match(breaker.record(probe(breaker, 2_000), slow, null, 2_500), [{ transition: { to: 'open', openForMs: 3_500 } }])
  t.match(breaker.record(probe(breaker, 6_000), slow, null, 13_000), [{ transition: { to: 'open', openForMs: 1_600 } }], 'it is left alone for a moment all the same')
  t.match(breaker.record(probe(breaker, 15_000), slow, null, 25_000), [{ transition: { to: 'open', openForMs: 6_000 } }])
})

t.test('one probe at a time; a lost one is replaced when its lease is over, and is no longer heard', async t => {
  const breaker = newBreaker()
  fail(breaker, 3)
  const lost = probe(breaker, 2_000, 'lost')
  t.equal(breaker.claim('second', 2_000), undefined)
  t.same(breaker.verdict(2_000), { kind: 'refuse', why: 'half_open', retryAfterMs: 1_000 })
  t.equal(breaker.claim('second', 31_999), undefined)
  const second = probe(breaker, 32_000, 'second')
  t.match(breaker.record(lost, SUCCESS, 200, 32_000), [{ kind: 'not_scored' }])
  t.equal(breaker.state.kind, 'half_open')
  t.match(breaker.record(second, failure(), 500, 32_000), [{ kind: 'transition' }])
})

t.test('a probe that says nothing gives its lease back', async t => {
  for (const end of [
    (breaker: Breaker, ticket: Ticket) => breaker.record(ticket, neutral, 400, 2_000),
    (breaker: Breaker, ticket: Ticket) => breaker.release(ticket)
  ]) {
    const breaker = newBreaker()
    fail(breaker, 3)
    const ticket = probe(breaker, 2_000)
    t.match(end(breaker, ticket), [{ kind: 'lease_returned', epoch: 2, owner: 'probe' }])
    t.same(breaker.verdict(2_000), { kind: 'probe_due' })
    t.same(breaker.release(ticket), [])
    t.same(breaker.record(ticket, SUCCESS, 200, 2_000), [], 'and cannot change its mind')
  }
})

t.test('outcomes of an earlier epoch are not scored', async t => {
  const breaker = newBreaker()
  const tickets = [SUCCESS, failure(), neutral, misconfigured].map(outcome => ({ outcome, ticket: breaker.ticket() }))
  fail(breaker, 3)
  probe(breaker, 2_000)
  const before = breaker.snapshot(2_000)
  for (const { outcome, ticket } of tickets) {
    t.same(breaker.record(ticket, outcome, null, 2_000), [{ kind: 'not_scored', permitEpoch: 0 }])
  }
  t.same(breaker.snapshot(2_000), before)
})

t.test('a rate limit holds the target without opening it', async t => {
  const breaker = newBreaker()
  t.same(breaker.record(breaker.ticket(), rateLimited(7_000), 429, 0), [{ kind: 'cooldown', forMs: 7_000, cause: 'rate_limited', status: 429 }])
  t.same(breaker.verdict(0), { kind: 'refuse', why: 'cooldown', retryAfterMs: 7_000 })
  t.match(breaker.snapshot(0), { state: 'closed', epoch: 0, cause: 'rate_limited', status: 429, cooldownForMs: 7_000, failures: 0 })
  t.same(breaker.record(breaker.ticket(), rateLimited(3_000), 429, 0), [], 'a shorter one changes nothing')
  t.same(breaker.verdict(7_000), { kind: 'admit' })
  t.match(breaker.snapshot(7_000), { cause: null, status: null, cooldownForMs: null })
})

t.test('a rate limit without a time gets the default, one with an absurd time the maximum', async t => {
  t.match(newBreaker().record(newBreaker().ticket(), rateLimited(), 429, 0), [{ forMs: 5_000 }])
  t.match(newBreaker().record(newBreaker().ticket(), rateLimited(NaN), 429, 0), [{ forMs: 5_000 }])
  t.match(newBreaker().record(newBreaker().ticket(), rateLimited(Infinity), 429, 0), [{ forMs: 300_000 }])
  t.same(newBreaker().record(newBreaker().ticket(), rateLimited(-1), 429, 0), [])
})

t.test('a rate limit of an earlier epoch still holds the target', async t => {
  const breaker = newBreaker()
  const old = breaker.ticket()
  fail(breaker, 3)
  t.match(breaker.record(old, rateLimited(9_000), 429, 0), [{ kind: 'cooldown' }, { kind: 'not_scored' }])
  t.same(breaker.verdict(2_000), { kind: 'refuse', why: 'cooldown', retryAfterMs: 7_000 })
  t.same(breaker.verdict(9_000), { kind: 'probe_due' })
})

t.test('a rate limited probe reopens', async t => {
  const breaker = newBreaker()
  fail(breaker, 3)
  t.match(breaker.record(probe(breaker, 2_000), rateLimited(10_000), 429, 2_000), [{ kind: 'cooldown' }, { kind: 'transition', transition: { to: 'open', cause: 'rate_limited', openForMs: 4_000 } }])
  t.same(breaker.verdict(2_000), { kind: 'refuse', why: 'open', retryAfterMs: 10_000 })
})

t.test('refused credentials open it at once, also from a probe', async t => {
  const breaker = newBreaker()
  t.match(breaker.record(breaker.ticket(), misconfigured, 401, 0), [{ transition: { to: 'open', cause: 'unauthorized', status: 401, openForMs: 60_000 } }])
  t.match(breaker.record(probe(breaker, 60_000), misconfigured, 403, 60_000), [{ transition: { to: 'open', openForMs: 60_000 } }])
})

t.test('forced open admits nothing, however long', async t => {
  const breaker = newBreaker()
  t.match(breaker.override(by('force_open'), 0), { transition: { to: 'forced_open', cause: 'manual', manual: { by: 'ada' } } })
  t.match(breaker.verdict(1e12), { kind: 'refuse', why: 'forced_open' })
  t.match(breaker.snapshot(0), { manual: { by: 'ada', reason: 'test' } })
})

t.test('forced closed admits everything, and nothing opens it', async t => {
  const breaker = newBreaker()
  breaker.override(by('force_closed'), 0)
  t.same(fail(breaker, 50), [])
  breaker.record(breaker.ticket(), misconfigured, 401, 0)
  breaker.record(breaker.ticket(), rateLimited(60_000), 429, 0)
  t.same(breaker.verdict(0), { kind: 'admit' })
})

t.test('shadow admits everything and says once when it would have opened', async t => {
  const breaker = newBreaker()
  breaker.override(by('shadow'), 0)
  t.same(fail(breaker, 2), [])
  t.same(fail(breaker, 1), [{ kind: 'would_have_opened', cause: 'upstream_error', status: 503 }])
  t.same(fail(breaker, 2), [])
  t.same(breaker.verdict(0), { kind: 'admit' })
  t.match(breaker.record(breaker.ticket(), misconfigured, 401, 0), [{ kind: 'would_have_opened', cause: 'unauthorized' }])
  t.equal(breaker.state.kind, 'shadow')
})

t.test('a reset closes it and forgets counters, cooldown and open count', async t => {
  const breaker = newBreaker()
  breaker.record(breaker.ticket(), rateLimited(60_000), 429, 0)
  fail(breaker, 3)
  t.match(breaker.override(by('reset'), 0), { transition: { from: 'open', to: 'closed', cause: null } })
  t.match(breaker.snapshot(0), { state: 'closed', cause: null, cooldownForMs: null, attempts: 0, failures: 0, consecutiveFailures: 0, openCount: 0, manual: null })
  t.same(breaker.verdict(0), { kind: 'admit' })
})

t.test('what a store holds replaces what was here', async t => {
  const breaker = newBreaker()
  fail(breaker, 2)
  t.match(breaker.adopt({ ...neverStored('a'), state: 'open', epoch: 5, cause: 'connect', openForMs: 700, openCount: 3 }, 1_000, false), { from: 'closed', to: 'open', fromEpoch: 0, epoch: 5 })
  t.match(breaker.verdict(1_000), { why: 'open', retryAfterMs: 700 })
  t.match(breaker.snapshot(1_000), { openCount: 3, consecutiveFailures: 0 })
  t.equal(breaker.adopt({ ...neverStored('a'), state: 'open', epoch: 5, cause: 'connect', openForMs: 500, openCount: 3 }, 1_000, false), undefined)
  t.match(breaker.verdict(1_000), { retryAfterMs: 500 })
})
