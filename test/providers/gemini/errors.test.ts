import t from 'tap'
import { errorIn, inBandError, refusalError } from '../../../providers/gemini/errors.ts'
import type { UpstreamError } from '../../../errors/upstream-error.ts'

const KEY = 'test-key-123456'

function refused (status: number, error: unknown = {}, headers: Record<string, string> = {}): UpstreamError {
  return refusalError({ status, headers, text: typeof error === 'string' ? error : JSON.stringify({ error }) }, [KEY])
}

t.test('statuses', async t => {
  for (const [status, reason] of [
    [304, 'malformed'], [400, 'invalid_request'], [401, 'unauthorized'], [402, 'quota_exhausted'], [403, 'unauthorized'], [404, 'not_found'],
    [408, 'upstream_error'], [409, 'invalid_request'], [413, 'invalid_request'], [415, 'invalid_request'], [422, 'invalid_request'],
    [424, 'upstream_error'], [429, 'rate_limited'], [499, 'upstream_error'], [500, 'upstream_error'], [503, 'upstream_error'], [504, 'upstream_error'], [529, 'upstream_error']
  ] as const) {
    const error = refused(status)
    t.equal(error.reason, reason, String(status))
    t.equal(error.status, status)
  }
})

t.test('a wrong key is not the caller\'s fault', async t => {
  t.equal(refused(400, { message: 'x', details: [null, { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' }] }).reason, 'unauthorized')
  t.equal(refused(400, { message: 'API key expired. Please renew the API key.' }).reason, 'unauthorized')
  t.equal(refused(403, { message: 'Billing is disabled for this project.' }).reason, 'quota_exhausted')
})

t.test('the upstream\'s message on a bad request, without what is secret', async t => {
  const error = refused(400, { code: 400, status: 'INVALID_ARGUMENT', message: `Bad value at contents[0] (${KEY}), see https://internal.example/x` })
  t.equal(error.message, 'Bad value at contents[0] ([redacted]), see [url]')
  t.match(error, { reason: 'invalid_request', status: 400, code: 'INVALID_ARGUMENT' })
  t.equal(refused(500, { message: `${KEY} leaked` }).message.includes(KEY), false)
})

t.test('rate limits tell when to come back', async t => {
  const retryInfo = (retryDelay: unknown) => ({ details: [{ '@type': 'type.googleapis.com/google.rpc.QuotaFailure' }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }] })
  t.equal(refused(429, retryInfo('17s')).retryAfterMs, 17_000)
  t.equal(refused(429, retryInfo('1.5s'), { 'retry-after': '9' }).retryAfterMs, 1500)
  t.equal(refused(429, retryInfo(17), { 'retry-after': '9' }).retryAfterMs, 9000)
  t.equal(refused(429, retryInfo('soon')).retryAfterMs, undefined)
})

t.test('bodies of any shape', async t => {
  for (const body of ['', 'upstream connect error', 'null', '[]', '[null]', '{"error":"text"}', '{"error":{"message":5,"details":{},"status":null}}', '"x"']) {
    t.match(refused(400, body), { reason: 'invalid_request', message: 'The provider says that the request is invalid.' }, body)
  }
  t.match(refused(400, JSON.stringify([{ error: { message: 'in an array' } }])), { message: 'in an array' })
})

t.test('errors inside an answer', async t => {
  t.equal(errorIn({ candidates: [] }), undefined)
  const inBand = (error: Record<string, unknown>) => inBandError(error, [KEY])
  t.match(inBand({ code: 429, details: [{ retryDelay: '2s' }] }), { reason: 'rate_limited', retryAfterMs: 2000 })
  t.match(inBand({ status: 'RESOURCE_EXHAUSTED' }), { reason: 'rate_limited', retryAfterMs: undefined })
  t.match(inBand({ code: 400, message: 'Too long.' }), { reason: 'invalid_request', status: 400, message: 'Too long.' })
  t.match(inBand({ code: 503, message: 'Overloaded.' }), { reason: 'in_band_error', status: 503 })
  t.match(inBand({}), { reason: 'in_band_error', status: undefined })
})
