import { inTime } from './in-time.ts'
import type { Schedule } from './in-time.ts'
import { READ_TIMEOUT_MS } from './stored-frames.ts'
import type { RequestClaim, StreamStore } from './stream-store.ts'

/** What became of a claim. */
export type Claimed =
  /** The request is to be made; `release` it if it fails. */
  | { readonly kind: 'mine' }
  /** It was made before: this is its stream. */
  | { readonly kind: 'made', readonly id: string }
  /** Another request was made under this name. */
  | { readonly kind: 'mistaken' }

export interface RequestClaimsOptions {
  readonly store: StreamStore
  /** This replica's name. */
  readonly owner: string
  /** How long a claim holds without a sign of life, in ms. */
  readonly ttlMs: number
  readonly schedule: Schedule
}

/**
 * Requests that their callers have named: of several with one name, at any replicas, one is made, and the others get its
 * stream.
 */
export class RequestClaims {
  readonly #options: RequestClaimsOptions
  /** Of this replica: those under way, and those whose streams are in memory. `there`: whose name it is in the end. */
  readonly #claims = new Map<string, { readonly id: string, readonly there: Promise<Pick<RequestClaim, 'id' | 'digest'>> }>()
  readonly #unbegun = new Map<string, PromiseWithResolvers<void>>()

  constructor (options: RequestClaimsOptions) {
    this.#options = options
  }

  /** Streams of this replica that were claimed and have not begun. */
  get unbegun (): ReadonlySet<string> { return new Set(this.#unbegun.keys()) }

  /**
   * Asks whether a request is to be made. Where the store does not answer, those of this replica are all that is known:
   * better to ask twice than not at all. Never rejects.
   */
  async claim (claim: RequestClaim): Promise<Claimed> {
    const name = JSON.stringify([claim.caller, claim.key])
    const known = this.#claims.get(name)
    if (known !== undefined) return claimedBy(await known.there, claim)
    const there = this.#claimed(claim)
    this.#claims.set(name, { id: claim.id, there })
    this.#unbegun.set(claim.id, Promise.withResolvers())
    const holder = await there
    if (holder.id !== claim.id) this.forget(claim.id)
    return claimedBy(holder, claim)
  }

  async #claimed (claim: RequestClaim): Promise<Pick<RequestClaim, 'id' | 'digest'>> {
    const { store, owner, ttlMs, schedule } = this.#options
    try {
      return await inTime(store.claim(owner, claim, ttlMs), READ_TIMEOUT_MS, schedule)
    } catch {
      return claim
    }
  }

  /** Frees the name of a request that failed: the next one is made anew. Never rejects. */
  async release (id: string): Promise<void> {
    this.forget(id)
    await this.#options.store.release(id).catch(() => {}) // then its name is free when its time is over
  }

  /** Resolves when a stream of this replica has begun, or never will. */
  async begun (id: string): Promise<void> {
    await this.#unbegun.get(id)?.promise
  }

  /** It has begun, or never will. */
  begins (id: string): void {
    this.#unbegun.get(id)?.resolve()
    this.#unbegun.delete(id)
  }

  /** Leaves it to the store to know its name. */
  forget (id: string): void {
    this.begins(id)
    for (const [name, claim] of this.#claims) if (claim.id === id) this.#claims.delete(name)
  }
}

function claimedBy (there: { readonly id: string, readonly digest: string }, claim: RequestClaim): Claimed {
  if (there.digest !== claim.digest) return { kind: 'mistaken' }
  return there.id === claim.id ? { kind: 'mine' } : { kind: 'made', id: there.id }
}
