/**
 * How long a target wants no requests. That is no failure, so it stands beside the breaker's state.
 */
import type { BreakerPolicy } from './policy.ts'

/** One target's cooldown; there is none at first. Times are ms, monotonic. */
export class Cooldown {
  readonly #policy: BreakerPolicy
  #until: number | null = null

  constructor (policy: BreakerPolicy) {
    this.#policy = policy
  }

  /** How long it lasts from `now`, in ms; null when there is none. */
  forMs (now: number): number | null {
    return this.#until !== null && this.#until > now ? this.#until - now : null
  }

  /**
   * The target asks to be left alone, for so many ms if it says.
   * @returns for how many ms it is; undefined if that changes nothing, as an earlier request lasts as long.
   */
  ask (retryAfterMs: number | undefined, now: number): number | undefined {
    const { defaultCooldownMs, maxCooldownMs } = this.#policy
    const asked = retryAfterMs === undefined || Number.isNaN(retryAfterMs) ? defaultCooldownMs : retryAfterMs
    const forMs = Math.min(Math.max(0, asked), maxCooldownMs)
    if (forMs === 0 || (this.#until !== null && this.#until >= now + forMs)) return undefined
    this.#until = now + forMs
    return forMs
  }

  /**
   * Takes over what a store holds.
   * @param storedForMs what is left of it there, in ms; null when there is none.
   * @param keep set when what is known here is not stored yet: then the later one stays.
   */
  adopt (storedForMs: number | null, now: number, keep: boolean): void {
    const until = storedForMs === null ? null : now + storedForMs
    this.#until = keep && this.#until !== null ? Math.max(this.#until, until ?? this.#until) : until
  }

  /** Ends it. */
  clear (): void {
    this.#until = null
  }
}
