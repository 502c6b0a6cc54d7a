import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError, withoutSecrets } from '../../errors/upstream-error.ts'
import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { WholeResponse } from '../../upstream/exchange.ts'
import { header, retryAfterMs } from '../../upstream/retry-after.ts'
import { transportError } from '../../upstream/transport-error.ts'

/**
 * Whatever goes wrong at Bedrock, as the one error type: the service's exceptions (by HTTP status or as a message of an
 * event stream), and what the SDK throws while it makes a request.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html#API_runtime_ConverseStream_Errors
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */

/** A field of the request that Converse has no means to express. `what` completes "Bedrock cannot express …". */
export function unsupported (param: string, what: string): UpstreamError {
  return new UpstreamError('unsupported', `Bedrock cannot express ${what}.`, { param })
}

/** A request that is wrong for any target. */
export function invalid (param: string, message: string): UpstreamError {
  return new UpstreamError('invalid_request', message, { status: 400, param })
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

/** An exception of the service. */
interface ServiceException {
  readonly name: string
  readonly body: JsonObject
  /** Of the refusal; a message inside a stream has none. */
  readonly status?: number | undefined
  readonly retryAfterMs?: number | undefined
}

/** What a status other than 2xx means. */
export function refusalError ({ status, headers, text }: WholeResponse): UpstreamError {
  const body = jsonObjectIn(text)
  // "ThrottlingException:http://…" in the header, "com.amazonaws…#ThrottlingException" in the body.
  const type = header(headers, 'x-amzn-errortype') ?? textOf(body['__type'] ?? body['code'])
  const name = type.split(/[,:]/, 1)[0]?.replace(/^.*#/, '') ?? ''
  return serviceError({ name, body, status, retryAfterMs: retryAfterMs(headers) })
}

/**
 * What an exception inside a stream means.
 * @param name as it is written there: `throttlingException`
 * @param payload its JSON
 */
export function exceptionError (name: string, payload: string): UpstreamError {
  return serviceError({ name, body: jsonObjectIn(payload) })
}

/**
 * What kept a request from being made and signed; an UpstreamError is left as it is. Nearly always it is the
 * credentials, which the SDK may have to fetch from other services; what those find wrong is never the caller's doing.
 */
export function signingError (error: unknown): UpstreamError {
  if (error instanceof UpstreamError) return error
  if (!(error instanceof Error)) return failure('malformed', { cause: error })
  const status = statusOf(error)
  const reason = REASON_OF_NAME.get(baseName(error.name)) ?? reasonOfStatus(status)
  if (reason !== undefined) {
    return failure(reason === 'invalid_request' || reason === 'not_found' ? 'unauthorized' : reason, { status, cause: error })
  }
  if ('code' in error && typeof error.code === 'string') return transportError(error, { begun: true })
  // The SDK's own timeout on connecting; other timeouts have a code.
  if (error.name === 'TimeoutError') return transportError(error, { begun: false })
  return failure('malformed', { cause: error })
}

/** An answer that is not what Converse's answers are. */
export function unreadable (cause?: unknown): UpstreamError { return failure('malformed', { cause }) }

function serviceError ({ name, body, status, retryAfterMs }: ServiceException): UpstreamError {
  const byModel = reasonOfModel(body)
  const named = byModel ?? REASON_OF_NAME.get(baseName(name))
  const reason = named ?? (status === undefined ? 'in_band_error' : reasonOfStatus(status)) ?? 'malformed'
  if (reason === 'upstream_error' && status === undefined) return failure('in_band_error', {})
  if (reason === 'rate_limited') return failure(reason, { status, retryAfterMs })
  if (reason !== 'invalid_request') return failure(reason, { status })
  return new UpstreamError(reason, quote(textOf(body['originalMessage']) || messageOf(body)) || MESSAGE.invalid_request || '', {
    status: byModel === undefined ? status ?? 400 : 400,
    code: named === undefined ? undefined : 'ValidationException'
  })
}

/**
 * What the model itself answered to Bedrock, where an exception tells: a model that refuses the request does not fail.
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors
 */
function reasonOfModel ({ originalStatusCode: status }: JsonObject): FailureReason | undefined {
  if (status === 429) return 'rate_limited'
  return status === 400 || status === 413 || status === 422 ? 'invalid_request' : undefined
}

function failure (reason: FailureReason, details: ConstructorParameters<typeof UpstreamError>[2]): UpstreamError {
  return new UpstreamError(reason, MESSAGE[reason] ?? 'The provider failed.', details)
}

function baseName (name: string): string {
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

/** The SDK's `$metadata.httpStatusCode`: of another service's answer. */
function statusOf (error: Error): number | undefined {
  return '$metadata' in error && isJsonObject(error.$metadata) && typeof error.$metadata['httpStatusCode'] === 'number' ? error.$metadata['httpStatusCode'] : undefined
}

/** What is no JSON object is a proxy's: the status says enough. */
function jsonObjectIn (text: string): JsonObject { return objectOf(text) ?? {} }

function messageOf (body: JsonObject): string { return textOf(body['message'] ?? body['Message']) }

function textOf (value: unknown): string { return typeof value === 'string' ? value : '' }

/** The provider's words, without ARNs, which hold the account's number. */
function quote (message: string): string {
  return withoutSecrets(message.replace(/\barn:[^\s"',]+/g, '[arn]'))
}
