/**
 * The breakers of all targets, as the hot path asks them: one look-up in memory, never a wait for the store.
 *
 * A trip takes effect here at once and is written behind. Only the probe of a half-open breaker is asked of the store
 * first, as it must be one in the whole fleet; the request that finds it due need not wait for the answer.
 */
import { Breaker } from './breaker.ts'
import type { Ticket } from './breaker.ts'
import type { BreakerEvent } from './events.ts'
import { classOf } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { DEFAULT_POLICY } from './policy.ts'
import type { BreakerPolicy } from './policy.ts'
import { ProbeClaimInFlight } from './probe-claim.ts'
import type { BreakerSnapshot, Effect, Manual, ManualAction, StateName, Transition } from './state.ts'
import type { BreakerStore, StoredBreaker } from './store.ts'
import { STORE_TIMEOUT_MS, StoreLink } from './store-link.ts'
import type { Schedule } from './store-link.ts'
import { StoreWatch } from './store-watch.ts'
import { WriteBehind } from './write-behind.ts'

/** The right to send one request to a target. Has to end in `record` or `release`. */
export interface Permit {
  readonly target: string
  /** The epoch that outcomes count in; moves on when this permit's own success closes the breaker. */
  readonly epoch: number
  /** Whether this is the one probe of a half-open breaker. */
  readonly probe: boolean
  /**
   * Scores what became of the request: a stream when real output begins and again when it ends. Never throws.
   * @param detail.status the upstream's HTTP status, if one arrived.
   */
  record (outcome: Outcome, detail?: { readonly status?: number }): void
  /** Gives the permit back; says nothing about the target. Does nothing after `record`. */
  release (): void
}

/** What a breaker answers to a request. */
export type Admission =
  | { readonly kind: 'permit', readonly permit: Permit }
  | {
    readonly kind: 'refused'
    readonly why: 'open' | 'half_open' | 'forced_open' | 'cooldown'
    /** The best guess at when to ask again, in ms. */
    readonly retryAfterMs: number
    /**
     * Set while this replica asks the store for the probe's lease. Whoever awaits it first gets the permit, everybody
     * else undefined; if nobody does, the next `admit` gets it. Ignoring it costs nothing.
     */
    readonly claim?: Promise<Permit | undefined>
  }

/** A target that has no breaker. */
export class UnknownTargetError extends Error {
  override readonly name = 'UnknownTargetError'

  constructor (target: string) {
    super(`unknown target: ${target}`)
  }
}

/** What a set of breakers needs. Clock, chance and timers come in, so that tests can rule them. */
export interface CircuitBreakersOptions {
  readonly store: BreakerStore
  readonly policy?: Partial<BreakerPolicy>
  /** How long a call to the store may take, in ms; then the breakers decide alone. Default 250. */
  readonly storeTimeoutMs?: number | undefined
  /** This replica's name, unique to this run of the process: stored states are told apart by it. */
  readonly owner: string
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Numbers from 0 to below 1. */
  readonly random: () => number
  readonly schedule: Schedule
  /** Told of everything worth a log line. Must not throw. */
  readonly onEvent: (event: BreakerEvent) => void
}

interface Entry {
  readonly breaker: Breaker
  readonly writes: WriteBehind
  /** The claim of the probe's lease that is under way. */
  claim: ProbeClaimInFlight<Permit> | undefined
  /** When `trickle` last gave a permit, or the breaker opened. */
  trickledAt: number
  /** Grows with every change, so that an answer to an older question can be told. */
  version: number
}

/** A lease that waited longer than this share of itself for a taker goes back: what remains must be enough for a probe. */
const UNUSED_SHARE = 1 / 3

/** How often a request may go to a target whose breaker is open, in ms. */
const TRICKLE_MS = 1_000
/** How long `close` waits for writes, in ms. */
const CLOSE_TIMEOUT_MS = 1_000

/** All breakers of one replica. */
export class CircuitBreakers {
  readonly #options: CircuitBreakersOptions
  readonly #policy: BreakerPolicy
  readonly #link: StoreLink
  readonly #storeTimeoutMs: number
  readonly #entries = new Map<string, Entry>()
  /** Stored breakers whose targets were not added yet. */
  readonly #stored = new Map<string, { readonly stored: StoredBreaker, readonly at: number }>()
  readonly #watch: StoreWatch
  #claims = 0

  constructor (options: CircuitBreakersOptions) {
    this.#options = options
    this.#policy = { ...DEFAULT_POLICY, ...options.policy }
    this.#storeTimeoutMs = options.storeTimeoutMs ?? STORE_TIMEOUT_MS
    this.#link = new StoreLink({
      schedule: options.schedule,
      timeoutMs: this.#storeTimeoutMs,
      onEvent: options.onEvent,
      onRetry: () => { void this.#drainAll() }
    })
    this.#watch = new StoreWatch({ store: options.store, link: this.#link, timeoutMs: this.#storeTimeoutMs, onLook: () => this.#onLook() })
  }

  /** Calls to the store that failed since the start. */
  get storeFailures (): number { return this.#link.failures }

  /** Whether the last call to the store failed: then these breakers decide alone. */
  get storeLost (): boolean { return this.#link.isLost }

  /** Gives the target a breaker: closed, or as the store had it at `start`. Does nothing if it has one. */
  add (target: string): void {
    if (this.#entries.has(target)) return
    const { store, owner, now, random } = this.#options
    const breaker = new Breaker(target, this.#policy, random)
    const writes = new WriteBehind(target, {
      store,
      link: this.#link,
      writer: owner,
      now,
      cooldownForMs: () => breaker.cooldownForMs(now()),
      onStored: stored => breaker.syncOpenTime(stored, now()),
      onConflict: (stored, lost) => this.#yieldTo(entry, stored, lost)
    })
    const entry: Entry = { breaker, writes, claim: undefined, trickledAt: -Infinity, version: 0 }
    this.#entries.set(target, entry)
    const known = this.#stored.get(target)
    this.#stored.delete(target)
    if (known !== undefined) this.#adopt(entry, known.stored, known.at)
  }

  /**
   * Loads the stored states, for up to 2 s, and begins to watch the store. If it does not answer, the breakers begin
   * closed; `refresh` catches up.
   */
  async start (): Promise<void> {
    await this.#watch.start({
      changed: target => { if (this.#entries.has(target)) void this.refresh() },
      resync: () => { void this.refresh() }
    })
  }

  /**
   * Takes over what other replicas stored since. One look at a time: who asks during one gets another that begins after
   * it. Never rejects: without the store, everything stays as it is.
   */
  async refresh (): Promise<void> {
    await this.#watch.look()
  }

  #onLook (): (all: readonly StoredBreaker[]) => void {
    // Where a write is under way the store may answer with what was there before it, even if that arrives after it.
    const versions = new Map([...this.#entries.values()].filter(entry => entry.writes.isEmpty).map(entry => [entry, entry.version]))
    return all => {
      const at = this.#options.now()
      for (const stored of all) {
        const entry = this.#entries.get(stored.target)
        if (entry === undefined) this.#stored.set(stored.target, { stored, at })
        // Whatever changed here since the question was asked is newer than the answer.
        else if (entry.version === versions.get(entry) && entry.writes.isEmpty && entry.claim?.isAsking !== true && !entry.breaker.isOutdated(stored)) this.#adopt(entry, stored, at)
      }
    }
  }

  /**
   * Whether a request may go to the target now. Synchronous; at most it starts a claim in the background.
   * @throws UnknownTargetError
   */
  admit (target: string): Admission {
    const entry = this.#entry(target)
    const { breaker } = entry
    const verdict = breaker.verdict(this.#options.now())
    switch (verdict.kind) {
      case 'admit':
        return { kind: 'permit', permit: this.#permit(entry, breaker.ticket()) }
      case 'probe_due':
        if (entry.claim?.isAsking !== true) this.#startClaim(entry)
        return this.#refused(entry, breaker.state.kind === 'open' ? 'open' : 'half_open', this.#storeTimeoutMs)
      case 'refuse': {
        const won = verdict.why === 'half_open' ? entry.claim?.takeNow() : undefined
        if (won !== undefined) return { kind: 'permit', permit: won }
        const tooOld = entry.claim?.discard()
        if (tooOld !== undefined) {
          tooOld.release()
          return this.admit(target)
        }
        return this.#refused(entry, verdict.why, verdict.retryAfterMs)
      }
    }
  }

  /**
   * A permit for a target whose breaker is open, once a second from its opening on: for when every target is. Nothing of it is scored, the
   * breaker closes by its probe. Undefined if there was one within the last second, or the breaker is not open by itself.
   * @throws UnknownTargetError
   */
  trickle (target: string): Permit | undefined {
    const entry = this.#entry(target)
    const now = this.#options.now()
    if (now - entry.trickledAt < TRICKLE_MS) return undefined
    const ticket = entry.breaker.trickleTicket(now)
    if (ticket === undefined) return undefined
    entry.trickledAt = now
    return this.#permit(entry, ticket)
  }

  /** All breakers, after waiting up to 250 ms until the store has what is reported. */
  async list (): Promise<BreakerSnapshot[]> {
    await this.#link.waitFor(this.#drainAll(), this.#storeTimeoutMs)
    return this.snapshots()
  }

  /** All breakers as they stand here, whatever the store has. */
  snapshots (): BreakerSnapshot[] {
    const now = this.#options.now()
    return [...this.#entries.values()].map(entry => entry.breaker.snapshot(now))
  }

  /** A breaker's state as it stands here; undefined for a target without one. */
  stateOf (target: string): StateName | undefined {
    return this.#entries.get(target)?.breaker.snapshot(this.#options.now()).state
  }

  /**
   * Changes a breaker by hand. In effect at once; waits up to 250 ms until it is stored.
   * @throws UnknownTargetError
   */
  async override (target: string, action: ManualAction, { by, reason }: Manual): Promise<BreakerSnapshot> {
    const entry = this.#entry(target)
    this.#apply(entry, [entry.breaker.override({ action, by, reason }, this.#options.now())])
    await this.#link.waitFor(entry.writes.drain(), this.#storeTimeoutMs)
    return entry.breaker.snapshot(this.#options.now())
  }

  /** Gives unused leases back and writes what waits, for at most a second. */
  async close (): Promise<void> {
    for (const entry of this.#entries.values()) entry.claim?.discard()?.release()
    await this.#link.waitFor(this.#watch.stop(), CLOSE_TIMEOUT_MS)
    // First the link, so that a store that failed a moment ago is tried once more.
    this.#link.close()
    await this.#link.waitFor(this.#drainAll(), CLOSE_TIMEOUT_MS)
  }

  #entry (target: string): Entry {
    const entry = this.#entries.get(target)
    if (entry === undefined) throw new UnknownTargetError(target)
    return entry
  }

  #refused (entry: Entry, why: 'open' | 'half_open' | 'forced_open' | 'cooldown', retryAfterMs: number): Admission {
    const claim = entry.claim?.isAsking === true ? entry.claim.promise() : undefined
    return claim === undefined ? { kind: 'refused', why, retryAfterMs } : { kind: 'refused', why, retryAfterMs, claim }
  }

  #permit (entry: Entry, ticket: Ticket): Permit {
    const { now } = this.#options
    const { breaker } = entry
    return {
      target: breaker.target,
      get epoch () { return ticket.epoch },
      probe: ticket.lease !== null,
      record: (outcome, detail) => this.#apply(entry, breaker.record(ticket, outcome, detail?.status ?? null, now())),
      release: () => this.#apply(entry, breaker.release(ticket))
    }
  }

  #startClaim (entry: Entry): void {
    const { now, owner: replica } = this.#options
    const owner = `${replica}/${++this.#claims}`
    const usableUntil = now() + this.#policy.leaseMs * UNUSED_SHARE
    entry.claim = new ProbeClaimInFlight(
      this.#claimProbe(entry, owner),
      // Several statements may come before the claim's own, if the store is slow.
      async asked => { await this.#link.waitFor(asked, this.#storeTimeoutMs) },
      () => now() < usableUntil && entry.breaker.probeTicket(owner) !== undefined
    )
  }

  async #claimProbe (entry: Entry, owner: string): Promise<Permit | undefined> {
    const { breaker, writes } = entry
    const { store, now, owner: writer } = this.#options
    try {
      await writes.drain()
      const { target, epoch } = breaker
      const { stored } = await this.#link.call('claimProbe', async () => await store.claimProbe({
        target, epoch, owner, leaseMs: this.#policy.leaseMs, writer
      }))
      // If the breaker was changed by hand meanwhile, its own write settles the matter.
      if (breaker.epoch === epoch) this.#adopt(entry, stored, now())
    } catch {
      // Without the store every replica probes for itself: better several probes than none.
      const effects = breaker.claim(owner, now())
      if (effects !== undefined) this.#apply(entry, effects)
    }
    const ticket = breaker.probeTicket(owner)
    return ticket === undefined ? undefined : this.#permit(entry, ticket)
  }

  #adopt (entry: Entry, stored: StoredBreaker, at: number): void {
    const transition = entry.breaker.adopt(stored, at, entry.writes.hasCooldown)
    entry.version++
    if (transition !== undefined) this.#report(entry, transition, stored.writer !== this.#options.owner)
  }

  #yieldTo (entry: Entry, stored: StoredBreaker, lost: readonly Transition[]): void {
    this.#adopt(entry, stored, this.#options.now())
    // What an operator asked for holds whatever another replica saw: it is made again on top of that.
    const manual = lost.findLast(transition => transition.manual !== null)?.manual
    if (manual != null) this.#apply(entry, [entry.breaker.override(manual, this.#options.now())])
  }

  #apply (entry: Entry, effects: readonly Effect[]): void {
    if (effects.length === 0) return
    const { onEvent } = this.#options
    const { breaker, writes } = entry
    const { target } = breaker
    for (const effect of effects) {
      switch (effect.kind) {
        case 'transition':
          entry.version++
          writes.push(effect.transition)
          this.#report(entry, effect.transition, false)
          break
        case 'cooldown': {
          const { forMs, cause, status } = effect
          entry.version++
          writes.pushCooldown(cause, status)
          onEvent({ kind: 'cooldown', target, forMs, cause, status })
          break
        }
        case 'lease_returned':
          entry.version++
          writes.pushRelease({ target, epoch: effect.epoch, owner: effect.owner })
          break
        case 'would_have_opened':
          onEvent({ kind: 'would_have_opened', target, cause: effect.cause, status: effect.status })
          break
        case 'not_scored':
          onEvent({ kind: 'not_scored', target, epoch: breaker.epoch, permitEpoch: effect.permitEpoch })
      }
    }
    void writes.drain()
  }

  #report (entry: Entry, transition: Transition, adopted: boolean): void {
    const { to, cause } = transition
    // What opened it was a try of the same kind.
    if (to === 'open') entry.trickledAt = this.#options.now()
    const alert = to === 'open' && cause !== null && cause !== 'manual' && classOf(cause) === 'misconfigured'
    this.#options.onEvent({ kind: 'transition', transition, adopted, alert })
  }

  async #drainAll (): Promise<void> {
    await Promise.all([...this.#entries.values()].map(async entry => await entry.writes.drain()))
  }
}
