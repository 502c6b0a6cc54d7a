/**
 * What one breaker still has to tell the store. A trip counts in memory at once; its write follows here, in order, and
 * is repeated until the store took it or turned out to know better.
 */
import type { BreakerStore, ProbeRelease, StoredBreaker } from './store.ts'
import type { StoreLink } from './store-link.ts'
import type { Cause, Transition } from './state.ts'

/** How many transitions wait at most; beyond it the newest two become one, as only where the breaker is now matters. */
const MAX_WAITING = 16

interface Waiting {
  readonly transition: Transition
  /** When it was made: what remains of its times is less once it is written. */
  readonly at: number
}

/** What a queue needs of its breaker and its surroundings. */
export interface WriteBehindOptions {
  readonly store: BreakerStore
  readonly link: StoreLink
  /** The replica's name. */
  readonly writer: string
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** The remaining cooldown to write, in ms; null when it is over. */
  readonly cooldownForMs: () => number | null
  /** The store took the newest transition. */
  readonly onStored: (stored: StoredBreaker) => void
  /** Another replica was first: `stored` is what holds now, and none of `lost` was written. */
  readonly onConflict: (stored: StoredBreaker, lost: readonly Transition[]) => void
}

/** The ordered writes of one target. */
export class WriteBehind {
  readonly #target: string
  readonly #options: WriteBehindOptions
  #waiting: Waiting[] = []
  #cooldown: { readonly cause: Cause, readonly status: number | null } | undefined
  #release: ProbeRelease | undefined
  #draining: Promise<void> | undefined

  constructor (target: string, options: WriteBehindOptions) {
    this.#target = target
    this.#options = options
  }

  /** Whether the store knows everything. */
  get isEmpty (): boolean {
    return this.#waiting.length === 0 && this.#cooldown === undefined && this.#release === undefined
  }

  /** Whether a cooldown waits to be written. */
  get hasCooldown (): boolean { return this.#cooldown !== undefined }

  /** Adds a transition. */
  push (transition: Transition): void {
    // A transition leaves no lease behind that could be given back.
    this.#release = undefined
    const entry = { transition, at: this.#options.now() }
    const last = this.#waiting.at(-1)
    if (last !== undefined && this.#waiting.length >= MAX_WAITING) {
      const { fromEpoch, from } = last.transition
      this.#waiting[this.#waiting.length - 1] = { ...entry, transition: { ...transition, fromEpoch, from } }
    } else {
      this.#waiting.push(entry)
    }
  }

  /** Notes that the cooldown changed. */
  pushCooldown (cause: Cause, status: number | null): void {
    this.#cooldown = { cause, status }
  }

  /** Notes that a lease was given back. */
  pushRelease (release: ProbeRelease): void {
    this.#release = release
  }

  /** Writes all that waits; one run at a time. Resolves when nothing waits or the store does not answer; never rejects. */
  async drain (): Promise<void> {
    if (this.isEmpty) return
    this.#draining ??= this.#writeAll().finally(() => { this.#draining = undefined })
    await this.#draining
  }

  async #writeAll (): Promise<void> {
    try {
      while (!this.isEmpty) await this.#writeNext()
    } catch {
      // The link has reported it, and calls for another run when the store may be tried again.
    }
  }

  async #writeNext (): Promise<void> {
    const { link, store } = this.#options
    const first = this.#waiting[0]
    if (first !== undefined) return await this.#writeTransition(first)
    const release = this.#release
    if (release !== undefined) {
      await link.call('releaseProbe', async () => await store.releaseProbe(release))
      if (this.#release === release) this.#release = undefined
      return
    }
    const cooldown = this.#cooldown
    if (cooldown === undefined) return
    const forMs = this.#options.cooldownForMs()
    if (forMs !== null) {
      await link.call('setCooldown', async () => await store.setCooldown({ target: this.#target, forMs, ...cooldown }))
    }
    if (this.#cooldown === cooldown) this.#cooldown = undefined
  }

  async #writeTransition ({ transition, at }: Waiting): Promise<void> {
    const { link, store, writer, now } = this.#options
    const elapsed = now() - at
    const { openForMs, lease } = transition
    const { applied, stored } = await link.call('transition', async () => await store.transition({
      ...transition,
      openForMs: openForMs === null ? null : Math.max(0, openForMs - elapsed),
      lease: lease === null ? null : { owner: lease.owner, forMs: Math.max(0, lease.forMs - elapsed) },
      writer
    }))
    if (applied || isOurs(stored, transition, writer)) {
      this.#waiting.shift()
      if (this.#waiting.length === 0) this.#options.onStored(stored)
      return
    }
    const lost = this.#waiting.map(waiting => waiting.transition)
    this.#waiting = []
    this.#options.onConflict(stored, lost)
  }
}

/** Whether the store holds this very transition: an earlier try that timed out here may have reached it after all. */
function isOurs (stored: StoredBreaker, { epoch, to, lease }: Transition, writer: string): boolean {
  // The state and the lease as well, as a claim of ours can have made the same epoch.
  return stored.writer === writer && stored.epoch === epoch && stored.state === to && stored.lease?.owner === lease?.owner
}
