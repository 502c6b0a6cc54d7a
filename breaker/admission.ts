/**
 * What the set of breakers says to a request, and what a request says back.
 */
import type { Outcome } from './outcome.ts'
import type { RefusalReason } from './verdict.ts'

/** The right to send one request to a target. Has to end in `record` or `release`. */
export interface Permit {
  readonly target: string
  /** The epoch that outcomes count in; moves on when this permit's own success closes the breaker. */
  readonly epoch: number
  /** Whether this is the one probe of a half-open breaker. */
  readonly probe: boolean
  /**
   * Scores what became of the request: a stream when real output begins and again when it ends. Never throws.
   * @param detail.status the upstream's HTTP status, if one arrived.
   */
  record (outcome: Outcome, detail?: { readonly status?: number }): void
  /** Gives the permit back; says nothing about the target. Does nothing after `record`. */
  release (): void
}

/** What a breaker answers to a request. */
export type Admission =
  | { readonly kind: 'permit', readonly permit: Permit }
  | {
    readonly kind: 'refused'
    readonly why: RefusalReason
    /** The best guess at when to ask again, in ms. */
    readonly retryAfterMs: number
    /**
     * Set while this replica asks the store for the probe's lease. Whoever awaits it first gets the permit, everybody
     * else undefined; if nobody does, the next `admit` gets it. Ignoring it costs nothing.
     */
    readonly claim?: Promise<Permit | undefined>
  }
