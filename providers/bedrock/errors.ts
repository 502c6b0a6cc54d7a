import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError, withoutSecrets } from '../../errors/upstream-error.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { retryAfterMs } from '../../upstream/retry-after.ts'
import { transportError } from '../../upstream/transport-error.ts'

/**
 * Whatever goes wrong at Bedrock, as the one error type: the service's exceptions (by HTTP status or as a frame of an
 * event stream), the SDK's own errors, and errors of the connection.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_Errors
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */

/** A field of the request that Converse has no means to express. `what` completes "Bedrock cannot express …". */
export function unsupported (param: string, what: string): UpstreamError {
  return new UpstreamError('unsupported', `Bedrock cannot express ${what}.`, { param })
}

/** Names of exceptions, without "Exception" at the end; they say more than the status that they come with. */
const REASON_OF_NAME: ReadonlyMap<string, FailureReason> = new Map([
  ['Throttling', 'rate_limited'],
  ['TooManyRequests', 'rate_limited'],
  ['ModelNotReady', 'rate_limited'],
  ['ServiceQuotaExceeded', 'quota_exhausted'],
  ['AccessDenied', 'unauthorized'],
  ['ExpiredToken', 'unauthorized'],
  ['IncompleteSignature', 'unauthorized'],
  ['InvalidClientTokenId', 'unauthorized'],
  ['InvalidSignature', 'unauthorized'],
  ['MissingAuthenticationToken', 'unauthorized'],
  ['NotAuthorized', 'unauthorized'],
  ['SignatureDoesNotMatch', 'unauthorized'],
  ['UnrecognizedClient', 'unauthorized'],
  // The SDK found no credentials; nothing was sent.
  ['CredentialsProviderError', 'unauthorized'],
  ['TokenProviderError', 'unauthorized'],
  ['ResourceNotFound', 'not_found'],
  ['Validation', 'invalid_request'],
  ['InternalFailure', 'upstream_error'],
  ['InternalServer', 'upstream_error'],
  ['ModelError', 'upstream_error'],
  ['ModelStreamError', 'upstream_error'],
  ['ModelTimeout', 'upstream_error'],
  ['ServiceUnavailable', 'upstream_error']
])

/** What is said of each reason; only an invalid request is explained in the provider's own words. */
const MESSAGE: { readonly [reason in FailureReason]?: string } = {
  rate_limited: 'The provider is limiting the rate of requests.',
  quota_exhausted: 'The provider\'s quota is used up.',
  unauthorized: 'The provider refused the gateway\'s credentials.',
  not_found: 'The provider does not know the model.',
  invalid_request: 'The provider says that the request is invalid.',
  upstream_error: 'The provider reported an error.',
  in_band_error: 'The provider reported an error inside its answer.',
  malformed: 'The provider sent something that the gateway cannot read.',
  truncated: 'The provider ended the stream before the answer was complete.'
}

/** Names of errors that say that the answer cannot be read; any other name is of an exception that the service sent. */
const UNREADABLE: ReadonlySet<string> = new Set(['Error', 'RangeError', 'SyntaxError', 'TypeError', 'AnswerTooLargeError', 'FrameTooLargeError'])

/** An answer that is not streamed exceeds the limit on its size. */
export class AnswerTooLargeError extends Error {
  override readonly name = 'AnswerTooLargeError'
}

/** The SDK's message for a body that ends inside a frame. */
const TRUNCATED_FRAME = 'Truncated event message received'
/** What the SDK appends to a message that it could not make sense of. */
const SDK_HINT = /\s*Deserialization error: to see the raw response[^]*$/

/** Any failure of a call to Bedrock; an UpstreamError is left as it is. The cause of the new error is the old one. */
export function bedrockError (error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (!(error instanceof Error)) return failure('malformed', { cause: error })
  const status = statusOf(error)
  const named = REASON_OF_NAME.get(baseName(error))
  const reason = named ?? reasonOfStatus(status)
  if (reason === undefined) return unnamed(error)
  // An exception inside a 200 answer has no status of its own.
  const refused = status !== undefined && status >= 300
  if (reason === 'upstream_error' && !refused) return failure('in_band_error', { cause: error })
  if (reason === 'rate_limited') return failure(reason, { status, retryAfterMs: retryAfterMs(headersOf(error)), cause: error })
  if (reason !== 'invalid_request') return failure(reason, { status, cause: error })
  return new UpstreamError(reason, quote(error.message) || MESSAGE.invalid_request || '', {
    status: refused ? status : 400,
    code: named === undefined ? undefined : 'ValidationException',
    cause: error
  })
}

/** Neither an exception that is known by name nor an HTTP status of failure. */
function unnamed (error: Error): UpstreamError {
  if ('code' in error && typeof error.code === 'string') return transportError(error, { begun: true })
  // The request handler's own timeout on connecting; other timeouts have a code.
  if (error.name === 'TimeoutError') return transportError(error, { begun: false })
  if (error.message.startsWith(TRUNCATED_FRAME)) return failure('truncated', { cause: error })
  return failure(UNREADABLE.has(error.name) ? 'malformed' : 'in_band_error', { cause: error })
}

function failure (reason: FailureReason, details: ConstructorParameters<typeof UpstreamError>[2]): UpstreamError {
  return new UpstreamError(reason, MESSAGE[reason] ?? 'The provider failed.', details)
}

/** Frames of a stream write `throttlingException`, everything else `ThrottlingException`. */
function baseName ({ name }: Error): string {
  return name.charAt(0).toUpperCase() + name.slice(1).replace(/Exception$/, '')
}

function reasonOfStatus (status = 0): FailureReason | undefined {
  if (status === 429) return 'rate_limited'
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === 404) return 'not_found'
  if (status === 408 || status === 424 || status >= 500) return 'upstream_error'
  if (status >= 400) return 'invalid_request'
  return status >= 300 ? 'malformed' : undefined
}

/** The SDK's `$metadata.httpStatusCode`; `$response` where the body was not what the SDK expected. */
function statusOf (error: Error): number | undefined {
  if ('$metadata' in error && isJsonObject(error.$metadata) && typeof error.$metadata['httpStatusCode'] === 'number') return error.$metadata['httpStatusCode']
  if ('$response' in error && isJsonObject(error.$response) && typeof error.$response['statusCode'] === 'number') return error.$response['statusCode']
  return undefined
}

function headersOf (error: Error): Record<string, string> {
  if (!('$response' in error) || !isJsonObject(error.$response) || !isJsonObject(error.$response['headers'])) return {}
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(error.$response['headers'])) if (typeof value === 'string') headers[name.toLowerCase()] = value
  return headers
}

/** The provider's words, without what the SDK added and without ARNs, which hold the account's number. */
function quote (message: string): string {
  return withoutSecrets(message.replace(SDK_HINT, '').replace(/\barn:[^\s"',]+/g, '[arn]'))
}
