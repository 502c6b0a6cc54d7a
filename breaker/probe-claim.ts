/**
 * One request for the probe's lease, and who gets the permit that comes of it.
 */

/** A claim that the store is asked for; its permit goes to exactly one taker. */
export class ProbeClaimInFlight<T> {
  readonly #answer: Promise<void>
  readonly #patience: (asked: Promise<void>) => Promise<void>
  readonly #isUsable: () => boolean
  #permit: T | undefined
  #isAsking = true

  /**
   * @param asked resolves to the permit if the lease was won. Must not reject.
   * @param patience waits for the store's answer, but not for ever. Must not reject.
   * @param isUsable whether a permit that nobody has taken yet is still worth taking.
   */
  constructor (asked: Promise<T | undefined>, patience: (asked: Promise<void>) => Promise<void>, isUsable: () => boolean) {
    this.#patience = patience
    this.#isUsable = isUsable
    this.#answer = asked.then(permit => {
      this.#permit = permit
      this.#isAsking = false
    })
  }

  /** Whether the store has not answered yet. */
  get isAsking (): boolean { return this.#isAsking }

  /** The permit, if it was won, nobody has taken it, and it is worth taking. */
  takeNow (): T | undefined {
    return this.#isUsable() ? this.discard() : undefined
  }

  /** The permit that nobody has taken, in whatever condition: to give it back. */
  discard (): T | undefined {
    const permit = this.#permit
    this.#permit = undefined
    return permit
  }

  /** A promise that stands in line for the permit from the moment somebody awaits it. */
  promise (): Promise<T | undefined> {
    return new OnAwait(async () => {
      await this.#patience(this.#answer)
      return this.takeNow()
    })
  }
}

/** A promise whose work begins when it is first awaited: one that is ignored takes nothing away from others. */
class OnAwait<T> implements Promise<T> {
  readonly [Symbol.toStringTag] = 'Promise'
  readonly #begin: () => Promise<T>
  #begun: Promise<T> | undefined

  constructor (begin: () => Promise<T>) {
    this.#begin = begin
  }

  // It has to be a thenable: awaiting is exactly what it waits for.
  async then<A = T, B = never> (
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null
  ): Promise<A | B> {
    this.#begun ??= this.#begin()
    return await this.#begun.then(onFulfilled, onRejected)
  }

  async catch<B = never> (onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return await this.then(undefined, onRejected)
  }

  async finally (onFinally?: (() => void) | null): Promise<T> {
    this.#begun ??= this.#begin()
    return await this.#begun.finally(onFinally)
  }
}
