/**
 * When failures are too many: so many in a row, or such a share of the last attempts.
 */
import type { Cause } from './state.ts'
import type { BreakerPolicy } from './policy.ts'
import { OutcomeWindow } from './window.ts'
import type { WindowCounts } from './window.ts'

/** Failures since the last success. */
interface Run {
  readonly total: number
  /** How many of them were slow first outputs. */
  readonly slow: number
}

/** What has to be known of a stream that began well, to take it back if it fails after all. */
export interface Begun {
  readonly at: number
  /** The run of failures that its beginning ended. */
  readonly run: Run
}

const NO_FAILURES: Run = { total: 0, slow: 0 }

/** The outcomes of one breaker in one epoch. Times are ms, monotonic. */
export class OutcomeTally {
  readonly #policy: BreakerPolicy
  readonly #window: OutcomeWindow
  #run = NO_FAILURES

  constructor (policy: BreakerPolicy) {
    this.#policy = policy
    this.#window = new OutcomeWindow(policy.windowMs)
  }

  /** Failures since the last success. */
  get failuresInARow (): number { return this.#run.total }

  /**
   * Counts a success.
   * @param begun what the same attempt's first success gave: an attempt counts once, however often it is said to be well.
   */
  success (begun: Begun | null, now: number): Begun {
    const result = begun ?? { at: now, run: this.#run }
    if (begun === null) this.#window.success(now)
    this.#run = NO_FAILURES
    return result
  }

  /**
   * Counts a failure.
   * @param begun set if the attempt began well: its success is taken back, or a target that breaks every stream would
   *   never have two failures in a row.
   */
  failure (begun: Begun | null, cause: Cause, now: number): void {
    if (begun !== null) {
      this.#window.retractSuccess(begun.at)
      if (begun.run.total > this.#run.total) this.#run = begun.run
    }
    this.#window.failure(now)
    this.#run = { total: this.#run.total + 1, slow: this.#run.slow + (cause === 'slow_first_output' ? 1 : 0) }
  }

  /** Whether a closed breaker should open. */
  isTooMuch (now: number): boolean {
    const { consecutiveFailures, consecutiveSlow, minimumAttempts, failureRatio } = this.#policy
    if (this.#run.total - this.#run.slow >= consecutiveFailures || this.#run.total >= consecutiveSlow) return true
    const { attempts, failures } = this.counts(now)
    return attempts >= minimumAttempts && failures >= attempts * failureRatio
  }

  /** Attempts and failures in the window. */
  counts (now: number): WindowCounts {
    return this.#window.counts(now)
  }

  /** Starts over. */
  clear (): void {
    this.#window.clear()
    this.#run = NO_FAILURES
  }
}
