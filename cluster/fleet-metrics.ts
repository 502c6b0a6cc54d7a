/**
 * What all workers have measured together. Pure: workers, clock and timers come in.
 *
 * Counters must never fall, or Prometheus takes what is left for new. So what a worker has counted stays in the sum when it
 * ends, or is too busy to answer: as it stood when it was asked last.
 */
import type { Family } from '../metrics/family.ts'
import { countedOf, merged } from '../metrics/merged.ts'

export interface FleetMetricsOptions<W> {
  /** Asks a worker for its families. `measured` is to be called with them, never before this returns. */
  readonly ask: (worker: W) => void
  /** Runs `callback` after `ms`; gives a function that calls it off. */
  readonly schedule: (ms: number, callback: () => void) => () => void
}

/** How long a worker may take to answer, in ms: Prometheus itself waits 10 s by default. */
const ANSWER_TIMEOUT_MS = 2_000

/** Workers' families, collected from time to time. */
export class FleetMetrics<W> {
  readonly #options: FleetMetricsOptions<W>
  /** Of each worker that can be asked, what it said last. */
  readonly #last = new Map<W, readonly Family[]>()
  /** What workers that have ended had counted. */
  #departed: readonly Family[] = []
  #round: Round<W> | undefined

  constructor (options: FleetMetricsOptions<W>) {
    this.#options = options
  }

  /** Asks every worker; who asks meanwhile gets the same answer. */
  async collect (): Promise<Family[]> {
    this.#round ??= this.#ask()
    return await this.#round.result
  }

  /** From now on the worker can be asked. */
  joined (worker: W): void {
    this.#last.set(worker, [])
  }

  /** A worker's answer. What arrives after its end is too late. */
  measured (worker: W, families: readonly Family[]): void {
    if (!this.#last.has(worker)) return
    this.#last.set(worker, families)
    this.#round?.heard(worker)
  }

  /** A worker is no more. */
  ended (worker: W): void {
    this.#departed = merged([this.#departed, countedOf(this.#last.get(worker) ?? [])])
    this.#last.delete(worker)
    this.#round?.heard(worker)
  }

  #ask (): Round<W> {
    const { ask, schedule } = this.#options
    const waiting = new Set(this.#last.keys())
    const done = Promise.withResolvers<void>()
    const callOff = schedule(ANSWER_TIMEOUT_MS, done.resolve)
    const heard = (worker: W) => {
      waiting.delete(worker)
      if (waiting.size === 0) done.resolve()
    }
    const result = done.promise.then(() => {
      callOff()
      this.#round = undefined
      return merged([this.#departed, ...Array.from(this.#last, ([worker, families]) => waiting.has(worker) ? countedOf(families) : families)])
    })
    if (waiting.size === 0) done.resolve()
    for (const worker of waiting) ask(worker)
    return { heard, result }
  }
}

interface Round<W> {
  /** The worker has answered, or never will. */
  readonly heard: (worker: W) => void
  readonly result: Promise<Family[]>
}
