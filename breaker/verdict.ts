/**
 * What one target's breaker says to a request, and what it remembers of one that it let go.
 */
import type { Begun } from './tally.ts'

/** Why a request may not go. */
export type RefusalReason = 'open' | 'half_open' | 'forced_open' | 'cooldown'

/** What a breaker says to a request. */
export type Verdict =
  | { readonly kind: 'admit' }
  | { readonly kind: 'refuse', readonly why: RefusalReason, readonly retryAfterMs: number }
  /** Whoever gets the lease may go, as the probe. */
  | { readonly kind: 'probe_due' }

/** What a breaker remembers of one admitted request. Only the breaker writes to it. */
export interface Ticket {
  epoch: number
  /** The lease's owner while this is the probe. */
  lease: string | null
  /** Set by the ticket's own success, in case the stream fails after all. */
  begun: Begun | null
  /** Once true, nothing more is scored. */
  settled: boolean
}
