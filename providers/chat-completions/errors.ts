import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError, withoutSecrets } from '../../errors/upstream-error.ts'
import { isJsonObject, jsonValue } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { WholeResponse } from '../../upstream/exchange.ts'
import { header, rateLimitResetMs, retryAfterMs, waitInWordsMs } from '../../upstream/retry-after.ts'

/**
 * Errors of servers that speak the chat completions format: OpenAI, Azure OpenAI, Azure API Management in front of it,
 * and compatible ones, which differ in the shape of the body.
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 * @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
 * @see https://learn.microsoft.com/azure/api-management/llm-token-limit-policy
 * @see https://learn.microsoft.com/azure/api-management/llm-content-safety-policy
 */

/** What can be read of an error object, whatever its shape. */
interface ErrorFields {
  readonly message: string
  readonly type: string
  readonly code: string
  readonly param: string | undefined
  readonly innerCode: string
}

/** A status that is not 2xx, with its body. `secrets` are kept out of the message. */
export function statusError ({ status, headers, text }: WholeResponse, secrets: readonly string[]): UpstreamError {
  const fields = fieldsOf(jsonValue(text))
  const told = reasonOfStatus(status, fields)
  // Where the server itself says that the same request may succeed, the request is not at fault.
  const reason = told === 'invalid_request' && header(headers, 'x-should-retry') === 'true' ? 'upstream_error' : told
  return errorOf(reason, fields, secrets, status, retryAfterMs(headers) ?? waitInWordsMs(fields.message) ?? rateLimitResetMs(headers))
}

/** An error object inside a 200 answer. */
export function inBandError (body: JsonObject, secrets: readonly string[]): UpstreamError {
  const fields = fieldsOf(body)
  const status = Number(fields.code)
  const reason = status >= 400 && status < 500 ? reasonOfStatus(status, fields) : reasonOfWords(fields) ?? 'in_band_error'
  return errorOf(reason, fields, secrets, status >= 400 && status < 600 ? status : undefined, waitInWordsMs(fields.message))
}

function errorOf (reason: FailureReason, fields: ErrorFields, secrets: readonly string[], status: number | undefined, retryAfter: number | undefined): UpstreamError {
  // Only where the caller can do something about it is it shown in the provider's words.
  const { code, param } = fields
  switch (reason) {
    case 'invalid_request': {
      const message = withoutSecrets(fields.message, secrets)
      return new UpstreamError(reason, message === '' ? 'The provider refused the request as invalid.' : message, { status, param, ...(code === '' ? {} : { code }) })
    }
    case 'content_filter':
      return new UpstreamError(reason, 'The provider\'s content filter refused the prompt.', { status, param, code: 'content_filter' })
    case 'unsupported':
      return new UpstreamError(reason, 'The request is larger than what the provider takes in a minute.', { status, code: 'request_too_large' })
    default:
      return new UpstreamError(reason, status === undefined ? 'The provider reported an error.' : `The provider answered with status ${status}.`, { status, retryAfterMs: retryAfter })
  }
}

function reasonOfStatus (status: number, fields: ErrorFields): FailureReason {
  const { code, message } = fields
  if (status === 400 || status === 413 || status === 415 || status === 422) {
    // Azure: the deployment's model is none for chats. Another target's may be.
    if (code === 'OperationNotSupported') return 'not_found'
    return reasonOfWords(fields) === 'content_filter' ? 'content_filter' : 'invalid_request'
  }
  if (status === 401) return 'unauthorized'
  if (status === 402) return 'quota_exhausted'
  if (status === 403) {
    // API Management's policies: a prompt must not look like a wrong key, nor must a quota.
    if (/content safety/i.test(message)) return 'content_filter'
    return /quota/i.test(message) ? 'quota_exhausted' : 'unauthorized'
  }
  if (status === 404) return 'not_found'
  if (status === 429) {
    // It would not fit into an idle minute either: no reason to spare the target other requests.
    if (/^request too large/i.test(message)) return 'unsupported'
    return reasonOfWords(fields) === 'quota_exhausted' ? 'quota_exhausted' : 'rate_limited'
  }
  if (status === 408 || status === 424 || status >= 500) return 'upstream_error'
  return status >= 400 ? 'invalid_request' : 'malformed'
}

function reasonOfWords ({ type, code, innerCode }: ErrorFields): FailureReason | undefined {
  if (code === 'content_filter' || innerCode === 'ResponsibleAIPolicyViolation') return 'content_filter'
  const words = `${type} ${code}`
  if (/insufficient_quota|billing/.test(words)) return 'quota_exhausted'
  if (/rate_limit|too_many_requests/i.test(words)) return 'rate_limited'
  if (/invalid_request|context_length_exceeded/.test(words)) return 'invalid_request'
  return undefined
}

/** `{error: {…}}`, `{error: "…"}`, `{message, code}`, `{statusCode, message}`, `{detail: …}`, or a list of one of them. */
function fieldsOf (body: unknown): ErrorFields {
  const first: unknown = Array.isArray(body) ? body[0] : body
  const outer = isJsonObject(first) ? first : {}
  const error = isJsonObject(outer['error']) ? outer['error'] : outer
  const inner = isJsonObject(error['innererror']) ? error['innererror'] : {}
  const message = [error['message'], outer['error'], outer['detail']].find(value => typeof value === 'string')
  return {
    message: text(message),
    type: text(error['type']),
    code: text(error['code'] ?? outer['statusCode']),
    param: typeof error['param'] === 'string' ? error['param'] : undefined,
    innerCode: text(inner['code'])
  }
}

function text (value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
