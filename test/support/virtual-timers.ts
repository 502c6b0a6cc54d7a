/**
 * Virtual time for code that takes its timers and its clock from the platform: `setTimeout`, `clearTimeout` and
 * `performance.now` of this process follow a `VirtualTime` until the test ends.
 */
import type { Test } from 'tap'
import { VirtualTime } from './virtual-time.ts'

/** What code does with the handle that `setTimeout` gave it. */
class TimerHandle {
  readonly #time: VirtualTime
  readonly #ms: number
  readonly #callback: () => void
  #stop: (() => void) | undefined
  #cleared = false

  constructor (time: VirtualTime, ms: number, callback: () => void) {
    this.#time = time
    this.#ms = ms
    this.#callback = callback
    this.refresh()
  }

  /** As Node has it: without effect on a timer that was cleared, otherwise the time starts anew, fired or not. */
  refresh (): this {
    if (this.#cleared) return this
    this.#stop?.()
    this.#stop = this.#time.schedule(this.#ms, this.#callback)
    return this
  }

  clear (): void {
    this.#cleared = true
    this.#stop?.()
  }

  ref (): this { return this }
  unref (): this { return this }
}

/** Starts at 0. `time.pending` is how many timers are set. */
export function useVirtualTime (t: Test): VirtualTime {
  const time = new VirtualTime()
  replace(t, globalThis, 'setTimeout', (callback: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => new TimerHandle(time, ms, () => callback(...args)))
  replace(t, globalThis, 'clearTimeout', (handle: unknown) => { if (handle instanceof TimerHandle) handle.clear() })
  replace(t, performance, 'now', time.now)
  return time
}

/** Until the test ends. Not by a mock of Node's or tap's: those keep each call with its stack, 4 GiB of an hour's outages. */
function replace (t: Test, object: object, name: string, value: unknown): void {
  const own = Object.getOwnPropertyDescriptor(object, name)
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true })
  t.teardown(() => { own === undefined ? Reflect.deleteProperty(object, name) : Object.defineProperty(object, name, own) })
}
