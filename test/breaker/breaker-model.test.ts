/**
 * The state machine against random histories: whatever happens in whatever order, its promises hold.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Breaker } from '../../breaker/breaker.ts'
import { SUCCESS } from '../../breaker/outcome.ts'
import type { Outcome } from '../../breaker/outcome.ts'
import { DEFAULT_POLICY } from '../../breaker/policy.ts'
import type { Effect, ManualAction, StateName } from '../../breaker/state.ts'
import type { Ticket } from '../../breaker/verdict.ts'
import { share } from '../support/nightly.ts'

interface Model {
  now: number
  epoch: number
  state: StateName
  /** Before this time an open breaker admits nothing. */
  openUntil: number
  cooldownUntil: number
  /** The owner of the lease that counts. */
  owner: string | null
  leaseUntil: number
  owners: number
  readonly tickets: Ticket[]
}

type Command = fc.Command<Model, Breaker>

/** Checks effects against what is allowed at all, and moves the model along. */
function follow (model: Model, breaker: Breaker, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind === 'cooldown') model.cooldownUntil = Math.max(model.cooldownUntil, model.now + effect.forMs)
    if (effect.kind === 'lease_returned') model.owner = null
    if (effect.kind !== 'transition') continue
    const { transition } = effect
    assert.equal(transition.fromEpoch, model.epoch)
    assert.equal(transition.epoch, model.epoch + 1)
    assert.equal(transition.from, model.state)
    model.epoch = transition.epoch
    model.state = transition.to
    model.owner = transition.lease?.owner ?? null
    if (transition.manual === null) {
      const allowed = [['closed', 'open'], ['open', 'half_open'], ['half_open', 'open'], ['half_open', 'closed']]
      assert.ok(allowed.some(([from, to]) => from === transition.from && to === transition.to), `${transition.from} to ${transition.to}`)
    }
    if (transition.to === 'open') {
      const { openForMs } = transition
      assert.ok(openForMs !== null && openForMs >= 1_600 && openForMs <= 60_000)
      model.openUntil = model.now + openForMs
    }
  }
  assert.equal(breaker.epoch, model.epoch)
  assert.equal(breaker.state.kind, model.state)
}

class Wait implements Command {
  readonly ms: number
  constructor (ms: number) { this.ms = ms }
  check (): boolean { return true }
  run (model: Model): void { model.now += this.ms }
  toString (): string { return `wait ${this.ms} ms` }
}

class Ask implements Command {
  check (): boolean { return true }
  run (model: Model, breaker: Breaker): void {
    const verdict = breaker.verdict(model.now)
    const held = model.owner !== null && model.leaseUntil > model.now
    const cooling = model.cooldownUntil > model.now
    if (model.state === 'forced_open') assert.equal(verdict.kind, 'refuse')
    if (model.state === 'forced_closed' || model.state === 'shadow') assert.equal(verdict.kind, 'admit')
    if (model.state === 'closed') assert.equal(verdict.kind, cooling ? 'refuse' : 'admit')
    if (model.state === 'open') assert.equal(verdict.kind, model.openUntil > model.now || cooling ? 'refuse' : 'probe_due')
    if (model.state === 'half_open') assert.equal(verdict.kind, held || cooling ? 'refuse' : 'probe_due')
    if (verdict.kind === 'refuse') assert.ok(verdict.retryAfterMs > 0)
    if (verdict.kind === 'admit') model.tickets.push(breaker.ticket())
    if (verdict.kind === 'probe_due') {
      const owner = `probe ${++model.owners}`
      const effects = breaker.claim(owner, model.now)
      assert.ok(effects !== undefined)
      follow(model, breaker, effects)
      model.owner = owner
      model.leaseUntil = model.now + DEFAULT_POLICY.leaseMs
      const ticket = breaker.probeTicket(owner)
      assert.ok(ticket !== undefined)
      model.tickets.push(ticket)
    } else {
      assert.equal(breaker.claim('nobody', model.now), undefined, 'no probe unless one is due')
    }
  }

  toString (): string { return 'ask' }
}

class Finish implements Command {
  readonly index: number
  readonly outcome: Outcome | 'release'
  constructor (index: number, outcome: Outcome | 'release') {
    this.index = index
    this.outcome = outcome
  }

  check (model: Readonly<Model>): boolean { return model.tickets.length > 0 }
  run (model: Model, breaker: Breaker): void {
    const ticket = model.tickets[this.index % model.tickets.length]
    assert.ok(ticket !== undefined)
    const outOfDate = ticket.epoch !== model.epoch || ticket.lease !== model.owner
    const { cooldownForMs: _, ...before } = breaker.snapshot(model.now)
    const effects = this.outcome === 'release'
      ? breaker.release(ticket)
      : breaker.record(ticket, this.outcome, null, model.now)
    follow(model, breaker, effects)
    if (!outOfDate) return
    const { cooldownForMs: _after, ...after } = breaker.snapshot(model.now)
    const onlyCooledDown = effects.some(effect => effect.kind === 'cooldown')
    assert.deepEqual(onlyCooledDown ? { ...after, cause: before.cause } : after, before, 'an outcome of an older epoch is not scored')
  }

  toString (): string { return `finish ${this.index} ${JSON.stringify(this.outcome)}` }
}

class Override implements Command {
  readonly action: ManualAction
  constructor (action: ManualAction) { this.action = action }
  check (): boolean { return true }
  run (model: Model, breaker: Breaker): void {
    if (this.action === 'reset') model.cooldownUntil = 0
    follow(model, breaker, [breaker.override({ action: this.action, by: 'ada', reason: '' }, model.now)])
  }

  toString (): string { return this.action }
}

const outcomes = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Outcome>({ class: 'failure', reason: 'connect' }, { class: 'failure', reason: 'slow_first_output' }) },
  { weight: 2, arbitrary: fc.constant<Outcome | 'release'>(SUCCESS) },
  { weight: 1, arbitrary: fc.constantFrom<Outcome | 'release'>('release', { class: 'neutral', reason: 'deadline' }, { class: 'misconfigured', reason: 'unauthorized' }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }).map((retryAfterMs): Outcome => ({ class: 'cooldown', reason: 'rate_limited', retryAfterMs })) }
)
const commands = [
  fc.integer({ min: 0, max: 12_000 }).map(ms => new Wait(ms)),
  fc.constant(new Ask()),
  fc.constant(new Ask()),
  fc.tuple(fc.nat(20), outcomes).map(([index, outcome]) => new Finish(index, outcome)),
  fc.tuple(fc.nat(20), outcomes).map(([index, outcome]) => new Finish(index, outcome)),
  fc.constantFrom<ManualAction>('force_open', 'force_closed', 'shadow', 'reset', 'reset', 'reset').map(action => new Override(action))
]

t.test('the promises of the state machine hold in every history', async () => {
  fc.assert(fc.property(fc.commands(commands, { maxCommands: 120, size: 'max' }), fc.double({ min: 0, max: 1, noNaN: true }), (history, chance) => {
    const setup = () => ({
      model: { now: 0, epoch: 0, state: 'closed' as const, openUntil: 0, cooldownUntil: 0, owner: null, leaseUntil: 0, owners: 0, tickets: [] },
      real: new Breaker('a', DEFAULT_POLICY, () => chance)
    })
    fc.modelRun(setup, history)
  }), { numRuns: share(300, 20_000) })
})
