/**
 * The circuit breaker of one target: a state machine that reads no clock and writes nowhere.
 *
 * Time (ms, monotonic) comes in with every call; what has to be stored or logged goes out as effects. The epoch grows by
 * one with every transition. A request carries the epoch it was admitted in, and its outcome counts in that epoch only:
 * a success that began before an outage says nothing about whether the outage is over.
 */
import { Cooldown } from './cooldown.ts'
import { openTimeMs } from './open-time.ts'
import type { Outcome } from './outcome.ts'
import type { BreakerPolicy } from './policy.ts'
import { STATE_AFTER } from './state.ts'
import type { BreakerSnapshot, BreakerState, Cause, Effect, Lease, Manual, ManualChange, Transition } from './state.ts'
import { heldBy, stateOf } from './store.ts'
import type { StoredBreaker } from './store.ts'
import { OutcomeTally } from './tally.ts'
import type { Ticket, Verdict } from './verdict.ts'

/** While a probe runs, nobody knows how long it takes: ask again after this many ms. */
const PROBE_RETRY_MS = 1_000

const NONE: readonly Effect[] = []
const ADMIT: Verdict = { kind: 'admit' }
const PROBE_DUE: Verdict = { kind: 'probe_due' }

/** One target's breaker; starts closed at epoch 0. */
export class Breaker {
  readonly target: string
  readonly #policy: BreakerPolicy
  readonly #random: () => number
  readonly #tally: OutcomeTally
  readonly #cooldown: Cooldown
  #state: BreakerState = { kind: 'closed' }
  #epoch = 0
  #cause: Cause | null = null
  #status: number | null = null
  #openCount = 0
  #manual: Manual | null = null
  /** The store's, of what was adopted last. */
  #timeline = 0

  /** @param random gives numbers from 0 to below 1, for the jitter of open times. */
  constructor (target: string, policy: BreakerPolicy, random: () => number) {
    this.target = target
    this.#policy = policy
    this.#random = random
    this.#tally = new OutcomeTally(policy)
    this.#cooldown = new Cooldown(policy)
  }

  /** Grows by one with every transition. */
  get epoch (): number { return this.#epoch }

  /** Whether what a store showed is older than what is known here: read at a standby that lags, or at a deposed primary. */
  isOutdated ({ timeline, epoch }: StoredBreaker): boolean {
    return timeline < this.#timeline || (timeline === this.#timeline && epoch < this.#epoch)
  }

  /** What the breaker is doing. */
  get state (): BreakerState { return this.#state }

  /** Whether a request may go now. Changes nothing. */
  verdict (now: number): Verdict {
    const state = this.#state
    const cooling = this.cooldownForMs(now) ?? 0
    switch (state.kind) {
      case 'shadow':
      case 'forced_closed':
        return ADMIT
      case 'forced_open':
        // Nobody knows when it ends: the longest open time is the best guess there is.
        return { kind: 'refuse', why: 'forced_open', retryAfterMs: this.#policy.openMs.at(-1) ?? PROBE_RETRY_MS }
      case 'closed':
        return cooling > 0 ? { kind: 'refuse', why: 'cooldown', retryAfterMs: cooling } : ADMIT
      case 'open':
        if (state.until > now) return { kind: 'refuse', why: 'open', retryAfterMs: Math.max(state.until - now, cooling) }
        break
      case 'half_open':
        if (state.lease !== null && state.lease.expiresAt > now) {
          return { kind: 'refuse', why: 'half_open', retryAfterMs: Math.min(PROBE_RETRY_MS, state.lease.expiresAt - now) }
        }
    }
    return cooling > 0 ? { kind: 'refuse', why: 'cooldown', retryAfterMs: cooling } : PROBE_DUE
  }

  /** A ticket for a request that the verdict admits. */
  ticket (): Ticket {
    return { epoch: this.#epoch, lease: null, begun: null, settled: false }
  }

  /** A ticket for the probe, if `owner` holds the lease (expired or not); else undefined. */
  probeTicket (owner: string): Ticket | undefined {
    return this.#leaseOwner() === owner ? { epoch: this.#epoch, lease: owner, begun: null, settled: false } : undefined
  }

  /** A ticket for a request to an open breaker, made so that not everybody is turned away; it is not scored. Undefined unless open by itself, and where the probe is due. */
  trickleTicket (now: number): Ticket | undefined {
    const open = this.#state.kind === 'open' && this.#state.until > now && this.cooldownForMs(now) === null
    return open ? { epoch: this.#epoch, lease: null, begun: null, settled: true } : undefined
  }

  /** Whether a ticket's outcome would still be scored. */
  isCurrent (ticket: Ticket): boolean {
    return ticket.epoch === this.#epoch && ticket.lease === this.#leaseOwner()
  }

  /** Takes the probe's lease without asking a store. Undefined when no probe is due. */
  claim (owner: string, now: number): readonly Effect[] | undefined {
    if (this.verdict(now).kind !== 'probe_due') return undefined
    const lease: Lease = { owner, expiresAt: now + this.#policy.leaseMs }
    if (this.#state.kind === 'half_open') {
      this.#state = { kind: 'half_open', lease }
      return NONE
    }
    return [this.#move({ kind: 'half_open', lease }, now)]
  }

  /** Scores what became of a request. A stream is scored when its output begins, and again when it ends. */
  record (ticket: Ticket, outcome: Outcome, status: number | null, now: number): readonly Effect[] {
    if (ticket.settled) return NONE
    if (outcome.class !== 'success') ticket.settled = true
    // A rate limit is a fact about the target, whichever epoch the request that met it was admitted in.
    const cooldown = outcome.class === 'cooldown' ? this.#coolDown(outcome.retryAfterMs, outcome.reason, status, now) : NONE
    if (!this.isCurrent(ticket)) return [...cooldown, { kind: 'not_scored', permitEpoch: ticket.epoch }]
    const probing = ticket.lease !== null
    switch (outcome.class) {
      case 'success':
        return this.#succeed(ticket, now)
      case 'failure':
        if (probing) return [this.#open(outcome.reason, status, this.#reopenMs(now), now)]
        return this.#fail(ticket, outcome.reason, status, now)
      case 'misconfigured':
        if (probing) return [this.#open(outcome.reason, status, this.#policy.misconfiguredOpenMs, now)]
        return this.#trip(outcome.reason, status, this.#policy.misconfiguredOpenMs, now)
      case 'cooldown':
        return probing ? [...cooldown, this.#open(outcome.reason, status, this.#reopenMs(now), now)] : cooldown
      case 'neutral':
        return this.#returnLease(ticket)
    }
  }

  /** Ends a ticket whose request said nothing about the target; a ticket already scored is left alone. */
  release (ticket: Ticket): readonly Effect[] {
    if (ticket.settled || ticket.begun !== null) return NONE
    ticket.settled = true
    return this.isCurrent(ticket) ? this.#returnLease(ticket) : NONE
  }

  /** Does what an operator asks; always a transition, so that it is on record even when it changes nothing. */
  override (change: ManualChange, now: number): Effect {
    this.#openCount = 0
    if (change.action === 'reset') this.#cooldown.clear()
    this.#cause = change.action === 'reset' ? null : 'manual'
    this.#status = null
    this.#manual = heldBy(change)
    return this.#move({ kind: STATE_AFTER[change.action] }, now, change)
  }

  /**
   * Takes over what a store holds. Gives the transition that this was, seen from here; undefined when only times changed.
   * @param keepCooldown set when a cooldown of our own is not stored yet: then the later one stays.
   */
  adopt (stored: StoredBreaker, now: number, keepCooldown: boolean): Transition | undefined {
    const from = this.#state.kind
    const fromEpoch = this.#epoch
    this.#cooldown.adopt(stored.cooldownForMs, now, keepCooldown)
    this.#state = stateOf(stored, now)
    this.#epoch = stored.epoch
    this.#cause = stored.cause
    this.#status = stored.status
    this.#openCount = stored.openCount
    this.#manual = stored.manual
    this.#timeline = stored.timeline
    if (from === stored.state && fromEpoch === stored.epoch) return undefined
    this.#tally.clear()
    return this.#transition(from, fromEpoch, now, null)
  }

  /** Sets the open time's end by the store's clock, as the store counts from when it was told. */
  syncOpenTime (stored: StoredBreaker, now: number): void {
    if (this.#state.kind !== 'open' || stored.state !== 'open' || stored.epoch !== this.#epoch) return
    this.#state = { kind: 'open', until: now + (stored.openForMs ?? 0) }
  }

  /** How long the target's rate limit lasts from `now`, in ms; null when there is none. */
  cooldownForMs (now: number): number | null {
    return this.#cooldown.forMs(now)
  }

  /** What the breaker shows of itself at `now`. */
  snapshot (now: number): BreakerSnapshot {
    const state = this.#state
    const cooldownForMs = this.cooldownForMs(now)
    // A closed breaker has a cause only while a rate limit lasts.
    const well = state.kind === 'closed' && cooldownForMs === null
    return {
      target: this.target,
      state: state.kind,
      epoch: this.#epoch,
      cause: well ? null : this.#cause,
      status: well ? null : this.#status,
      openForMs: state.kind === 'open' ? Math.max(0, state.until - now) : null,
      cooldownForMs,
      ...this.#tally.counts(now),
      consecutiveFailures: this.#tally.failuresInARow,
      openCount: this.#openCount,
      manual: this.#manual
    }
  }

  #leaseOwner (): string | null {
    return this.#state.kind === 'half_open' && this.#state.lease !== null ? this.#state.lease.owner : null
  }

  #succeed (ticket: Ticket, now: number): readonly Effect[] {
    const closes = ticket.lease !== null
    let effects = NONE
    if (closes) {
      this.#openCount = 0
      this.#cause = null
      this.#status = null
      effects = [this.#move({ kind: 'closed' }, now)]
      // What becomes of the rest of this stream counts in the epoch that its beginning opened.
      ticket.epoch = this.#epoch
      ticket.lease = null
    }
    ticket.begun = this.#tally.success(ticket.begun, now)
    return effects
  }

  #fail (ticket: Ticket, reason: Cause, status: number | null, now: number): readonly Effect[] {
    this.#tally.failure(ticket.begun, reason, now)
    return this.#tally.isTooMuch(now) ? this.#trip(reason, status, this.#nextOpenMs(), now) : NONE
  }

  #trip (cause: Cause, status: number | null, openForMs: number, now: number): readonly Effect[] {
    switch (this.#state.kind) {
      case 'closed':
        return [this.#open(cause, status, openForMs, now)]
      case 'shadow':
        // Start over, as an opening would have: one report per trip, not one per failure after it.
        this.#tally.clear()
        return [{ kind: 'would_have_opened', cause, status }]
      case 'open':
      case 'half_open':
      case 'forced_open':
      case 'forced_closed':
        return NONE
    }
  }

  #open (cause: Cause, status: number | null, openForMs: number, now: number): Effect {
    this.#cause = cause
    this.#status = status
    this.#openCount++
    return this.#move({ kind: 'open', until: now + openForMs }, now)
  }

  #nextOpenMs (probedForMs = 0): number {
    return openTimeMs(this.#openCount, probedForMs, this.#policy, this.#random())
  }

  /**
   * After a failed probe the time counts from the probe's beginning: that is when the target was not well. A silent one is
   * noticed only after the first-token timeout, and would be left alone for that much longer.
   */
  #reopenMs (now: number): number {
    const lease = this.#state.kind === 'half_open' ? this.#state.lease : null
    return this.#nextOpenMs(lease === null ? 0 : Math.max(0, now - (lease.expiresAt - this.#policy.leaseMs)))
  }

  #coolDown (retryAfterMs: number | undefined, cause: Cause, status: number | null, now: number): readonly Effect[] {
    const forMs = this.#cooldown.ask(retryAfterMs, now)
    if (forMs === undefined) return NONE
    if (this.#state.kind === 'closed') {
      this.#cause = cause
      this.#status = status
    }
    return [{ kind: 'cooldown', forMs, cause, status }]
  }

  #returnLease (ticket: Ticket): readonly Effect[] {
    if (ticket.lease === null) return NONE
    this.#state = { kind: 'half_open', lease: null }
    return [{ kind: 'lease_returned', epoch: this.#epoch, owner: ticket.lease }]
  }

  #move (next: BreakerState, now: number, manual: ManualChange | null = null): Effect {
    const from = this.#state.kind
    const fromEpoch = this.#epoch
    this.#state = next
    this.#epoch++
    this.#tally.clear()
    return { kind: 'transition', transition: this.#transition(from, fromEpoch, now, manual) }
  }

  #transition (from: BreakerState['kind'], fromEpoch: number, now: number, manual: ManualChange | null): Transition {
    const state = this.#state
    const lease = state.kind === 'half_open' ? state.lease : null
    return {
      target: this.target,
      fromEpoch,
      epoch: this.#epoch,
      from,
      to: state.kind,
      cause: this.#cause,
      status: this.#status,
      openForMs: state.kind === 'open' ? state.until - now : null,
      openCount: this.#openCount,
      lease: lease === null ? null : { owner: lease.owner, forMs: lease.expiresAt - now },
      manual
    }
  }
}
