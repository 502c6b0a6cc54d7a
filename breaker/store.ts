/**
 * Where the replicas of a gateway agree on the state of their breakers.
 *
 * A store compares epochs, so of several replicas that want to change a breaker at once exactly one succeeds, and the
 * others learn what it stored. Times are the store's: what goes in is "for so many ms from now", and what comes out is
 * the ms that remain, which the caller counts on its own monotonic clock.
 */
import type { BreakerState, Cause, Manual, ManualChange, RemainingLease, StateName, Transition } from './state.ts'

/** One breaker as the store has it. */
export interface StoredBreaker {
  readonly target: string
  readonly state: StateName
  readonly epoch: number
  readonly cause: Cause | null
  readonly status: number | null
  /** Remaining open time in ms, 0 when it has passed; null unless open. */
  readonly openForMs: number | null
  readonly openCount: number
  /** Remaining cooldown in ms; null when there is none. */
  readonly cooldownForMs: number | null
  /** The probe's lease with its remaining time (0 when it has passed); null unless half-open and leased. */
  readonly lease: RemainingLease | null
  /** Who keeps it in its state by hand; a reset keeps nothing. */
  readonly manual: Manual | null
  /** The replica that stored the present epoch; null before the first transition. */
  readonly writer: string | null
  /**
   * Which history of the store this belongs to: grows when a standby database is promoted, which may not have got the
   * newest epochs any more. Of two states the one of the later timeline is newer, within a timeline that of the later epoch.
   */
  readonly timeline: number
}

/** A transition with the replica that made it. */
export interface TransitionWrite extends Transition {
  readonly writer: string
}

/** Who wants to send the probe, on top of which epoch. */
export interface ProbeClaim {
  readonly target: string
  readonly epoch: number
  /** The lease's owner: unique to this claim. */
  readonly owner: string
  readonly leaseMs: number
  readonly writer: string
}

/** A probe that ended without saying anything about its target. */
export interface ProbeRelease {
  readonly target: string
  readonly epoch: number
  readonly owner: string
}

/** A rate limit to remember. */
export interface CooldownWrite {
  readonly target: string
  readonly forMs: number
  readonly cause: Cause
  readonly status: number | null
}

/** Somebody who wants to know at once what other replicas store. Neither method may throw. */
export interface StoreWatcher {
  /** A transition of this target was stored, or its probe's lease given back, by whomever. */
  changed (target: string): void
  /** From now on changes are told (again); those before may have been missed. */
  resync (): void
}

/** Shared memory of breaker states. Every method may reject; none waits for more than its own statement. */
export interface BreakerStore {
  /** All stored breakers, in no order. */
  load (): Promise<StoredBreaker[]>

  /**
   * Stores the transition, and its audit row with it, if the breaker is still at `fromEpoch` or was never stored.
   * A `reset` clears the cooldown as well. `stored` is the breaker afterwards, whoever wrote it.
   */
  transition (change: TransitionWrite): Promise<{ readonly applied: boolean, readonly stored: StoredBreaker }>

  /**
   * Takes the probe's lease, if the breaker is at `epoch`, not cooling down, and either open with its time passed
   * (which makes it half-open at the next epoch) or half-open with no lease or an expired one.
   */
  claimProbe (claim: ProbeClaim): Promise<{ readonly won: boolean, readonly stored: StoredBreaker }>

  /** Gives the lease back, if `owner` still has it at `epoch`. */
  releaseProbe (release: ProbeRelease): Promise<void>

  /** Keeps the later of this cooldown and the stored one. Changes no epoch. */
  setCooldown (cooldown: CooldownWrite): Promise<void>

  /**
   * Tells of changes until the returned function is called, reconnecting by itself; a store without it is only polled.
   * That a change is told is likely, not certain: polling goes on beside it.
   */
  watch?(watcher: StoreWatcher): () => Promise<void>
}

/** What a store holds of a target that it never heard of. */
export function neverStored (target: string): StoredBreaker {
  return {
    target,
    state: 'closed',
    epoch: 0,
    cause: null,
    status: null,
    openForMs: null,
    openCount: 0,
    cooldownForMs: null,
    lease: null,
    manual: null,
    writer: null,
    timeline: 0
  }
}

/** The state that a store holds, with its times on the monotonic clock, on which it is `now` (ms). */
export function stateOf (stored: StoredBreaker, now: number): BreakerState {
  switch (stored.state) {
    case 'open':
      return { kind: 'open', until: now + (stored.openForMs ?? 0) }
    case 'half_open':
      return {
        kind: 'half_open',
        lease: stored.lease === null ? null : { owner: stored.lease.owner, expiresAt: now + stored.lease.forMs }
      }
    case 'closed':
    case 'forced_open':
    case 'forced_closed':
    case 'shadow':
      return { kind: stored.state }
  }
}

/** Who keeps a breaker in its state after this change. */
export function heldBy (change: ManualChange | null): Manual | null {
  return change === null || change.action === 'reset' ? null : { by: change.by, reason: change.reason }
}
