/**
 * What an attempt at a target came to, and what that means for the target's breaker.
 *
 * The reason says what happened; its class, and nothing else, decides the breaker's next step. Both are plain words
 * that appear in logs, in the audit log and in the `attempts` of an error, so they are part of the public interface.
 */

/**
 * What a breaker does with an outcome.
 *
 * - `success`: the target works.
 * - `failure`: counts towards opening.
 * - `cooldown`: the target is well, but wants no requests until a given time.
 * - `misconfigured`: the gateway's own credentials or quota do not work: opens at once, and somebody has to look.
 * - `neutral`: says nothing about the target; gives a probe back unused.
 */
export type OutcomeClass = 'success' | 'failure' | 'cooldown' | 'misconfigured' | 'neutral'

/** Why an attempt did not succeed, with the class of each. */
const CLASS_OF_REASON = {
  /** No connection: refused, unreachable, DNS, TLS. */
  connect: 'failure',
  /** The connection broke before or inside the answer. */
  reset: 'failure',
  /** An HTTP status of 5xx (529 among them), 408 or 424. */
  upstream_error: 'failure',
  /** An error object or exception inside a 200 answer. */
  in_band_error: 'failure',
  /** No real output within the first-token timeout. */
  slow_first_output: 'failure',
  /** Output stopped for longer than the idle timeout. */
  stalled: 'failure',
  /** The stream ended without the provider's terminal event. */
  truncated: 'failure',
  /** A complete answer in which nothing was generated, and no finish reason. */
  empty: 'failure',
  /** An answer that does not follow the provider's protocol, or exceeds a size limit. */
  malformed: 'failure',
  /** 429 or the provider's own throttling error. */
  rate_limited: 'cooldown',
  /** 401 or 403: the gateway's own credentials are refused. */
  unauthorized: 'misconfigured',
  /** The account's quota is used up; waiting does not help. */
  quota_exhausted: 'misconfigured',
  /** The upstream does not know the model or deployment. */
  not_found: 'neutral',
  /** The upstream says that the request itself is wrong. */
  invalid_request: 'neutral',
  /** The provider's safety system refused the prompt. */
  content_filter: 'neutral',
  /** This target cannot express something in the request. */
  unsupported: 'neutral',
  /** An error of the gateway's own code. */
  internal: 'neutral',
  /** Another target that was asked beside it was faster. */
  outpaced: 'neutral',
  /** It was to carry on what another attempt had begun to say, and says something else. */
  diverged: 'neutral',
  /** The client went away. */
  client_closed: 'neutral',
  /** The request's deadline passed, whatever the target was doing. */
  deadline: 'neutral',
  /** The gateway itself was shut down meanwhile. */
  shutdown: 'neutral',
  /** The gateway's replica that asked has died, or has ended: another one carries the stream on. */
  replica_lost: 'neutral'
} as const satisfies Record<string, OutcomeClass>

/** Why an attempt did not succeed. */
export type FailureReason = keyof typeof CLASS_OF_REASON

/** The breaker's view of a reason. */
export function classOf (reason: FailureReason): OutcomeClass {
  return CLASS_OF_REASON[reason]
}

/** What a finished (or begun) attempt reports to its breaker. */
export type Outcome =
  | { readonly class: 'success' }
  | { readonly class: 'neutral', readonly reason: FailureReason }
  | { readonly class: 'failure' | 'misconfigured', readonly reason: FailureReason }
  | {
    readonly class: 'cooldown'
    readonly reason: FailureReason
    /** How long the target asked to be left alone, in ms; undefined when it did not say. */
    readonly retryAfterMs: number | undefined
  }

/** The one way to say that an attempt worked. */
export const SUCCESS: Outcome = { class: 'success' }
