/**
 * How many attempts beyond the first of each request there may be, so that an outage of all targets does not multiply the
 * load on them.
 *
 * A tenth of the requests of the last minute, and three a second in any case: at little traffic a budget in percent would
 * refuse the very failover that the gateway is there for.
 * @see https://sre.google/sre-book/handling-overload/#deciding-to-retry for why there is a budget at all
 */
export class RetryBudget {
  readonly #share: number
  readonly #atLeast: number
  readonly #now: () => number
  readonly #seconds: Second[] = Array.from({ length: WINDOW_S }, () => ({ second: -Infinity, requests: 0, extras: 0 }))

  constructor ({ share = 0.1, atLeastPerSecond = 3, now = () => performance.now() }: RetryBudgetOptions = {}) {
    this.#share = share
    this.#atLeast = atLeastPerSecond
    this.#now = now
  }

  /** A request has come. */
  request (): void {
    this.#current().requests++
  }

  /** Whether one more attempt may be made; if so, it is counted. */
  take (): boolean {
    const current = this.#current()
    if (current.extras >= this.#atLeast && !this.#leavesRoom(current.second)) return false
    current.extras++
    return true
  }

  #leavesRoom (now: number): boolean {
    let requests = 0
    let extras = 0
    for (const each of this.#seconds) {
      if (each.second <= now - WINDOW_S) continue
      requests += each.requests
      extras += each.extras
    }
    return extras < requests * this.#share
  }

  #current (): Second {
    const second = Math.floor(this.#now() / 1000)
    const slot = this.#seconds[second % WINDOW_S]
    if (slot === undefined) throw new RangeError('the clock runs backwards')
    if (slot.second !== second) {
      slot.second = second
      slot.requests = 0
      slot.extras = 0
    }
    return slot
  }
}

export interface RetryBudgetOptions {
  /** Of the requests of the last minute, from 0 to 1. Default 0.1. */
  readonly share?: number
  /** Default 3. */
  readonly atLeastPerSecond?: number
  /** Monotonic clock, ms. */
  readonly now?: () => number
}

const WINDOW_S = 60

interface Second {
  second: number
  requests: number
  extras: number
}
