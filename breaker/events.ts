/**
 * What a set of breakers tells whoever logs and measures it.
 */
import type { Cause, Transition } from './state.ts'

/** Something that happened to a breaker, or to the store behind it. */
export type BreakerEvent =
  | {
    readonly kind: 'transition'
    readonly transition: Transition
    /** True when another replica made the transition and this one only learned of it. */
    readonly adopted: boolean
    /** True when somebody has to look: the gateway's own credentials or quota do not work. */
    readonly alert: boolean
  }
  /** The target asked to be left alone for `forMs`. */
  | { readonly kind: 'cooldown', readonly target: string, readonly forMs: number, readonly cause: Cause, readonly status: number | null }
  /** A breaker in `shadow` would have opened. */
  | { readonly kind: 'would_have_opened', readonly target: string, readonly cause: Cause, readonly status: number | null }
  /** An outcome came too late to be scored: its epoch or its lease is over. */
  | { readonly kind: 'not_scored', readonly target: string, readonly epoch: number, readonly permitEpoch: number }
  /** The store stopped answering; breakers decide alone until it is back. Once per outage. */
  | { readonly kind: 'store_lost', readonly operation: string, readonly error: unknown }
  /** The store answers again; `failures` calls failed meanwhile. */
  | { readonly kind: 'store_back', readonly failures: number }
