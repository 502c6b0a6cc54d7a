import { Broken } from './broken.ts'
import { ConnectionLostError } from './errors.ts'
import type { StreamPosition } from './errors.ts'
import type { Settings } from './options.ts'
import { untilAborted } from './until-aborted.ts'

/** Counts connections that failed in a row, and pauses between them. */
export class Retries {
  readonly #settings: Pick<Settings, 'reconnect' | 'schedule' | 'random'>
  readonly #signal: AbortSignal
  #failed = 0
  #missing = 0

  /** @param signal ends a pause */
  constructor (settings: Pick<Settings, 'reconnect' | 'schedule' | 'random'>, signal: AbortSignal) {
    this.#settings = settings
    this.#signal = signal
  }

  /** Something new has come. */
  progress (): void {
    this.#failed = 0
    this.#missing = 0
  }

  /**
   * Waits until it is time for the next connection.
   * @throws what came of the last one, if it may not be made again; `signal.reason`
   */
  async next (failure: unknown, position: StreamPosition): Promise<void> {
    if (!(failure instanceof Broken)) throw failure
    const { maxTries, minDelayMs, maxDelayMs, maxRetryAfterMs } = this.#settings.reconnect
    const { said, anew } = failure
    this.#failed++
    // A replica may not know yet what another one has just begun.
    if (said?.status === 404 && !anew && ++this.#missing > MISSING_TRIES) throw said
    const retryAfterMs = said?.retryAfterMs ?? 0
    if (this.#failed >= maxTries || retryAfterMs > maxRetryAfterMs) throw said ?? new ConnectionLostError(this.#failed, position, failure)
    const longest = Math.min(maxDelayMs, minDelayMs * 2 ** (this.#failed - 1))
    await this.#pause(retryAfterMs + longest / 2 * (1 + this.#settings.random()))
  }

  async #pause (ms: number): Promise<void> {
    const over = Promise.withResolvers<void>()
    const callOff = this.#settings.schedule(ms, over.resolve)
    try {
      await untilAborted(this.#signal, over.promise)
    } finally {
      callOff()
    }
  }
}

const MISSING_TRIES = 2
