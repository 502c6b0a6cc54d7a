/**
 * The part of an AbortSignal that the calls in here look at, so every AbortSignal is one.
 * @see https://dom.spec.whatwg.org/#interface-AbortSignal
 */
export interface CallSignal {
  readonly aborted: boolean
  /** Why it was aborted; undefined until then. */
  readonly reason: unknown
  addEventListener (type: 'abort', listener: () => void, options?: { readonly once?: boolean }): void
  removeEventListener (type: 'abort', listener: () => void): void
}

/**
 * Aborts a call, as an AbortController does. Those are event targets, which cost each request some µs and each stream
 * about a kilobyte, for features that nobody here uses.
 */
export class CallAborter implements CallSignal {
  aborted = false
  reason: unknown
  readonly #listeners: Array<() => void> = []

  /** Only the first time counts. */
  abort (reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    for (const listener of this.#listeners.splice(0)) listener()
  }

  /** Listeners are called once, in the order in which they came; never, if it is aborted already. */
  addEventListener (_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.push(listener)
  }

  removeEventListener (_type: 'abort', listener: () => void): void {
    const at = this.#listeners.indexOf(listener)
    if (at !== -1) this.#listeners.splice(at, 1)
  }
}
