import t from 'tap'
import type { UpstreamError } from '../../../errors/upstream-error.ts'
import { inBandError, statusError } from '../../../providers/chat-completions/errors.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'

const KEY = 'key-of-the-target'

function refused (status: number, body: unknown = '', headers: Record<string, string> = {}): UpstreamError {
  return statusError({ status, headers, text: typeof body === 'string' ? body : JSON.stringify(body) }, [KEY])
}

t.test('a status without a word', async t => {
  for (const [status, reason] of [
    [302, 'malformed'], [304, 'malformed'], [400, 'invalid_request'], [401, 'unauthorized'], [402, 'quota_exhausted'], [403, 'unauthorized'], [404, 'not_found'],
    [408, 'upstream_error'], [409, 'invalid_request'], [413, 'invalid_request'], [415, 'invalid_request'], [422, 'invalid_request'], [424, 'upstream_error'],
    [429, 'rate_limited'], [500, 'upstream_error'], [502, 'upstream_error'], [503, 'upstream_error'], [504, 'upstream_error'], [529, 'upstream_error']
  ] as const) t.match(refused(status), { name: 'UpstreamError', reason, status }, String(status))
})

t.test('what is the caller\'s to mend is told in the provider\'s words, with code and param', async t => {
  t.match(refused(400, { error: { message: 'Invalid \'n\'.', type: 'invalid_request_error', param: 'n', code: 'invalid_value' } }),
    { reason: 'invalid_request', message: 'Invalid \'n\'.', param: 'n', code: 'invalid_value', status: 400 })
  t.match(refused(400, { error: { message: 'Too long.', param: null, code: null } }), { message: 'Too long.', param: undefined, code: undefined })
  t.match(refused(400, { error: { message: `no ${KEY} at https://internal/x`, code: 400 } }), { message: 'no [redacted] at [url]', code: '400' })
})

t.test('what is not, is told in none of them', async t => {
  for (const status of [401, 403, 404, 429, 500, 503]) {
    const error = refused(status, { error: { message: `secret ${KEY}`, code: 'secret', param: 'secret' } })
    t.match(error, { message: `The provider answered with status ${status}.`, code: undefined, param: undefined })
  }
})

t.test('bodies of every shape', async t => {
  for (const [body, message] of [
    [{ error: { message: 'in error.message' } }, 'in error.message'],
    [{ error: 'a string' }, 'a string'],
    [{ statusCode: 400, message: 'API Management' }, 'API Management'],
    [{ message: 'bare', code: 'x' }, 'bare'],
    [{ detail: 'FastAPI' }, 'FastAPI'],
    [{ detail: [{ loc: ['body'], msg: 'x' }] }, 'The provider refused the request as invalid.'],
    ['<html>Bad Request</html>', 'The provider refused the request as invalid.'],
    ['', 'The provider refused the request as invalid.'],
    ['null', 'The provider refused the request as invalid.'],
    ['[1]', 'The provider refused the request as invalid.'],
    [{ error: { message: 5, code: {}, type: [], param: 3, innererror: 'x' } }, 'The provider refused the request as invalid.']
  ] as const) t.match(refused(400, body), { reason: 'invalid_request', message }, JSON.stringify(body))
  t.match(refused(400, { statusCode: 400, message: 'API Management' }), { code: '400' })
})

t.test('content filter: Azure\'s code, and its inner error', async t => {
  for (const error of [{ code: 'content_filter', message: 'secret prompt' }, { code: '400', innererror: { code: 'ResponsibleAIPolicyViolation' }, message: 'secret prompt' }]) {
    t.match(refused(400, { error: { ...error, param: 'prompt' } }),
      { reason: 'content_filter', code: 'content_filter', param: 'prompt', message: 'The provider\'s content filter refused the prompt.', class: 'neutral' })
  }
})

t.test('a quota that is used up is no rate limit, and no wrong key', async t => {
  t.equal(refused(429, { error: { code: 'insufficient_quota', type: 'insufficient_quota' } }).reason, 'quota_exhausted')
  t.equal(refused(429, { error: { type: 'billing_hard_limit' } }).reason, 'quota_exhausted')
  t.equal(refused(429, { error: { code: '429', type: 'tokens' } }).reason, 'rate_limited')
  t.equal(refused(403, { statusCode: 403, message: 'Out of call volume quota. Quota will be replenished in 01:00:00.' }).reason, 'quota_exhausted')
  t.equal(refused(403, { statusCode: 403, message: 'Forbidden' }).reason, 'unauthorized')
})

t.test('a rate limit says when to come back', async t => {
  t.equal(refused(429, '', { 'retry-after': '7' }).retryAfterMs, 7000)
  t.equal(refused(429, '', { 'retry-after-ms': '70', 'retry-after': '7' }).retryAfterMs, 70)
  t.equal(refused(429).retryAfterMs, undefined)
})

t.test('errors inside a 200', async t => {
  const inBand = (body: JsonObject) => inBandError(body, [KEY])
  for (const [body, expected] of [
    [{ error: { message: 'x', type: 'server_error' } }, { reason: 'in_band_error', status: undefined, message: 'The provider reported an error.' }],
    [{ error: { message: 'x', code: 503 } }, { reason: 'in_band_error', status: 503 }],
    [{ error: { message: 'x', code: '429' } }, { reason: 'rate_limited', status: 429 }],
    [{ error: { message: 'x', code: 401 } }, { reason: 'unauthorized', status: 401 }],
    [{ error: { message: `x ${KEY}`, code: 400 } }, { reason: 'invalid_request', status: 400, message: 'x [redacted]' }],
    [{ error: { message: 'x', code: 408 } }, { reason: 'upstream_error' }],
    [{ error: { message: 'x', code: 700 } }, { reason: 'in_band_error', status: undefined }],
    [{ error: { message: 'x', type: 'rate_limit_error' } }, { reason: 'rate_limited' }],
    [{ error: { message: 'x', type: 'insufficient_quota', code: 'rate_limit_exceeded' } }, { reason: 'quota_exhausted' }],
    [{ error: { message: 'x', type: 'invalid_request_error' } }, { reason: 'invalid_request' }],
    [{ error: { message: 'x', code: 'content_filter' } }, { reason: 'content_filter' }],
    [{ error: 'overloaded' }, { reason: 'in_band_error' }],
    [{ error: {} }, { reason: 'in_band_error' }],
    [{}, { reason: 'in_band_error' }]
  ] as const) t.match(inBand(body), expected, JSON.stringify(body))
})
