/** How whoever waits says that it gives up: `callback` is to be called then. Gives a function that calls that off. */
export type OnGiveUp = (callback: () => void) => () => void

/**
 * A number of places, and a line in front of them: first come, first served. The number may change at any time; what it
 * loses is not taken from who is there.
 */
export class WaitingLine {
  readonly #places: () => number
  #taken = 0
  readonly #waiting = new Set<() => void>()

  /** @param places how many there are now */
  constructor (places: () => number) {
    this.#places = places
  }

  /** Places that are taken. */
  get taken (): number { return this.#taken }

  /** How many wait for one. */
  get waiting (): number { return this.#waiting.size }

  /** A place, if one is free and nobody waits: what gives it back, to be called once. */
  take (): (() => void) | undefined {
    return this.#taken < this.#places() && this.#waiting.size === 0 ? this.#enter() : undefined
  }

  /** A place, at once or when it is one's turn; undefined when `ms` have passed, or the caller gave up, without one. */
  async place (ms: number, onGiveUp: OnGiveUp): Promise<(() => void) | undefined> {
    const place = this.take()
    if (place !== undefined) return place
    return await new Promise(resolve => {
      let callOff = () => {}
      const leave = (place: (() => void) | undefined) => {
        if (!this.#waiting.delete(turn)) return
        clearTimeout(timer)
        callOff()
        resolve(place)
      }
      const turn = () => leave(this.#enter())
      const timer = setTimeout(() => leave(undefined), ms)
      this.#waiting.add(turn)
      callOff = onGiveUp(() => leave(undefined))
      this.#callUp()
    })
  }

  #enter (): () => void {
    this.#taken++
    return () => {
      this.#taken--
      this.#callUp()
    }
  }

  /** A set keeps the order in which they came. */
  #callUp (): void {
    for (const turn of this.#waiting) {
      if (this.#taken >= this.#places()) break
      turn()
    }
  }
}
