/**
 * Timers of a package inside this process, which go off when the test says so: how long a client means to wait is seen,
 * and nobody has to wait for it.
 *
 *     const timers = holdTimers(t, 'openai')
 *     const answer = client.chat.completions.create(…)
 *     const pause = await timers.next(ms => ms === 7000)    // it waits 7 s before it tries again
 *     pause.fire()
 */
import { mock } from 'node:test'
import type { Test } from 'tap'

/** A timer that was set. */
export class HeldTimer {
  readonly ms: number
  /** Lets its time be over. */
  readonly fire: () => void

  constructor (ms: number, fire: () => void) {
    this.ms = ms
    this.fire = fire
  }

  ref (): this { return this }
  unref (): this { return this }
}

export class HeldTimers {
  readonly #held = new Set<HeldTimer>()
  readonly #waiting = new Set<{ readonly fits: (ms: number) => boolean, readonly resolve: (timer: HeldTimer) => void }>()

  /** A timer of so many ms that nobody has asked for yet, as soon as it is set. */
  async next (fits: (ms: number) => boolean): Promise<HeldTimer> {
    const found = [...this.#held].find(({ ms }) => fits(ms))
    if (found !== undefined) {
      this.#held.delete(found)
      return found
    }
    return await new Promise(resolve => { this.#waiting.add({ fits, resolve }) })
  }

  /** The times of those that are set, and that nobody has asked for. */
  get set (): readonly number[] { return [...this.#held].map(({ ms }) => ms) }

  hold (timer: HeldTimer): void {
    for (const waiting of this.#waiting) {
      if (!waiting.fits(timer.ms)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(timer)
      return
    }
    this.#held.add(timer)
  }

  drop (timer: HeldTimer): void { this.#held.delete(timer) }
}

/** Until the test ends, what a package's own code sets by `setTimeout` goes off by hand; all other timers are as ever. */
export function holdTimers (t: Test, packageName: string): HeldTimers {
  const timers = new HeldTimers()
  const { setTimeout: set, clearTimeout: clear } = globalThis
  const mocks = [
    mock.method(globalThis, 'setTimeout', (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      if (!isCalledBy(packageName)) return set(callback, ms, ...args)
      const timer = new HeldTimer(ms, () => callback(...args))
      timers.hold(timer)
      return timer
    }),
    mock.method(globalThis, 'clearTimeout', (timer: HeldTimer | Parameters<typeof clear>[0]) => {
      if (timer instanceof HeldTimer) timers.drop(timer)
      else clear(timer)
    })
  ]
  t.teardown(() => { for (const { mock } of mocks) mock.restore() })
  return timers
}

/** Whether it is that package's own code that called `setTimeout`, and not what it uses. */
function isCalledBy (packageName: string): boolean {
  const frames = new Error().stack?.split('\n').slice(1) ?? []
  const caller = frames.find(frame => !frame.includes(import.meta.url) && !frame.includes('node:internal/test_runner'))
  return caller?.includes(`/node_modules/${packageName}/`) === true
}
