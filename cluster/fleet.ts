/**
 * Decides when workers are started, replaced and given up. Pure: processes, clock and timers come in.
 *
 * The first worker goes ahead alone. What keeps one from starting would keep all of them, so it is found out, and said,
 * once; and it migrates the database before the others look at it. After that each place is filled again when its worker
 * ends, at once the first time, and more and more slowly while its workers keep ending.
 */

/** How a worker's process ended. */
export interface WorkerExit {
  readonly code: number | null
  /** What killed it; null if it ended by itself. */
  readonly signal: string | null
}

/** Something that whoever logs should know. */
export type FleetEvent<W> =
  /** A worker ended unasked; another takes its place after `nextInMs`. */
  | { readonly kind: 'replaced', readonly worker: W, readonly exit: WorkerExit, readonly served: boolean, readonly nextInMs: number }
  /** A worker ended before it served, none serves, and no other will be tried. */
  | { readonly kind: 'gave_up', readonly worker: W, readonly exit: WorkerExit }

export interface FleetOptions<W> {
  readonly size: number
  /** Starts a worker. `serves` and `ended` are to be called for it, never before this returns. */
  readonly fork: () => W
  /** Asks a worker, whether it serves yet or not, to finish what it does and to end. */
  readonly drain: (worker: W) => void
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Runs `callback` after `ms`; gives a function that calls it off. */
  readonly schedule: (ms: number, callback: () => void) => () => void
  readonly onEvent: (event: FleetEvent<W>) => void
}

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** A worker that served for so long owes its end to something new. */
const STEADY_MS = 60_000
/** So many workers in a row may fail to start in one place, while no other serves. */
const FAILED_STARTS = 5

type Occupant<W> =
  | { readonly state: 'none' }
  | { readonly state: 'starting', readonly worker: W }
  | { readonly state: 'serving', readonly worker: W, readonly since: number }
  | { readonly state: 'awaited', readonly callOff: () => void }

/** Where one worker after another lives. */
interface Place<W> {
  occupant: Occupant<W>
  /** Workers that ended here one soon after another. */
  ends: number
  /** The last of them that never served. */
  failedStarts: number
}

/** The workers. */
export class Fleet<W> {
  readonly #options: FleetOptions<W>
  readonly #places: ReadonlyArray<Place<W>>
  readonly #over = Promise.withResolvers<0 | 1>()
  #course: 'trying' | 'running' | 'ending' = 'trying'
  #code: 0 | 1 = 0

  constructor (options: FleetOptions<W>) {
    this.#options = options
    this.#places = Array.from({ length: options.size }, () => ({ occupant: { state: 'none' }, ends: 0, failedStarts: 0 }))
  }

  /** Resolves when the last worker has ended: with 0 after a drain that went well, with 1 if none could be started or one broke off. */
  get over (): Promise<0 | 1> { return this.#over.promise }

  /** Workers that run now. */
  get workers (): W[] {
    return this.#places.flatMap(({ occupant }) => 'worker' in occupant ? [occupant.worker] : [])
  }

  /** Starts the first worker. */
  start (): void {
    this.#fill(this.#places[0])
  }

  /** A worker takes requests now. */
  serves (worker: W): void {
    const place = this.#placeOf(worker)
    if (place?.occupant.state !== 'starting') return
    place.occupant = { state: 'serving', worker, since: this.#options.now() }
    place.failedStarts = 0
    if (this.#course !== 'trying') return
    this.#course = 'running'
    for (const other of this.#places) if (other.occupant.state === 'none') this.#fill(other)
  }

  /** A worker's process has ended. */
  ended (worker: W, exit: WorkerExit): void {
    const place = this.#placeOf(worker)
    if (place === undefined) return
    const { occupant } = place
    place.occupant = { state: 'none' }
    if (this.#course === 'ending') {
      if (occupant.state === 'serving' && exit.code !== 0) this.#code = 1
      this.#endIfEmpty()
      return
    }
    const served = occupant.state === 'serving'
    place.ends = occupant.state === 'serving' && this.#options.now() - occupant.since >= STEADY_MS ? 1 : place.ends + 1
    if (!served) place.failedStarts++
    if (!served && this.#isHopeless(place, exit)) {
      this.#options.onEvent({ kind: 'gave_up', worker, exit })
      this.#end(1)
      return
    }
    const nextInMs = Math.min(FIRST_PAUSE_MS * 2 ** (place.ends - 1), LONGEST_PAUSE_MS)
    place.occupant = { state: 'awaited', callOff: this.#options.schedule(nextInMs, () => this.#fill(place)) }
    this.#options.onEvent({ kind: 'replaced', worker, exit, served, nextInMs })
  }

  /** No worker is started any more, and those that run are drained. */
  drain (): void {
    if (this.#course !== 'ending') this.#end(0)
  }

  /**
   * Whether others would fail as this one did. While any serves, it is worth trying on: the database, say, is away for a
   * while, and those that serve do without it. The very first, if it ended by itself, has said what is wrong.
   */
  #isHopeless (place: Place<W>, exit: WorkerExit): boolean {
    if (this.#places.some(({ occupant }) => occupant.state === 'serving')) return false
    return place.failedStarts >= FAILED_STARTS || (this.#course === 'trying' && exit.code !== null)
  }

  #fill (place: Place<W> | undefined): void {
    if (place !== undefined) place.occupant = { state: 'starting', worker: this.#options.fork() }
  }

  #end (code: 0 | 1): void {
    this.#course = 'ending'
    this.#code = code
    for (const place of this.#places) {
      if (place.occupant.state !== 'awaited') continue
      place.occupant.callOff()
      place.occupant = { state: 'none' }
    }
    for (const worker of this.workers) this.#options.drain(worker)
    this.#endIfEmpty()
  }

  #endIfEmpty (): void {
    if (this.workers.length === 0) this.#over.resolve(this.#code)
  }

  #placeOf (worker: W): Place<W> | undefined {
    return this.#places.find(({ occupant }) => 'worker' in occupant && occupant.worker === worker)
  }
}
