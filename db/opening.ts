import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseState } from './database.ts'
import { errorCode, isAway, TIMEOUT, unavailable } from './unavailable.ts'
import type { DatabaseUnavailableError } from './unavailable.ts'

/** How long to wait before another try, in ms; varied by a fifth. */
const RETRY_MS = 1_000

/** What becomes of the search for a database that was not there at the start. */
export type DatabaseEvent =
  /** It cannot be opened yet; told again when the reason is another one. `away`: waiting will mend it. */
  | { readonly kind: 'awaited', readonly error: DatabaseUnavailableError, readonly away: boolean }
  | { readonly kind: 'opened' }

export interface OpeningOptions {
  /** What cannot be used if it fails, in words. */
  readonly what: string
  /** Tries to open it, and calls `onAnswer` at the first sign of life. */
  readonly attempt: (onAnswer: () => void) => Promise<void>
  /** How long the first try waits for that, in ms. */
  readonly firstAnswerMs: number
  readonly onEvent: (event: DatabaseEvent) => void
}

/** The opening of a database: a first try that the start waits for, and where the database is away then, one each second. */
export class Opening {
  readonly #options: OpeningOptions
  readonly #stopping = new AbortController()
  #state: DatabaseState
  #searching: Promise<void> | undefined
  /** The reason that was told last. */
  #told = ''

  constructor (options: OpeningOptions) {
    this.#options = options
    this.#state = { kind: 'awaited', error: unavailable(options.what, TIMEOUT) }
  }

  get state (): DatabaseState { return this.#state }

  /**
   * The first try. Waits for an answer for a while, and from there on as long as it takes; if the database is away, the search
   * goes on in the background.
   * @throws DatabaseUnavailableError something is wrong that waiting does not mend
   */
  async begin (): Promise<void> {
    const answered = Promise.withResolvers<void>()
    const attempt = this.#try(answered.resolve)
    if (!await settlesWithin(Promise.race([answered.promise, attempt]), this.#options.firstAnswerMs)) {
      this.#isAwaited(unavailable(this.#options.what, TIMEOUT))
      this.#searching = this.#search(attempt)
      return
    }
    const error = await attempt
    if (error === undefined) {
      this.#state = { kind: 'open' }
      return
    }
    if (!isAway(error.code)) throw error
    this.#searching = this.#search(Promise.resolve(error))
  }

  /** Ends the search, as soon as the try under way is over. */
  async stop (): Promise<void> {
    this.#stopping.abort()
    await this.#searching
  }

  async #search (first: Promise<DatabaseUnavailableError | undefined>): Promise<void> {
    const { signal } = this.#stopping
    let error = await first
    while (error !== undefined && !signal.aborted) {
      this.#isAwaited(error)
      await delay(RETRY_MS * (0.8 + 0.4 * Math.random()), undefined, { ref: false, signal }).catch(() => {})
      if (!signal.aborted) error = await this.#try()
    }
    if (signal.aborted) return
    this.#state = { kind: 'open' }
    this.#options.onEvent({ kind: 'opened' })
  }

  async #try (onAnswer = () => {}): Promise<DatabaseUnavailableError | undefined> {
    try {
      await this.#options.attempt(onAnswer)
      return undefined
    } catch (error) {
      return unavailable(this.#options.what, errorCode(error))
    }
  }

  #isAwaited (error: DatabaseUnavailableError): void {
    this.#state = { kind: 'awaited', error }
    if (error.message === this.#told) return
    this.#told = error.message
    this.#options.onEvent({ kind: 'awaited', error, away: isAway(error.code) })
  }
}

async function settlesWithin (promise: Promise<unknown>, ms: number): Promise<boolean> {
  return await new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), ms)
    void promise.finally(() => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}
