/**
 * When to ask a second target before the first one has failed: as soon as it takes longer to begin than 95 of 100 answers
 * of this model did. Of the requests at most one in fifty is doubled so.
 */
export class Hedging {
  readonly #times: number[] = []
  /** Where the next time goes: the oldest is replaced. */
  #next = 0
  /** Looked up again only when enough is new, as it means sorting. */
  #p95: number | undefined
  #newTimes = 0
  /** Requests that were not used for doubling yet; one costs `ONE_IN`. */
  #allowance = 0

  /** A request begins: gives how long to wait for its first output, in ms; undefined while too little is known. */
  begin (): number | undefined {
    this.#allowance = Math.min(this.#allowance + 1, MOST_AT_ONCE * ONE_IN)
    return this.#p95
  }

  /** Whether one more may be doubled now. */
  get allowed (): boolean { return this.#allowance >= ONE_IN }

  /** One was doubled. */
  spend (): void { this.#allowance -= ONE_IN }

  /** An attempt began to answer after so many ms, or was given up after them because another one was faster. */
  observe (ms: number): void {
    this.#times[this.#next] = ms
    this.#next = (this.#next + 1) % MEMORY
    if (++this.#newTimes < ENOUGH) return
    this.#newTimes = 0
    const sorted = this.#times.toSorted((a, b) => a - b)
    this.#p95 = sorted[Math.ceil(sorted.length * 0.95) - 1]
  }
}

/** Of so many requests one may be doubled. */
const ONE_IN = 50
/** What was not used is kept, up to so many. */
const MOST_AT_ONCE = 5
/** How many times are remembered. */
const MEMORY = 200
/** How many have to be new before the limit is worth another look; no hedging before the first. */
const ENOUGH = 20
