/**
 * Looks at what other replicas stored: at the start, when the store tells of a change, and whenever asked.
 */
import type { BreakerStore, StoredBreaker, StoreWatcher } from './store.ts'
import type { StoreLink } from './store-link.ts'

/** How long the first look may take, in ms: the first connection takes longest. */
const START_TIMEOUT_MS = 2_000

export interface StoreWatchOptions {
  readonly store: BreakerStore
  readonly link: StoreLink
  /** How long a look may take, in ms. */
  readonly timeoutMs: number
  /** Called before each look; what it gives is called with the answer, if one comes. */
  readonly onLook: () => (all: readonly StoredBreaker[]) => void
}

/** One look at a time. */
export class StoreWatch {
  readonly #options: StoreWatchOptions
  /** The look that is under way, and whether another has to follow. */
  #looking: Promise<void> | undefined
  #lookAgain = false
  #stop: (() => Promise<void>) | undefined

  constructor (options: StoreWatchOptions) {
    this.#options = options
  }

  /** Looks, for up to 2 s, and from then on hears of changes. Never rejects. */
  async start (watcher: StoreWatcher): Promise<void> {
    await this.#look(START_TIMEOUT_MS)
    this.#stop = this.#options.store.watch?.(watcher)
  }

  /** Looks; who asks during a look gets another that begins after it. Never rejects. */
  async look (): Promise<void> {
    if (this.#looking !== undefined) {
      this.#lookAgain = true
      await this.#looking
      return
    }
    this.#looking = this.#lookUntilSeen().finally(() => { this.#looking = undefined })
    await this.#looking
  }

  /** Hears of nothing any more. */
  async stop (): Promise<void> {
    await this.#stop?.()
  }

  async #lookUntilSeen (): Promise<void> {
    do {
      this.#lookAgain = false
      await this.#look(this.#options.timeoutMs)
    } while (this.#lookAgain)
  }

  async #look (timeoutMs: number): Promise<void> {
    const { store, link, onLook } = this.#options
    const onAnswer = onLook()
    let all: StoredBreaker[]
    try {
      all = await link.call('load', async () => await store.load(), timeoutMs)
    } catch {
      // The link has reported it. Without the store, everything stays as it is.
      return
    }
    onAnswer(all)
  }
}
