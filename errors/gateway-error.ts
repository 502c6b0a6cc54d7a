import type { ErrorBody, FailedAttempt } from '../schemas/error.ts'

/** OpenAI's error types. */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'rate_limit_error'
  | 'api_error'
  | 'server_error'

interface GatewayErrorDetails {
  readonly type: ErrorType
  readonly code: string | null
  /** The request field at fault. */
  readonly param?: string | null | undefined
  /** For 429 and 503: when to come back, in ms. */
  readonly retryAfterMs?: number | undefined
  readonly attempts?: readonly FailedAttempt[] | undefined
  readonly cause?: unknown
}

/**
 * An error as the caller is told it: an HTTP status and the fields of the error object. Everything that a route or
 * plugin refuses is one of these; `plugins/error-handler` writes them.
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly status: number
  readonly type: ErrorType
  readonly code: string | null
  readonly param: string | null
  readonly retryAfterMs: number | undefined
  readonly attempts: readonly FailedAttempt[] | undefined

  constructor (status: number, message: string, { type, code, param, retryAfterMs, attempts, cause }: GatewayErrorDetails) {
    super(message, cause === undefined ? undefined : { cause })
    this.status = status
    this.type = type
    this.code = code
    this.param = param ?? null
    this.retryAfterMs = retryAfterMs
    this.attempts = attempts
  }

  /** The response body. */
  toBody (): ErrorBody {
    const { message, type, code, param, attempts } = this
    return { error: { message, type, code, param, ...(attempts === undefined ? {} : { attempts: [...attempts] }) } }
  }
}

/** 400: the request is wrong in the named field. */
export function invalidRequest (message: string, param: string | null, code: string | null = 'invalid_request'): GatewayError {
  return new GatewayError(400, message, { type: 'invalid_request_error', code, param })
}

/** 404: there is no such thing here. */
export function notFound (message: string, code: string, param: string | null = null): GatewayError {
  return new GatewayError(404, message, { type: 'invalid_request_error', code, param })
}
