/**
 * The breaker of one target on one replica, with what ties it to the others: what it has yet to write to the store, and
 * the claim of the probe's lease.
 */
import type { Admission, Permit } from './admission.ts'
import { Breaker } from './breaker.ts'
import type { BreakerEvent } from './events.ts'
import { classOf } from './outcome.ts'
import type { BreakerPolicy } from './policy.ts'
import { ProbeClaimInFlight } from './probe-claim.ts'
import type { BreakerSnapshot, Effect, Manual, ManualAction, Transition } from './state.ts'
import type { BreakerStore, StoredBreaker } from './store.ts'
import type { StoreLink } from './store-link.ts'
import type { RefusalReason, Ticket } from './verdict.ts'
import { WriteBehind } from './write-behind.ts'

/** A lease that waited longer than this share of itself for a taker goes back: what remains must be enough for a probe. */
const UNUSED_SHARE = 1 / 3
/** How often a request may go to a target whose breaker is open, in ms. */
const TRICKLE_MS = 1_000

/** What a target's breaker needs; all of a replica share it. */
export interface TargetBreakerOptions {
  readonly store: BreakerStore
  readonly link: StoreLink
  readonly policy: BreakerPolicy
  /** How long a call to the store is waited for, in ms. */
  readonly storeTimeoutMs: number
  /** This replica's name. */
  readonly owner: string
  /** A name for one claim, that no other has. */
  readonly nameClaim: () => string
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Numbers from 0 to below 1. */
  readonly random: () => number
  readonly onEvent: (event: BreakerEvent) => void
}

/** Begins closed. */
export class TargetBreaker {
  readonly #options: TargetBreakerOptions
  readonly #breaker: Breaker
  readonly #writes: WriteBehind
  /** The claim of the probe's lease that is under way. */
  #claim: ProbeClaimInFlight<Permit> | undefined
  /** When `trickle` last gave a permit, or the breaker opened. */
  #trickledAt = -Infinity
  /** Grows with every change, so that an answer to an older question can be told. */
  #version = 0

  constructor (target: string, options: TargetBreakerOptions) {
    const { store, link, owner, policy, now, random } = options
    this.#options = options
    this.#breaker = new Breaker(target, policy, random)
    this.#writes = new WriteBehind(target, {
      store,
      link,
      writer: owner,
      now,
      cooldownForMs: () => this.#breaker.cooldownForMs(now()),
      onStored: stored => this.#breaker.syncOpenTime(stored, now()),
      onConflict: (stored, lost) => this.#yieldTo(stored, lost)
    })
  }

  /**
   * What to give to `see` with the answer to a question that the store is asked now. Undefined while a write is under way:
   * the store may answer with what was there before it, even if that arrives after it.
   */
  get version (): number | undefined { return this.#writes.isEmpty ? this.#version : undefined }

  /**
   * Takes over what the store answered.
   * @param at when the answer came: its times count from there.
   * @param askedAt the version when the question was asked. Whatever changed here since then is newer than the answer.
   */
  see (stored: StoredBreaker, at: number, askedAt: number | undefined): void {
    if (askedAt === undefined || askedAt !== this.version) return
    if (this.#claim?.isAsking !== true && !this.#breaker.isOutdated(stored)) this.#adopt(stored, at)
  }

  /** Whether a request may go now. Synchronous; at most it starts a claim in the background. */
  admit (): Admission {
    const verdict = this.#breaker.verdict(this.#options.now())
    switch (verdict.kind) {
      case 'admit':
        return { kind: 'permit', permit: this.#permit(this.#breaker.ticket()) }
      case 'probe_due':
        if (this.#claim?.isAsking !== true) this.#startClaim()
        return this.#refused(this.#breaker.state.kind === 'open' ? 'open' : 'half_open', this.#options.storeTimeoutMs)
      case 'refuse': {
        const won = verdict.why === 'half_open' ? this.#claim?.takeNow() : undefined
        if (won !== undefined) return { kind: 'permit', permit: won }
        return this.releaseUnused() ? this.admit() : this.#refused(verdict.why, verdict.retryAfterMs)
      }
    }
  }

  /** Gives back the probe's lease, if one was won and nobody has taken it. Says whether that was so. */
  releaseUnused (): boolean {
    const unused = this.#claim?.discard()
    unused?.release()
    return unused !== undefined
  }

  /** A permit that is not scored, while the breaker is open by itself: once a second, from its opening on. */
  trickle (): Permit | undefined {
    const now = this.#options.now()
    if (now - this.#trickledAt < TRICKLE_MS) return undefined
    const ticket = this.#breaker.trickleTicket(now)
    if (ticket === undefined) return undefined
    this.#trickledAt = now
    return this.#permit(ticket)
  }

  /** Changes it by hand. In effect at once, and written behind. */
  override (action: ManualAction, { by, reason }: Manual): void {
    this.#apply([this.#breaker.override({ action, by, reason }, this.#options.now())])
  }

  /** What it shows of itself now. */
  snapshot (): BreakerSnapshot {
    return this.#breaker.snapshot(this.#options.now())
  }

  /** Writes all that waits. Resolves when nothing waits or the store does not answer; never rejects. */
  async drain (): Promise<void> {
    await this.#writes.drain()
  }

  #refused (why: RefusalReason, retryAfterMs: number): Admission {
    const claim = this.#claim?.isAsking === true ? this.#claim.promise() : undefined
    return claim === undefined ? { kind: 'refused', why, retryAfterMs } : { kind: 'refused', why, retryAfterMs, claim }
  }

  #permit (ticket: Ticket): Permit {
    const { now } = this.#options
    const breaker = this.#breaker
    return {
      target: breaker.target,
      get epoch () { return ticket.epoch },
      probe: ticket.lease !== null,
      record: (outcome, detail) => this.#apply(breaker.record(ticket, outcome, detail?.status ?? null, now())),
      release: () => this.#apply(breaker.release(ticket))
    }
  }

  #startClaim (): void {
    const { now, nameClaim, policy, link, storeTimeoutMs } = this.#options
    const owner = nameClaim()
    const usableUntil = now() + policy.leaseMs * UNUSED_SHARE
    this.#claim = new ProbeClaimInFlight(
      this.#claimProbe(owner),
      // Several statements may come before the claim's own, if the store is slow.
      async asked => { await link.waitFor(asked, storeTimeoutMs) },
      () => now() < usableUntil && this.#breaker.probeTicket(owner) !== undefined
    )
  }

  async #claimProbe (owner: string): Promise<Permit | undefined> {
    const { store, link, policy: { leaseMs }, now, owner: writer } = this.#options
    const breaker = this.#breaker
    try {
      await this.#writes.drain()
      const { target, epoch } = breaker
      const { stored } = await link.call('claimProbe', async () => await store.claimProbe({ target, epoch, owner, leaseMs, writer }))
      // If the breaker was changed by hand meanwhile, its own write settles the matter.
      if (breaker.epoch === epoch) this.#adopt(stored, now())
    } catch {
      // Without the store every replica probes for itself: better several probes than none.
      const effects = breaker.claim(owner, now())
      if (effects !== undefined) this.#apply(effects)
    }
    const ticket = breaker.probeTicket(owner)
    return ticket === undefined ? undefined : this.#permit(ticket)
  }

  #adopt (stored: StoredBreaker, at: number): void {
    const transition = this.#breaker.adopt(stored, at, this.#writes.hasCooldown)
    this.#version++
    if (transition !== undefined) this.#report(transition, stored.writer !== this.#options.owner)
  }

  #yieldTo (stored: StoredBreaker, lost: readonly Transition[]): void {
    this.#adopt(stored, this.#options.now())
    // What an operator asked for holds whatever another replica saw: it is made again on top of that.
    const manual = lost.findLast(transition => transition.manual !== null)?.manual
    if (manual != null) this.override(manual.action, manual)
  }

  #apply (effects: readonly Effect[]): void {
    if (effects.length === 0) return
    const { onEvent } = this.#options
    const { target } = this.#breaker
    for (const effect of effects) {
      switch (effect.kind) {
        case 'transition':
          this.#version++
          this.#writes.push(effect.transition)
          this.#report(effect.transition, false)
          break
        case 'cooldown': {
          const { forMs, cause, status } = effect
          this.#version++
          this.#writes.pushCooldown(cause, status)
          onEvent({ kind: 'cooldown', target, forMs, cause, status })
          break
        }
        case 'lease_returned':
          this.#version++
          this.#writes.pushRelease({ target, epoch: effect.epoch, owner: effect.owner })
          break
        case 'would_have_opened':
          onEvent({ kind: 'would_have_opened', target, cause: effect.cause, status: effect.status })
          break
        case 'not_scored':
          onEvent({ kind: 'not_scored', target, epoch: this.#breaker.epoch, permitEpoch: effect.permitEpoch })
      }
    }
    void this.#writes.drain()
  }

  #report (transition: Transition, adopted: boolean): void {
    const { to, cause } = transition
    // What opened it was a try of the same kind.
    if (to === 'open') this.#trickledAt = this.#options.now()
    const alert = to === 'open' && cause !== null && cause !== 'manual' && classOf(cause) === 'misconfigured'
    this.#options.onEvent({ kind: 'transition', transition, adopted, alert })
  }
}
