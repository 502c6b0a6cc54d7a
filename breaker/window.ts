/**
 * Attempts and failures of the last seconds, in buckets of one second: constant memory, whatever the traffic.
 */

const BUCKET_MS = 1_000

interface Bucket {
  /** Which second this bucket holds now; an older one is overwritten when its place is needed. */
  second: number
  successes: number
  failures: number
}

/** What a window counted. */
export interface WindowCounts {
  readonly attempts: number
  readonly failures: number
}

/** A sliding window of outcomes. The caller passes the time (ms, monotonic) to every call. */
export class OutcomeWindow {
  readonly #buckets: Bucket[]

  /** @param windowMs how far back the window reaches, in ms; rounded up to whole seconds. */
  constructor (windowMs: number) {
    const length = Math.max(1, Math.ceil(windowMs / BUCKET_MS))
    this.#buckets = Array.from({ length }, () => ({ second: -Infinity, successes: 0, failures: 0 }))
  }

  /** Counts one attempt that worked. */
  success (now: number): void {
    const bucket = this.#claim(now)
    if (bucket !== undefined) bucket.successes++
  }

  /** Counts one attempt that failed. */
  failure (now: number): void {
    const bucket = this.#claim(now)
    if (bucket !== undefined) bucket.failures++
  }

  /** Takes back a success counted at `at`: the attempt failed after all. Does nothing if the window has moved past it. */
  retractSuccess (at: number): void {
    const bucket = this.#bucket(secondOf(at))
    if (bucket !== undefined && bucket.second === secondOf(at) && bucket.successes > 0) bucket.successes--
  }

  /** What the window holds at `now`. */
  counts (now: number): WindowCounts {
    const oldest = secondOf(now) - this.#buckets.length
    let attempts = 0
    let failures = 0
    for (const bucket of this.#buckets) {
      if (bucket.second <= oldest) continue
      attempts += bucket.successes + bucket.failures
      failures += bucket.failures
    }
    return { attempts, failures }
  }

  /** Forgets everything. */
  clear (): void {
    for (const bucket of this.#buckets) bucket.second = -Infinity
  }

  #bucket (second: number): Bucket | undefined {
    const length = this.#buckets.length
    return this.#buckets[((second % length) + length) % length]
  }

  #claim (now: number): Bucket | undefined {
    const second = secondOf(now)
    const bucket = this.#bucket(second)
    if (bucket !== undefined && bucket.second !== second) {
      bucket.second = second
      bucket.successes = 0
      bucket.failures = 0
    }
    return bucket
  }
}

function secondOf (time: number): number {
  return Math.floor(time / BUCKET_MS)
}
