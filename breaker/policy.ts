/**
 * When a breaker opens, and for how long. All times are milliseconds.
 */

/** The numbers that a breaker decides by. */
export interface BreakerPolicy {
  /** How far back attempts and failures are counted, in ms. */
  readonly windowMs: number
  /** Below this many attempts in the window, the failure ratio says nothing. */
  readonly minimumAttempts: number
  /** Share of failures in the window (0 to 1) at which the breaker opens. */
  readonly failureRatio: number
  /** Failures in a row, slow first outputs not counted, at which the breaker opens. */
  readonly consecutiveFailures: number
  /** Failures in a row, slow first outputs counted, at which the breaker opens. */
  readonly consecutiveSlow: number
  /** How long the first, second, … opening in a row lasts, in ms; the last entry serves for all that follow. */
  readonly openMs: readonly number[]
  /** Share (0 to 1) by which an open time varies in either direction, so that replicas and targets do not return in step. */
  readonly jitter: number
  /** How long a probe may take before another one may replace it, in ms. */
  readonly leaseMs: number
  /** How long a target stays open when it refuses the gateway's own credentials or quota, in ms. */
  readonly misconfiguredOpenMs: number
  /** Cooldown of a rate limit that names no time, in ms. */
  readonly defaultCooldownMs: number
  /** The longest cooldown that a target can ask for, in ms. */
  readonly maxCooldownMs: number
}

/** The policy of a target that sets none of its own. */
export const DEFAULT_POLICY: BreakerPolicy = Object.freeze({
  windowMs: 30_000,
  minimumAttempts: 20,
  failureRatio: 0.5,
  consecutiveFailures: 3,
  consecutiveSlow: 5,
  // With its jitter the longest stays below 20 s: so soon a target is in use again once it is well, if anybody asks for it.
  openMs: Object.freeze([2_000, 4_000, 8_000, 16_000]),
  jitter: 0.2,
  leaseMs: 30_000,
  misconfiguredOpenMs: 60_000,
  defaultCooldownMs: 5_000,
  maxCooldownMs: 300_000
})
