import { WaitingLine } from '../streams/waiting-line.ts'
import type { OnGiveUp } from '../streams/waiting-line.ts'

/**
 * How many requests may be at a further target at once: a tenth of those under way, and three in any case.
 *
 * When a target dies under load, all that it had in hand fails in the same moment; sent on at once, it could take the next
 * target down as well. Here it waits in line instead: a place is free again as soon as the request before has begun to
 * answer or has failed, so where the next target is well nobody waits for long.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/circuit_breaker.proto#config-cluster-v3-circuitbreakers-thresholds-retrybudget
 */
export class RetryBudget {
  #active = 0
  readonly #line = new WaitingLine(() => Math.max(MINIMUM, Math.floor(this.#active * SHARE)))

  /** Requests that wait for a place. */
  get waiting (): number { return this.#line.waiting }

  /** A request is under way. */
  begin (): void { this.#active++ }

  /** A request has ended. */
  end (): void { this.#active-- }

  /**
   * A place for one attempt beyond a request's first: resolves with what gives it back, to be called once; with undefined
   * when `ms` have passed, or the caller gave up, without one.
   */
  async place (ms: number, onStop: OnGiveUp): Promise<(() => void) | undefined> {
    return await this.#line.place(ms, onStop)
  }
}

const SHARE = 0.1
const MINIMUM = 3
