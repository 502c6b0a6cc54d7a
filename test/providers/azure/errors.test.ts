/**
 * Azure OpenAI's own errors, whole and streamed.
 * @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
 * @see https://learn.microsoft.com/azure/ai-services/openai/how-to/quota
 */
import t from 'tap'
import { scriptedUpstream, status } from '../../support/scripted-upstream.ts'
import { azureTargets, bothFailures, KEY } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)

const FILTERED = {
  error: {
    message: 'The response was filtered due to the prompt triggering the content management policy.',
    type: null,
    param: 'prompt',
    code: 'content_filter',
    status: 400,
    innererror: {
      code: 'ResponsibleAIPolicyViolation',
      content_filter_result: { hate: { filtered: true, severity: 'high' }, jailbreak: { filtered: false, detected: false } }
    }
  }
}

t.test('a prompt that the content filter refuses is the caller\'s fault, and says nothing of the prompt', async t => {
  for (const target of targets) {
    for (const error of await bothFailures(target, upstream, status(400, FILTERED))) {
      t.match(error, { reason: 'content_filter', class: 'neutral', status: 400, code: 'content_filter', param: 'prompt', message: 'The provider\'s content filter refused the prompt.' })
    }
  }
})

t.test('so is one that is known by the inner error alone', async t => {
  const { code, ...error } = FILTERED.error
  for (const target of targets) {
    for (const failure of await bothFailures(target, upstream, status(400, { error: { ...error, code: '400' } }))) {
      t.match(failure, { reason: 'content_filter', code: 'content_filter', param: 'prompt' })
    }
  }
})

t.test('a deployment that is not there, or cannot chat, is no fault of the request: another target may serve it', async t => {
  for (const target of targets) {
    for (const [code, error] of [
      [404, { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' }],
      [404, { code: '404', message: 'Resource not found' }],
      [400, { code: 'OperationNotSupported', message: 'The chatCompletion operation does not work with the specified model, text-embedding-3-large.' }]
    ] as const) {
      for (const failure of await bothFailures(target, upstream, status(code, { error }))) {
        t.match(failure, { reason: 'not_found', class: 'neutral', status: code, code: undefined, message: `The provider answered with status ${code}.` }, error.code)
      }
    }
  }
})

t.test('what Azure could not do in time or at all is its failure', async t => {
  for (const target of targets) {
    for (const [code, error] of [
      [408, { code: 'Timeout', message: 'The operation was timeout.' }],
      [424, { code: 'DependencyFailed', message: 'x' }],
      [500, { code: 'InternalServerError', message: 'x' }],
      [503, { code: 'ServiceUnavailable', message: 'x' }]
    ] as const) {
      for (const failure of await bothFailures(target, upstream, status(code, { error }))) t.match(failure, { reason: 'upstream_error', class: 'failure', status: code }, error.code)
    }
  }
})

t.test('a key, a network or a region that Azure refuses is the operator\'s to mend', async t => {
  for (const target of targets) {
    for (const [code, error] of [
      [401, { code: '401', message: 'Access denied due to invalid subscription key or wrong API endpoint.' }],
      [401, { code: 'PermissionDenied', message: 'The principal lacks the required data action.' }],
      [403, { code: '403', message: 'Access denied due to Virtual Network/Firewall rules.' }]
    ] as const) {
      for (const failure of await bothFailures(target, upstream, status(code, { error }))) t.match(failure, { reason: 'unauthorized', class: 'misconfigured', status: code }, error.code)
    }
  }
})

t.test('a rate limit says when to come back: in a header, in words, or by its reset', async t => {
  const words = (wait: string) => ({ error: { code: '429', message: `Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI S0 pricing tier. ${wait} Please go here.` } })
  for (const target of targets) {
    for (const [headers, body, retryAfterMs] of [
      [{ 'retry-after': '7' }, words('Please retry after 9 seconds.'), 7000],
      [{ 'retry-after-ms': '250', 'retry-after': '1' }, words(''), 250],
      [{}, words('Please retry after 9 seconds.'), 9000],
      [{ 'x-ratelimit-reset-tokens': '3' }, words('Please retry after 9 seconds.'), 9000],
      [{ 'x-ratelimit-reset-requests': '10', 'x-ratelimit-reset-tokens': '3', 'x-ratelimit-remaining-tokens': '0' }, words(''), 3000],
      [{ 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '0' }, words(''), undefined],
      [{}, { error: { code: 'NoCapacity', message: 'The system is currently experiencing high demand. Please retry after 20 seconds.' } }, 20_000]
    ] as const) {
      for (const failure of await bothFailures(target, upstream, status(429, body, headers))) {
        t.match(failure, { reason: 'rate_limited', class: 'cooldown', status: 429 })
        t.equal(failure.retryAfterMs, retryAfterMs)
      }
    }
  }
})

t.test('an error in Azure\'s words that is the caller\'s to mend is told without the key', async t => {
  for (const target of targets) {
    const body = { error: { message: `Invalid value for 'n' (${KEY}).`, type: 'invalid_request_error', param: 'n', code: 'invalid_value' } }
    for (const failure of await bothFailures(target, upstream, status(400, body))) {
      t.match(failure, { reason: 'invalid_request', param: 'n', code: 'invalid_value', message: 'Invalid value for \'n\' ([redacted]).' })
    }
  }
})
