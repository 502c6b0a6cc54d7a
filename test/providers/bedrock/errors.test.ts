import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { bedrockError, unsupported } from '../../../providers/bedrock/errors.ts'

/** An error as the SDK throws it. */
function thrown (name: string, { status, headers, message = 'told', code }: { status?: number, headers?: Record<string, string>, message?: string, code?: string } = {}): Error {
  const error = Object.assign(new Error(message), { name, $metadata: status === undefined ? undefined : { httpStatusCode: status }, ...(code === undefined ? {} : { code }) })
  Object.defineProperty(error, '$response', { value: { statusCode: status, headers: headers ?? {} }, enumerable: false })
  return error
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
  ] as const) t.match(bedrockError(thrown(name, { status })), { reason, status }, `${name} ${status}`)
  t.match(bedrockError(thrown('CredentialsProviderError')), { reason: 'unauthorized', status: undefined })
})

t.test('statuses, where the name says nothing', async t => {
  for (const [status, reason] of [
    [302, 'malformed'], [400, 'invalid_request'], [401, 'unauthorized'], [403, 'unauthorized'], [404, 'not_found'], [408, 'upstream_error'], [413, 'invalid_request'],
    [424, 'upstream_error'], [429, 'rate_limited'], [500, 'upstream_error'], [529, 'upstream_error']
  ] as const) {
    t.match(bedrockError(thrown('Unknown', { status })), { reason, status }, `${status}`)
    t.match(bedrockError(thrown('SyntaxError', { status })), { reason, status }, `${status} with a body that is not JSON`)
  }
})

t.test('exceptions inside a stream have no status', async t => {
  for (const [name, reason] of [
    ['InternalServerException', 'in_band_error'],
    ['modelStreamErrorException', 'in_band_error'],
    ['ServiceUnavailableException', 'in_band_error'],
    ['somethingNewException', 'in_band_error'],
    ['throttlingException', 'rate_limited'],
    ['serviceQuotaExceededException', 'quota_exhausted'],
    ['validationException', 'invalid_request']
  ] as const) {
    t.match(bedrockError(thrown(name)), { reason }, name)
    t.match(bedrockError(thrown(name, { status: 200 })), { reason }, `${name}, as the first event`)
  }
  t.equal(bedrockError(thrown('ValidationException')).status, 400)
})

t.test('retry-after', async t => {
  t.equal(bedrockError(thrown('ThrottlingException', { status: 429, headers: { 'Retry-After': '7' } })).retryAfterMs, 7000)
  t.equal(bedrockError(thrown('ThrottlingException', { status: 429 })).retryAfterMs, undefined)
  t.equal(bedrockError(thrown('throttlingException')).retryAfterMs, undefined)
})

t.test('only an invalid request is explained, and without secrets', async t => {
  const message = 'No access to arn:aws:bedrock:eu-west-1:123456789012:model/x with AKIAABCDEFGHIJKLMNOP at https://10.0.0.1/x'
  t.equal(bedrockError(thrown('ValidationException', { status: 400, message })).message, 'No access to [arn] with [redacted] at [url]')
  t.notMatch(bedrockError(thrown('AccessDeniedException', { status: 403, message })).message, /123456789012|AKIA|10\.0/)
  t.equal(bedrockError(thrown('ValidationException', { status: 400, message: 'bad\n  Deserialization error: to see the raw response, inspect …' })).message, 'bad')
  t.not(bedrockError(thrown('ValidationException', { status: 400, message: '' })).message, '')
})

t.test('errors of the connection', async t => {
  t.equal(bedrockError(thrown('TimeoutError', { code: 'ECONNRESET' })).reason, 'reset')
  t.equal(bedrockError(thrown('Error', { code: 'ECONNRESET', status: 200 })).reason, 'reset')
  t.equal(bedrockError(thrown('Error', { code: 'ECONNREFUSED' })).reason, 'connect')
  t.equal(bedrockError(thrown('Error', { code: 'HPE_INVALID_CONSTANT' })).reason, 'malformed')
  t.equal(bedrockError(thrown('TimeoutError')).reason, 'connect', 'the handler\'s own, without a code')
})

t.test('what cannot be read', async t => {
  t.equal(bedrockError(new Error('The message checksum (1) did not match the expected value of 2')).reason, 'malformed')
  t.equal(bedrockError(new Error('Truncated event message received.')).reason, 'truncated')
  t.equal(bedrockError(thrown('SyntaxError', { status: 200 })).reason, 'malformed')
  t.equal(bedrockError('thrown').reason, 'malformed')
})

t.test('what is an UpstreamError already', async t => {
  const error = unsupported('seed', 'the field seed')
  t.match(error, { reason: 'unsupported', param: 'seed', message: 'Bedrock cannot express the field seed.' })
  t.equal(bedrockError(error), error)
  t.ok(error instanceof UpstreamError)
})
