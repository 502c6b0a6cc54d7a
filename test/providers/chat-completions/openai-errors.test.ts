/**
 * OpenAI's rate limits, quotas and overloads.
 * @see https://platform.openai.com/docs/guides/rate-limits
 * @see https://platform.openai.com/docs/guides/error-codes/api-errors
 */
import t from 'tap'
import type { UpstreamError } from '../../../errors/upstream-error.ts'
import { inBandError, statusError } from '../../../providers/chat-completions/errors.ts'

function refused (status: number, error: object, headers: Record<string, string> = {}): UpstreamError {
  return statusError({ status, headers, text: JSON.stringify({ error }) }, [])
}

const limited = (message = 'Rate limit reached.') => ({ message, type: 'tokens', param: null, code: 'rate_limit_exceeded' })

t.test('a rate limit: the header, else the words, else when the limit is full again', async t => {
  for (const [headers, message, retryAfterMs] of [
    [{ 'retry-after-ms': '1500', 'retry-after': '2' }, undefined, 1500],
    [{ 'retry-after': '2' }, 'Please try again in 1.2s.', 2000],
    [{ 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-reset-tokens': '6m0s' }, 'Please try again in 1.2s.', 1200],
    [{ 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-reset-tokens': '1s' }, undefined, 1000],
    [{ 'x-ratelimit-reset-requests': '120ms', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-tokens': '1s', 'x-ratelimit-remaining-tokens': '9' }, undefined, 120],
    [{}, undefined, undefined]
  ] as const) {
    const error = refused(429, limited(message), headers)
    t.match(error, { reason: 'rate_limited', class: 'cooldown' })
    t.equal(error.retryAfterMs, retryAfterMs)
  }
  t.match(inBandError({ error: limited('Please try again in 1.2s.') }, []), { reason: 'rate_limited', retryAfterMs: 1200 })
})

t.test('an account without credit is no rate limit', async t => {
  const error = { message: 'You exceeded your current quota, please check your plan and billing details.', type: 'insufficient_quota', param: null, code: 'insufficient_quota' }
  t.match(refused(429, error, { 'x-should-retry': 'false' }), { reason: 'quota_exhausted', class: 'misconfigured' })
})

t.test('a request that no idle minute has room for does not cool the target down for all others', async t => {
  const message = 'Request too large for gpt-4o in organization org-Secret on tokens per min (TPM): Limit 30000, Requested 30601.'
  t.match(refused(429, limited(message)), { reason: 'unsupported', class: 'neutral', code: 'request_too_large', message: 'The request is larger than what the provider takes in a minute.' })
})

t.test('an overload is a failure, whatever it says of a return', async t => {
  t.match(refused(503, { message: 'The engine is currently overloaded, please try again later', type: 'server_error' }, { 'retry-after': '3' }), { reason: 'upstream_error', class: 'failure', retryAfterMs: 3000 })
})

t.test('a request that may be sent again as it is, is not at fault', async t => {
  t.match(refused(409, { message: 'Lock timeout.' }, { 'x-should-retry': 'true' }), { reason: 'upstream_error', class: 'failure' })
  t.match(refused(409, { message: 'Conflict.' }, { 'x-should-retry': 'false' }), { reason: 'invalid_request' })
  t.match(refused(401, { message: 'no' }, { 'x-should-retry': 'true' }), { reason: 'unauthorized' })
})

t.test('an error in a list, as Google\'s endpoint for this format has it', async t => {
  const text = JSON.stringify([{ error: { code: 400, message: 'Invalid model.', status: 'INVALID_ARGUMENT' } }])
  t.match(statusError({ status: 400, headers: {}, text }, []), { reason: 'invalid_request', code: '400', message: 'Invalid model.' })
})
