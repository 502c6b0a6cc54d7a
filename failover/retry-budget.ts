/**
 * How many requests may be at a further target at once: a tenth of those under way, and three in any case.
 *
 * When a target dies under load, all that it had in hand fails in the same moment; sent on at once, it could take the next
 * target down as well. Here it waits in line instead, first come, first served: a place is free again as soon as the
 * request before has begun to answer or has failed, so where the next target is well nobody waits for long.
 *
 * @see https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/circuit_breaker.proto#config-cluster-v3-circuitbreakers-thresholds-retrybudget
 */
export class RetryBudget {
  #active = 0
  #taken = 0
  readonly #waiting = new Set<() => void>()

  /** Requests that wait for a place. */
  get waiting (): number { return this.#waiting.size }

  /** A request is under way. */
  begin (): void { this.#active++ }

  /** A request has ended. */
  end (): void { this.#active-- }

  /**
   * A place for one attempt beyond a request's first: resolves with what gives it back, to be called once; with undefined
   * when `ms` have passed, or the caller gave up, without one.
   * @param onStop how the caller says that it gives up: `callback` is to be called then; gives a function that calls it off
   */
  async place (ms: number, onStop: (callback: () => void) => () => void): Promise<(() => void) | undefined> {
    if (this.#taken < this.#limit()) return this.#take()
    return await new Promise(resolve => {
      const leave = (place: (() => void) | undefined) => {
        if (!this.#waiting.delete(enter)) return
        clearTimeout(timer)
        callOff()
        resolve(place)
      }
      const enter = () => leave(this.#take())
      const timer = setTimeout(() => leave(undefined), ms)
      this.#waiting.add(enter)
      let callOff = () => {}
      callOff = onStop(() => leave(undefined))
    })
  }

  #take (): () => void {
    this.#taken++
    return () => {
      this.#taken--
      // A set keeps the order in which they came.
      for (const enter of this.#waiting) {
        if (this.#taken >= this.#limit()) break
        enter()
      }
    }
  }

  #limit (): number {
    return Math.max(MINIMUM, Math.floor(this.#active * SHARE))
  }
}

const SHARE = 0.1
const MINIMUM = 3
