/**
 * What API Management and its policies answer in place of Azure OpenAI: `{statusCode, message}`, HTML, or nothing.
 * @see https://learn.microsoft.com/azure/api-management/llm-token-limit-policy
 * @see https://learn.microsoft.com/azure/api-management/rate-limit-by-key-policy
 * @see https://learn.microsoft.com/azure/api-management/quota-by-key-policy
 * @see https://learn.microsoft.com/azure/api-management/validate-jwt-policy
 */
import t from 'tap'
import { scriptedUpstream, status } from '../../support/scripted-upstream.ts'
import { azureTargets, bothFailures } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)
const said = (statusCode: number, message: string) => ({ statusCode, message })

t.test('subscription keys and tokens that it refuses', async t => {
  for (const message of [
    'Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.',
    'Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.',
    'JWT not present.'
  ]) {
    for (const target of targets) {
      for (const failure of await bothFailures(target, upstream, status(401, said(401, message)))) {
        t.match(failure, { reason: 'unauthorized', class: 'misconfigured', status: 401, message: 'The provider answered with status 401.' })
      }
    }
  }
  for (const target of targets) {
    for (const failure of await bothFailures(target, upstream, status(403, said(403, 'Forbidden')))) t.match(failure, { reason: 'unauthorized', class: 'misconfigured' })
  }
})

t.test('rate limits: the wait is in the header, or in the words alone', async t => {
  for (const [message, headers, retryAfterMs] of [
    ['Rate limit is exceeded. Try again in 12 seconds.', { 'retry-after': '11' }, 11_000],
    ['Rate limit is exceeded. Try again in 12 seconds.', {}, 12_000],
    ['Token limit is exceeded. Try again in 53 seconds.', { 'remaining-tokens': '0' }, 53_000],
    ['Token limit is exceeded.', {}, undefined]
  ] as const) {
    for (const target of targets) {
      for (const failure of await bothFailures(target, upstream, status(429, said(429, message), headers))) {
        t.match(failure, { reason: 'rate_limited', class: 'cooldown', status: 429 })
        t.equal(failure.retryAfterMs, retryAfterMs)
      }
    }
  }
})

t.test('quotas, for calls and for tokens: no wrong key, and no rate limit', async t => {
  for (const [message, retryAfterMs] of [
    ['Out of call volume quota. Quota will be replenished in 1.12:30:00.', 131_400_000],
    ['Out of bandwidth quota. Quota will be replenished in 00:05:00.', 300_000],
    ['Token quota is exceeded. Try again in 21 minutes and 33 seconds.', 1_293_000]
  ] as const) {
    for (const target of targets) {
      for (const failure of await bothFailures(target, upstream, status(403, said(403, message)))) {
        t.match(failure, { reason: 'quota_exhausted', class: 'misconfigured', status: 403, retryAfterMs })
      }
    }
  }
})

t.test('a prompt that its content safety policy refuses says nothing of the target\'s key', async t => {
  for (const target of targets) {
    for (const failure of await bothFailures(target, upstream, status(403, said(403, 'Request failed content safety check.')))) {
      t.match(failure, { reason: 'content_filter', class: 'neutral', code: 'content_filter', status: 403 })
    }
  }
})

t.test('a gateway that has no backend', async t => {
  for (const [code, body] of [
    [500, { statusCode: 500, message: 'Internal server error', activityId: '0a0a0a0a' }],
    [502, '<html><head><title>502 Bad Gateway</title></head><body>x</body></html>'],
    [503, 'The service is unavailable.'],
    [504, '']
  ] as const) {
    for (const target of targets) {
      for (const failure of await bothFailures(target, upstream, status(code, body, { 'content-type': 'text/html' }))) {
        t.match(failure, { reason: 'upstream_error', class: 'failure', status: code, message: `The provider answered with status ${code}.` })
      }
    }
  }
})

t.test('a page or nothing at all in place of any other error: the status alone counts', async t => {
  for (const body of ['', '<html><body>no</body></html>', '{"statusCode":', 'null']) {
    for (const [code, reason] of [[400, 'invalid_request'], [401, 'unauthorized'], [403, 'unauthorized'], [404, 'not_found'], [429, 'rate_limited']] as const) {
      for (const target of targets) {
        for (const failure of await bothFailures(target, upstream, status(code, body, { 'content-type': 'text/html' }))) t.match(failure, { reason, status: code })
      }
    }
  }
})

t.test('an operation that API Management does not know', async t => {
  for (const target of targets) {
    for (const failure of await bothFailures(target, upstream, status(404, said(404, 'Resource not found')))) t.match(failure, { reason: 'not_found', class: 'neutral' })
  }
})
