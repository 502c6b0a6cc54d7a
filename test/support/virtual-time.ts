/**
 * A clock that only moves when the test says so, with timers that fire on the way.
 */

interface Timer {
  readonly due: number
  readonly callback: () => void
}

/** Virtual time, ms from 0. */
export class VirtualTime {
  #now = 0
  readonly #timers = new Set<Timer>()

  /** The present; bound, to be handed on. */
  readonly now = (): number => this.#now

  /** Runs `callback` once `ms` have passed; bound, to be handed on. */
  readonly schedule = (ms: number, callback: () => void): (() => void) => {
    const timer = { due: this.#now + ms, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Timers that have not fired. */
  get pending (): number { return this.#timers.size }

  /** Forgets all timers: whoever set them is gone. */
  clear (): void { this.#timers.clear() }

  /** How long it is until the next one fires, in ms; undefined where there is none. */
  get soonest (): number | undefined {
    return this.#timers.size === 0 ? undefined : Math.min(...[...this.#timers].map(({ due }) => due)) - this.#now
  }

  /** Moves the clock, firing what falls due in order, and lets promises settle after each. */
  async advance (ms: number): Promise<void> {
    const end = this.#now + ms
    await settle()
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.due - b.due)[0]
      if (next === undefined || next.due > end) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.due)
      next.callback()
      await settle()
    }
    this.#now = end
    await settle()
  }
}

/** Lets everything run that waits for nothing but other promises. */
export async function settle (): Promise<void> {
  await new Promise(resolve => { setImmediate(resolve) })
}
