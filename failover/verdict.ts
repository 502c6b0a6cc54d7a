import type { Admission } from '../breaker/admission.ts'
import type { FailureReason } from '../breaker/outcome.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { STREAM_LOST } from '../errors/stream-errors.ts'
import type { UpstreamError } from '../errors/upstream-error.ts'

/** Failures that no other target would mend: they end the request. */
const FINAL: ReadonlySet<FailureReason> = new Set(['invalid_request', 'content_filter', 'client_closed', 'deadline', 'shutdown'])

/** Whether another target is worth trying after this failure. */
export function isFinal (error: UpstreamError): boolean {
  return FINAL.has(error.reason)
}

/** Failures that leave no time, or nobody, to try another target for. */
const OVER: ReadonlySet<FailureReason> = new Set(['client_closed', 'deadline', 'shutdown'])

/** Whether nothing can be done any more after this failure, not even for an answer that has begun. */
export function isOver (error: UpstreamError): boolean {
  return OVER.has(error.reason)
}

/** A target that was tried and failed. */
export interface FailedTarget {
  readonly target: string
  readonly error: UpstreamError
}

export type Refusal = Extract<Admission, { kind: 'refused' }>

/** What the caller is told of one upstream failure, as an answer or as the last frame of a stream. */
export function errorOfFailure ({ target, error }: FailedTarget): GatewayError {
  const { message, code, param, reason, cause } = error
  switch (reason) {
    case 'invalid_request': {
      const status = error.status === 413 || error.status === 415 || error.status === 422 ? error.status : 400
      return new GatewayError(status, message, { type: 'invalid_request_error', code: code ?? 'invalid_request', param, cause })
    }
    case 'unsupported':
      return new GatewayError(400, message, { type: 'invalid_request_error', code: code ?? 'unsupported_parameter', param, cause })
    case 'content_filter':
      return new GatewayError(400, message, { type: 'invalid_request_error', code: 'content_filter', param, cause })
    case 'client_closed':
      return new GatewayError(499, 'The client closed the request.', { type: 'api_error', code: 'client_closed_request', cause })
    case 'deadline':
      return new GatewayError(504, 'The request took longer than the gateway allows.', { type: 'server_error', code: 'deadline_exceeded', cause })
    case 'shutdown':
      return new GatewayError(503, 'The gateway is shutting down.', { type: 'server_error', code: 'draining', retryAfterMs: 1000, cause })
    case 'replica_lost':
      return STREAM_LOST
    case 'rate_limited':
      return new GatewayError(429, 'The provider is rate limited.', { type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfterMs: error.retryAfterMs, cause })
    case 'internal':
      return new GatewayError(500, message, { type: 'server_error', code: 'internal_error', cause })
    default:
      return new GatewayError(502, message, { type: 'server_error', code: 'all_targets_failed', attempts: [{ target, class: error.class }], cause })
  }
}

/**
 * What the caller is told when no target answered: the tried ones failed in turn, the others were refused by their
 * breakers without being tried.
 */
export function verdict (failed: readonly FailedTarget[], refused: readonly Refusal[]): GatewayError {
  const last = failed.at(-1)
  if (last === undefined) return allRefused(refused)
  // The caller's fault, or ours: not the targets'. But one that was not tried might have served the request.
  if (failed.every(({ error }) => error.reason === 'unsupported' || error.reason === 'internal')) {
    return refused.length === 0 ? errorOfFailure(last) : allRefused(refused)
  }
  // A target that cannot express the request was never asked: it says nothing of when to come back.
  const asked = failed.filter(({ error }) => error.reason !== 'unsupported')
  const limited = asked.every(({ error }) => error.reason === 'rate_limited') && refused.every(({ why }) => why === 'cooldown')
  if (limited) return rateLimited([...asked.map(({ error }) => error.retryAfterMs), ...refused.map(({ retryAfterMs }) => retryAfterMs)])
  return new GatewayError(502, failed.length === 1 ? 'The target failed.' : 'Every target failed.', {
    type: 'server_error',
    code: 'all_targets_failed',
    attempts: failed.map(({ target, error }) => ({ target, class: error.class })),
    cause: last.error
  })
}

function allRefused (refused: readonly Refusal[]): GatewayError {
  const waits = refused.map(({ retryAfterMs }) => retryAfterMs)
  if (refused.length > 0 && refused.every(({ why }) => why === 'cooldown')) return rateLimited(waits)
  return new GatewayError(503, 'No target can be tried at the moment.', { type: 'server_error', code: 'no_target_available', retryAfterMs: soonest(waits) })
}

function rateLimited (waits: ReadonlyArray<number | undefined>): GatewayError {
  return new GatewayError(429, 'Every target is rate limited.', { type: 'rate_limit_error', code: 'rate_limit_exceeded', retryAfterMs: soonest(waits) })
}

/** Where nobody said anything, a second: long enough not to be a storm. */
function soonest (waits: ReadonlyArray<number | undefined>): number {
  const known = waits.filter(wait => wait !== undefined && Number.isFinite(wait)).map(Number)
  return known.length === 0 ? 1000 : Math.min(...known)
}
