import { UpstreamError } from '../errors/upstream-error.ts'
import type { CallSignal } from '../streams/call-signal.ts'

/** Codes of Node and undici that mean that no connection came about. */
const CONNECT_CODES = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|ECONNABORTED|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/
/** Codes that mean that the pool was closed by ourselves. */
const CLOSED_CODES = /^UND_ERR_(?:DESTROYED|CLOSED)$/
/** Codes that mean that what came is not HTTP. */
const MALFORMED_CODES = /^(?:HPE_|UND_ERR_(?:HEADERS_OVERFLOW|RES_CONTENT_LENGTH_MISMATCH|RES_EXCEEDED_MAX_SIZE))/

function codeOf (error: Error): string {
  if ('code' in error && typeof error.code === 'string') return error.code
  if (error.name === 'HTTPParserError') return 'HPE_' // undici gives it a code only now and then
  return error.cause instanceof Error ? codeOf(error.cause) : ''
}

/** A failure below HTTP, as the one error type. `begun`: the request was on its way when it happened. */
export function transportError (error: Error, { begun }: { readonly begun: boolean }): UpstreamError {
  if (error instanceof UpstreamError) return error
  const code = codeOf(error)
  // Only closing the pool, which is closing the gateway, does that.
  if (CLOSED_CODES.test(code)) return new UpstreamError('shutdown', 'The gateway is shutting down.', { cause: error })
  if (MALFORMED_CODES.test(code)) return new UpstreamError('malformed', 'The provider\'s answer is not valid HTTP.', { cause: error })
  if (!begun || CONNECT_CODES.test(code)) return new UpstreamError('connect', 'The provider could not be reached.', { cause: error })
  return new UpstreamError('reset', 'The connection to the provider broke.', { cause: error })
}

/** Why a signal was aborted: its reason where that is an UpstreamError, else that the client has gone. */
export function abortError (signal: CallSignal): UpstreamError {
  const reason: unknown = signal.reason
  return reason instanceof UpstreamError ? reason : new UpstreamError('client_closed', 'The client closed the request.', { cause: reason })
}
