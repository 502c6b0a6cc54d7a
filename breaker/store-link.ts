/**
 * The way to the store, with a time limit and a breaker of its own: a store that hangs must cost the callers 250 ms
 * once, not each time.
 */
import type { BreakerEvent } from './events.ts'

/** Runs `callback` after `ms`; gives a function that calls it off. */
export type Schedule = (ms: number, callback: () => void) => () => void

/** How long a call to the store may take, in ms, unless the options say otherwise. */
export const STORE_TIMEOUT_MS = 250
/** How long the store is left alone after a call failed, in ms. */
const STORE_RETRY_MS = 1_000

/** The store was not asked, or did not answer in time. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError'
}

/** What a link needs. */
export interface StoreLinkOptions {
  readonly schedule: Schedule
  /** How long a call may take, in ms. */
  readonly timeoutMs: number
  readonly onEvent: (event: BreakerEvent) => void
  /** Called when the store may be tried again: the moment to write what waits. */
  readonly onRetry: () => void
}

/** Guards all calls to one store. */
export class StoreLink {
  readonly #options: StoreLinkOptions
  #cancelRetry: (() => void) | undefined
  /** Failed calls since the store was last well. */
  #failures = 0
  #totalFailures = 0
  #closed = false

  constructor (options: StoreLinkOptions) {
    this.#options = options
  }

  /** Calls that failed since the start. */
  get failures (): number { return this.#totalFailures }

  /** Whether the last call failed. */
  get isLost (): boolean { return this.#failures > 0 }

  /**
   * Asks the store.
   * @throws StoreUnavailableError when the store is left alone after a failure, or takes longer than `timeoutMs`;
   *   else whatever `ask` rejects with.
   */
  async call<T> (operation: string, ask: () => Promise<T>, timeoutMs = this.#options.timeoutMs): Promise<T> {
    if (this.#cancelRetry !== undefined) throw new StoreUnavailableError('the breaker store is being left alone after a failure')
    try {
      const answer = await withTimeout(ask, timeoutMs, this.#options.schedule)
      this.#recovered()
      return answer
    } catch (error) {
      this.#failed(operation, error)
      throw error
    }
  }

  /** Waits for a promise, but not for longer than `ms`. Says whether it settled in time. */
  async waitFor (promise: Promise<unknown>, ms: number): Promise<boolean> {
    return await new Promise(resolve => {
      const cancel = this.#options.schedule(ms, () => resolve(false))
      const settled = () => {
        cancel()
        resolve(true)
      }
      promise.then(settled, settled)
    })
  }

  /** Stops the timer. Calls still work, failures no longer lead to a retry. */
  close (): void {
    this.#closed = true
    this.#cancelRetry?.()
    this.#cancelRetry = undefined
  }

  #failed (operation: string, error: unknown): void {
    this.#totalFailures++
    if (this.#failures++ === 0) this.#options.onEvent({ kind: 'store_lost', operation, error })
    // Calls that were under way together fail together: one pause for all of them.
    if (this.#closed || this.#cancelRetry !== undefined) return
    this.#cancelRetry = this.#options.schedule(STORE_RETRY_MS, () => {
      this.#cancelRetry = undefined
      this.#options.onRetry()
    })
  }

  #recovered (): void {
    if (this.#failures === 0) return
    const failures = this.#failures
    this.#failures = 0
    this.#options.onEvent({ kind: 'store_back', failures })
  }
}

async function withTimeout<T> (ask: () => Promise<T>, timeoutMs: number, schedule: Schedule): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const cancel = schedule(timeoutMs, () => {
      reject(new StoreUnavailableError(`the breaker store did not answer within ${timeoutMs} ms`))
    })
    // An async call, so that a store that throws instead of rejecting is caught as well.
    const asked = (async () => await ask())()
    asked.finally(cancel).then(resolve, reject)
  })
}
