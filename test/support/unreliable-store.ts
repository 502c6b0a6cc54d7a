/**
 * A breaker store that is slow or broken on request.
 */
import type {
  BreakerStore, CooldownWrite, ProbeClaim, ProbeRelease, StoredBreaker, TransitionWrite
} from '../../breaker/store.ts'

/** Passes everything on to another store, after whatever `before` does and then whatever `after` does. */
export class UnreliableStore implements BreakerStore {
  /** Runs before each call; reject to let it fail, wait to make it slow. */
  before: (operation: keyof BreakerStore) => Promise<void> = async () => {}
  /** Runs after each call took effect, before its answer arrives. */
  after: (operation: keyof BreakerStore) => Promise<void> = async () => {}
  readonly #store: BreakerStore

  constructor (store: BreakerStore) {
    this.#store = store
  }

  async load (): Promise<StoredBreaker[]> {
    return await this.#call('load', async () => await this.#store.load())
  }

  async transition (change: TransitionWrite): Promise<{ applied: boolean, stored: StoredBreaker }> {
    return await this.#call('transition', async () => await this.#store.transition(change))
  }

  async claimProbe (claim: ProbeClaim): Promise<{ won: boolean, stored: StoredBreaker }> {
    return await this.#call('claimProbe', async () => await this.#store.claimProbe(claim))
  }

  async releaseProbe (release: ProbeRelease): Promise<void> {
    await this.#call('releaseProbe', async () => await this.#store.releaseProbe(release))
  }

  async setCooldown (cooldown: CooldownWrite): Promise<void> {
    await this.#call('setCooldown', async () => await this.#store.setCooldown(cooldown))
  }

  async #call<T> (operation: keyof BreakerStore, run: () => Promise<T>): Promise<T> {
    await this.before(operation)
    const answer = await run()
    await this.after(operation)
    return answer
  }
}
