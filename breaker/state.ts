/**
 * The words of a breaker: its states, its transitions, and what an outcome brings about.
 */
import type { FailureReason } from './outcome.ts'

/** The right to send the one probe of a half-open breaker. */
export interface Lease {
  /** Unique to this one claim, so that a probe which outlived its lease cannot speak for the next. */
  readonly owner: string
  /** When another probe may replace this one (ms, monotonic). */
  readonly expiresAt: number
}

/** What a breaker is doing. Times are ms on the monotonic clock of the process. */
export type BreakerState =
  | { readonly kind: 'closed' }
  | { readonly kind: 'open', readonly until: number }
  | { readonly kind: 'half_open', readonly lease: Lease | null }
  | { readonly kind: 'forced_open' }
  | { readonly kind: 'forced_closed' }
  /** Admits and scores everything, and only reports when it would have opened. */
  | { readonly kind: 'shadow' }

/** A state by its name, as logs, tables and the HTTP interface show it. */
export type StateName = BreakerState['kind']

/** Why a breaker is in its state; null when all is well. */
export type Cause = FailureReason | 'manual'

/** What an operator can do to a breaker. */
export type ManualAction = 'force_open' | 'force_closed' | 'shadow' | 'reset'

/** The state that each action leads to. */
export const STATE_AFTER = {
  force_open: 'forced_open',
  force_closed: 'forced_closed',
  shadow: 'shadow',
  reset: 'closed'
} as const satisfies Record<ManualAction, StateName>

/** Who changed a breaker by hand, and why. */
export interface Manual {
  readonly by: string
  readonly reason: string
}

/** A lease as it travels: with the time that remains (ms), as clocks of processes do not compare. */
export interface RemainingLease {
  readonly owner: string
  readonly forMs: number
}

/** One change of state. */
export interface Transition {
  readonly target: string
  readonly fromEpoch: number
  readonly epoch: number
  readonly from: StateName
  readonly to: StateName
  readonly cause: Cause | null
  /** The upstream's HTTP status behind the cause, if there was one. */
  readonly status: number | null
  /** How long the breaker stays open, in ms; null unless `to` is `open`. */
  readonly openForMs: number | null
  /** Openings in a row, this one included. */
  readonly openCount: number
  /** The probe's lease, when `to` is `half_open`. */
  readonly lease: RemainingLease | null
  /** Set when the change was made by hand. */
  readonly manual: ManualChange | null
}

/** A change by hand: `action` is kept so that it can be made again on top of a state that another replica stored first. */
export interface ManualChange extends Manual {
  readonly action: ManualAction
}

/** What an outcome brought about, for the caller to store and to log. */
export type Effect =
  | { readonly kind: 'transition', readonly transition: Transition }
  /** The target is left alone for `forMs`. */
  | { readonly kind: 'cooldown', readonly forMs: number, readonly cause: Cause, readonly status: number | null }
  /** The probe said nothing about the target: the next request may probe. */
  | { readonly kind: 'lease_returned', readonly epoch: number, readonly owner: string }
  /** In `shadow`: the breaker would have opened now. */
  | { readonly kind: 'would_have_opened', readonly cause: Cause, readonly status: number | null }
  /** The outcome belongs to an earlier epoch or an expired lease, and was not scored. */
  | { readonly kind: 'not_scored', readonly permitEpoch: number }

/** What a breaker shows of itself. Times are ms from now. */
export interface BreakerSnapshot {
  readonly target: string
  readonly state: StateName
  readonly epoch: number
  readonly cause: string | null
  /** The upstream's HTTP status behind the cause. */
  readonly status: number | null
  /** How long the breaker stays open; null unless open, 0 when a probe is due. */
  readonly openForMs: number | null
  /** How long the target's rate limit lasts; null when there is none. */
  readonly cooldownForMs: number | null
  /** Attempts in the window. */
  readonly attempts: number
  /** Failures in the window. */
  readonly failures: number
  readonly consecutiveFailures: number
  /** Openings since the breaker was last closed. */
  readonly openCount: number
  readonly manual: Manual | null
}
