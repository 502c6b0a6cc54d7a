/**
 * The breakers of all targets, as the hot path asks them: one look-up in memory, never a wait for the store.
 *
 * A trip takes effect here at once and is written behind. Only the probe of a half-open breaker is asked of the store
 * first, as it must be one in the whole fleet; the request that finds it due need not wait for the answer.
 */
import type { Admission, Permit } from './admission.ts'
import type { BreakerEvent } from './events.ts'
import { DEFAULT_POLICY } from './policy.ts'
import type { BreakerPolicy } from './policy.ts'
import type { BreakerSnapshot, Manual, ManualAction, StateName } from './state.ts'
import type { BreakerStore, StoredBreaker } from './store.ts'
import { STORE_TIMEOUT_MS, StoreLink } from './store-link.ts'
import type { Schedule } from './store-link.ts'
import { StoreWatch } from './store-watch.ts'
import { TargetBreaker } from './target-breaker.ts'
import type { TargetBreakerOptions } from './target-breaker.ts'

/** A target that has no breaker. */
export class UnknownTargetError extends Error {
  override readonly name = 'UnknownTargetError'

  constructor (target: string) {
    super(`unknown target: ${target}`)
  }
}

/** What a set of breakers needs. Clock, chance and timers come in, so that tests can rule them. */
export interface CircuitBreakersOptions {
  readonly store: BreakerStore
  readonly policy?: Partial<BreakerPolicy>
  /** How long a call to the store may take, in ms; then the breakers decide alone. Default 250. */
  readonly storeTimeoutMs?: number | undefined
  /** This replica's name, unique to this run of the process: stored states are told apart by it. */
  readonly owner: string
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Numbers from 0 to below 1. */
  readonly random: () => number
  readonly schedule: Schedule
  /** Told of everything worth a log line. Must not throw. */
  readonly onEvent: (event: BreakerEvent) => void
}

/** How long `close` waits for writes, in ms. */
const CLOSE_TIMEOUT_MS = 1_000

/** All breakers of one replica. */
export class CircuitBreakers {
  readonly #now: () => number
  readonly #link: StoreLink
  readonly #storeTimeoutMs: number
  readonly #forEach: TargetBreakerOptions
  readonly #breakers = new Map<string, TargetBreaker>()
  /** Stored breakers whose targets were not added yet. */
  readonly #stored = new Map<string, { readonly stored: StoredBreaker, readonly at: number }>()
  readonly #watch: StoreWatch
  #claims = 0

  constructor ({ store, policy, storeTimeoutMs = STORE_TIMEOUT_MS, owner, now, random, schedule, onEvent }: CircuitBreakersOptions) {
    this.#now = now
    this.#storeTimeoutMs = storeTimeoutMs
    this.#link = new StoreLink({ schedule, timeoutMs: storeTimeoutMs, onEvent, onRetry: () => { void this.#drainAll() } })
    this.#forEach = {
      store,
      link: this.#link,
      policy: { ...DEFAULT_POLICY, ...policy },
      storeTimeoutMs,
      owner,
      nameClaim: () => `${owner}/${++this.#claims}`,
      now,
      random,
      onEvent
    }
    this.#watch = new StoreWatch({ store, link: this.#link, timeoutMs: storeTimeoutMs, onLook: () => this.#onLook() })
  }

  /** Calls to the store that failed since the start. */
  get storeFailures (): number { return this.#link.failures }

  /** Whether the last call to the store failed: then these breakers decide alone. */
  get storeLost (): boolean { return this.#link.isLost }

  /** Gives the target a breaker: closed, or as the store had it at `start`. Does nothing if it has one. */
  add (target: string): void {
    if (this.#breakers.has(target)) return
    const breaker = new TargetBreaker(target, this.#forEach)
    this.#breakers.set(target, breaker)
    const known = this.#stored.get(target)
    this.#stored.delete(target)
    if (known !== undefined) breaker.see(known.stored, known.at, breaker.version)
  }

  /**
   * Loads the stored states, for up to 2 s, and begins to watch the store. If it does not answer, the breakers begin
   * closed; `refresh` catches up.
   */
  async start (): Promise<void> {
    await this.#watch.start({
      changed: target => { if (this.#breakers.has(target)) void this.refresh() },
      resync: () => { void this.refresh() }
    })
  }

  /**
   * Takes over what other replicas stored since. One look at a time: who asks during one gets another that begins after
   * it. Never rejects: without the store, everything stays as it is.
   */
  async refresh (): Promise<void> {
    await this.#watch.look()
  }

  /**
   * Whether a request may go to the target now. Synchronous; at most it starts a claim in the background.
   * @throws UnknownTargetError
   */
  admit (target: string): Admission {
    return this.#breakerOf(target).admit()
  }

  /**
   * A permit for a target whose breaker is open, once a second from its opening on: for when every target is. Nothing of it is scored, the
   * breaker closes by its probe. Undefined if there was one within the last second, or the breaker is not open by itself.
   * @throws UnknownTargetError
   */
  trickle (target: string): Permit | undefined {
    return this.#breakerOf(target).trickle()
  }

  /** All breakers, after waiting up to 250 ms until the store has what is reported. */
  async list (): Promise<BreakerSnapshot[]> {
    await this.#link.waitFor(this.#drainAll(), this.#storeTimeoutMs)
    return this.snapshots()
  }

  /** All breakers as they stand here, whatever the store has. */
  snapshots (): BreakerSnapshot[] {
    return Array.from(this.#breakers.values(), breaker => breaker.snapshot())
  }

  /** A breaker's state as it stands here; undefined for a target without one. */
  stateOf (target: string): StateName | undefined {
    return this.#breakers.get(target)?.snapshot().state
  }

  /**
   * Changes a breaker by hand. In effect at once; waits up to 250 ms until it is stored.
   * @throws UnknownTargetError
   */
  async override (target: string, action: ManualAction, manual: Manual): Promise<BreakerSnapshot> {
    const breaker = this.#breakerOf(target)
    breaker.override(action, manual)
    await this.#link.waitFor(breaker.drain(), this.#storeTimeoutMs)
    return breaker.snapshot()
  }

  /** Gives unused leases back and writes what waits, for at most a second. */
  async close (): Promise<void> {
    for (const breaker of this.#breakers.values()) breaker.releaseUnused()
    await this.#link.waitFor(this.#watch.stop(), CLOSE_TIMEOUT_MS)
    // First the link, so that a store that failed a moment ago is tried once more.
    this.#link.close()
    await this.#link.waitFor(this.#drainAll(), CLOSE_TIMEOUT_MS)
  }

  #breakerOf (target: string): TargetBreaker {
    const breaker = this.#breakers.get(target)
    if (breaker === undefined) throw new UnknownTargetError(target)
    return breaker
  }

  #onLook (): (all: readonly StoredBreaker[]) => void {
    const asked = new Map(Array.from(this.#breakers, ([target, breaker]) => [target, breaker.version]))
    return all => {
      const at = this.#now()
      for (const stored of all) {
        const { target } = stored
        const breaker = this.#breakers.get(target)
        if (breaker === undefined) this.#stored.set(target, { stored, at })
        else breaker.see(stored, at, asked.get(target))
      }
    }
  }

  async #drainAll (): Promise<void> {
    await Promise.all(Array.from(this.#breakers.values(), async breaker => await breaker.drain()))
  }
}
