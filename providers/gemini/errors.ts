import { UpstreamError, withoutSecrets } from '../../errors/upstream-error.ts'
import { isJsonObject, jsonValue } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { WholeResponse } from '../../upstream/exchange.ts'
import { retryAfterMs } from '../../upstream/retry-after.ts'

/**
 * Gemini's errors, as a refusal's body and inside a stream.
 * @see https://ai.google.dev/gemini-api/docs/troubleshooting
 * @see https://google.aip.dev/193
 */

/**
 * The error object in a body or event; undefined if there is none. Some of Google's front ends wrap it in an array.
 * @param value parsed JSON of any shape
 */
export function errorIn (value: unknown): JsonObject | undefined {
  const body: unknown = Array.isArray(value) ? value[0] : value
  const error = isJsonObject(body) ? body['error'] : undefined
  return isJsonObject(error) ? error : undefined
}

/**
 * What a status other than 2xx means.
 * @param secrets what must not be quoted of the upstream's message
 */
export function refusalError ({ status, headers, text }: WholeResponse, secrets: readonly string[]): UpstreamError {
  const error = errorIn(jsonValue(text)) ?? {}
  const message = textOf(error['message'])
  switch (status) {
    case 401: return new UpstreamError('unauthorized', 'The provider refuses the gateway\'s credentials.', { status })
    case 402: return new UpstreamError('quota_exhausted', 'The gateway\'s account at the provider has run out.', { status })
    case 403:
      return /quota|billing/i.test(message)
        ? new UpstreamError('quota_exhausted', 'The gateway\'s quota at the provider is used up.', { status })
        : new UpstreamError('unauthorized', 'The provider refuses the gateway\'s credentials.', { status })
    case 404: return new UpstreamError('not_found', 'The provider does not know the model.', { status })
    case 429: return rateLimited(error, retryAfterMs(headers))
    case 408:
    case 424:
    case 499: return new UpstreamError('upstream_error', `The provider failed with status ${status}.`, { status })
  }
  if (status >= 500) return new UpstreamError('upstream_error', `The provider failed with status ${status}.`, { status })
  if (status < 400) return new UpstreamError('malformed', `The provider answered with status ${status}.`, { status })
  // A wrong key is a bad request to Google; to the caller it is none.
  if (status === 400 && isKeyInvalid(error, message)) {
    return new UpstreamError('unauthorized', 'The provider refuses the gateway\'s credentials.', { status })
  }
  return invalidRequest(error, status, secrets)
}

/** What an error object inside a 200 answer means. */
export function inBandError (error: JsonObject, secrets: readonly string[]): UpstreamError {
  const { code, status } = error
  if (code === 429 || status === 'RESOURCE_EXHAUSTED') return rateLimited(error, undefined)
  if (code === 400 || status === 'INVALID_ARGUMENT') return invalidRequest(error, 400, secrets)
  return new UpstreamError('in_band_error', 'The provider reported an error in its answer.', typeof code === 'number' ? { status: code } : {})
}

function invalidRequest (error: JsonObject, status: number, secrets: readonly string[]): UpstreamError {
  const message = withoutSecrets(textOf(error['message']), secrets)
  const code = textOf(error['status'])
  return new UpstreamError('invalid_request', message === '' ? 'The provider says that the request is invalid.' : message, {
    status, code: code === '' ? undefined : code
  })
}

function rateLimited (error: JsonObject, headerMs: number | undefined): UpstreamError {
  return new UpstreamError('rate_limited', 'The provider is limiting the rate of requests.', {
    status: 429, retryAfterMs: retryInfoMs(error) ?? headerMs
  })
}

/** `retryDelay` of a `google.rpc.RetryInfo`, in ms: a protobuf duration, as "17s" or "1.5s". */
function retryInfoMs (error: JsonObject): number | undefined {
  for (const detail of detailsOf(error)) {
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(textOf(detail['retryDelay']))?.[1]
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000)
  }
  return undefined
}

function isKeyInvalid (error: JsonObject, message: string): boolean {
  return detailsOf(error).some(({ reason }) => reason === 'API_KEY_INVALID') || /\bAPI key (?:not valid|not found|expired|invalid)/i.test(message)
}

function detailsOf ({ details }: JsonObject): JsonObject[] {
  return Array.isArray(details) ? details.filter(isJsonObject) : []
}

function textOf (value: unknown): string {
  return typeof value === 'string' ? value : ''
}
