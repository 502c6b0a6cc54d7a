import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { exceptionError, refusalError, signingError, unsupported } from '../../../providers/bedrock/errors.ts'

/** What a refusal with this exception means. */
function refused (name: string, status: number, { headers = {}, message = 'told' }: { headers?: Record<string, string>, message?: string } = {}): UpstreamError {
  return refusalError({ status, headers: { 'x-amzn-errortype': name, ...headers }, text: JSON.stringify({ message }) })
}

/** An error as the SDK throws it; with a status where it came from another service. */
function thrown (name: string, { status, code }: { status?: number, code?: string } = {}): Error {
  return Object.assign(new Error('told'), { name, $metadata: status === undefined ? undefined : { httpStatusCode: status }, ...(code === undefined ? {} : { code }) })
}

t.test('exceptions by name', async t => {
  for (const [name, status, reason] of [
    ['ThrottlingException', 429, 'rate_limited'],
    ['ThrottlingException', 400, 'rate_limited'],
    ['ModelNotReadyException', 429, 'rate_limited'],
    ['ServiceQuotaExceededException', 400, 'quota_exhausted'],
    ['AccessDeniedException', 403, 'unauthorized'],
    ['UnrecognizedClientException', 403, 'unauthorized'],
    ['ExpiredTokenException', 403, 'unauthorized'],
    ['ResourceNotFoundException', 404, 'not_found'],
    ['ValidationException', 400, 'invalid_request'],
    ['ModelTimeoutException', 408, 'upstream_error'],
    ['ModelErrorException', 424, 'upstream_error'],
    ['InternalServerException', 500, 'upstream_error'],
    ['ServiceUnavailableException', 503, 'upstream_error']
  ] as const) {
    t.match(refused(name, status), { reason, status }, `${name} ${status}`)
    t.match(refused(`${name}:http://internal.amazon.com/coral/`, status), { reason, status }, `${name} with a URL`)
    t.match(refusalError({ status, headers: {}, text: JSON.stringify({ __type: `com.amazon.coral#${name}` }) }), { reason, status }, `${name} in the body`)
  }
})

t.test('statuses, where the name says nothing', async t => {
  for (const [status, reason] of [
    [302, 'malformed'], [400, 'invalid_request'], [401, 'unauthorized'], [403, 'unauthorized'], [404, 'not_found'], [408, 'upstream_error'], [413, 'invalid_request'],
    [424, 'upstream_error'], [429, 'rate_limited'], [500, 'upstream_error'], [529, 'upstream_error']
  ] as const) {
    t.match(refused('Unknown', status), { reason, status }, `${status}`)
    for (const text of ['<html>', '', 'null', '[]', '{"message":5,"__type":{}}']) {
      t.match(refusalError({ status, headers: {}, text }), { reason, status }, `${status} with the body ${text}`)
    }
  }
})

t.test('exceptions inside a stream have no status', async t => {
  for (const [name, reason] of [
    ['InternalServerException', 'in_band_error'],
    ['modelStreamErrorException', 'in_band_error'],
    ['ServiceUnavailableException', 'in_band_error'],
    ['somethingNewException', 'in_band_error'],
    ['', 'in_band_error'],
    ['throttlingException', 'rate_limited'],
    ['serviceQuotaExceededException', 'quota_exhausted'],
    ['validationException', 'invalid_request']
  ] as const) for (const payload of ['{"message":"told"}', '{}', 'no JSON', '']) t.match(exceptionError(name, payload), { reason, message: /./ }, name)
  t.match(exceptionError('validationException', '{"message":"told"}'), { status: 400, message: 'told' })
})

t.test('a model that refuses the request does not fail, and neither does the gateway', async t => {
  for (const [originalStatusCode, reason, status] of [[400, 'invalid_request', 400], [413, 'invalid_request', 400], [422, 'invalid_request', 400], [429, 'rate_limited', 424], [500, 'upstream_error', 424], ['400', 'upstream_error', 424]] as const) {
    const text = JSON.stringify({ message: 'told', originalStatusCode, resourceName: 'arn:aws:x' })
    t.match(refusalError({ status: 424, headers: { 'x-amzn-errortype': 'ModelErrorException' }, text }), { reason, status }, `${originalStatusCode}`)
  }
  t.match(exceptionError('modelStreamErrorException', '{"message":"failed","originalStatusCode":400,"originalMessage":"too many images"}'), { reason: 'invalid_request', status: 400, message: 'too many images' })
  t.match(exceptionError('modelStreamErrorException', '{"message":"failed","originalStatusCode":500}'), { reason: 'in_band_error' })
})

t.test('retry-after', async t => {
  t.equal(refused('ThrottlingException', 429, { headers: { 'retry-after': '7' } }).retryAfterMs, 7000)
  t.equal(refused('ThrottlingException', 429).retryAfterMs, undefined)
  t.equal(exceptionError('throttlingException', '{}').retryAfterMs, undefined)
})

t.test('only an invalid request is explained, and without secrets', async t => {
  const message = 'No access to arn:aws:bedrock:eu-west-1:123456789012:model/x with AKIAABCDEFGHIJKLMNOP at https://10.0.0.1/x'
  t.equal(refused('ValidationException', 400, { message }).message, 'No access to [arn] with [redacted] at [url]')
  t.notMatch(refused('AccessDeniedException', 403, { message }).message, /123456789012|AKIA|10\.0/)
  t.not(refused('ValidationException', 400, { message: '' }).message, '')
})

t.test('while a request is made', async t => {
  for (const [error, reason] of [
    [thrown('CredentialsProviderError'), 'unauthorized'],
    [thrown('TokenProviderError'), 'unauthorized'],
    [thrown('ExpiredTokenException', { status: 400 }), 'unauthorized'],
    [thrown('ValidationError', { status: 400 }), 'unauthorized'],
    [thrown('Throttling', { status: 400 }), 'rate_limited'],
    [thrown('Unknown', { status: 503 }), 'upstream_error'],
    [thrown('TimeoutError', { code: 'ECONNRESET' }), 'reset'],
    [thrown('Error', { code: 'ECONNREFUSED' }), 'connect'],
    [thrown('TimeoutError'), 'connect'],
    [thrown('TypeError'), 'malformed'],
    ['thrown', 'malformed']
  ] as const) t.match(signingError(error), { reason }, String(error))
})

t.test('what is an UpstreamError already', async t => {
  const error = unsupported('seed', 'the field seed')
  t.match(error, { reason: 'unsupported', param: 'seed', message: 'Bedrock cannot express the field seed.' })
  t.equal(signingError(error), error)
  t.ok(error instanceof UpstreamError)
})
