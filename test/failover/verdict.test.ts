import t from 'tap'
import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { errorOfFailure, isFinal, verdict } from '../../failover/verdict.ts'
import type { FailedTarget, Refusal } from '../../failover/verdict.ts'

const failed = (target: string, reason: FailureReason, details: ConstructorParameters<typeof UpstreamError>[2] = {}): FailedTarget =>
  ({ target, error: new UpstreamError(reason, `${reason} at ${target}`, details) })
const refused = (why: Refusal['why'], retryAfterMs: number): Refusal => ({ kind: 'refused', why, retryAfterMs })

t.test('only what no other target would mend is final', async t => {
  const final: FailureReason[] = ['invalid_request', 'content_filter', 'client_closed', 'deadline']
  const other: FailureReason[] = ['connect', 'reset', 'upstream_error', 'in_band_error', 'slow_first_output', 'stalled', 'truncated', 'empty', 'malformed', 'rate_limited', 'unauthorized', 'quota_exhausted', 'not_found', 'unsupported', 'internal']
  for (const reason of final) t.equal(isFinal(new UpstreamError(reason, 'x')), true, reason)
  for (const reason of other) t.equal(isFinal(new UpstreamError(reason, 'x')), false, reason)
})

t.test('one failure, as the caller is told it', async t => {
  for (const [failure, expected] of [
    [failed('a', 'invalid_request', { status: 400, code: 'bad', param: 'n' }), { status: 400, type: 'invalid_request_error', code: 'bad', param: 'n', message: 'invalid_request at a' }],
    [failed('a', 'invalid_request', { status: 413 }), { status: 413, code: 'invalid_request' }],
    [failed('a', 'invalid_request', { status: 415 }), { status: 415 }],
    [failed('a', 'invalid_request', { status: 422 }), { status: 422 }],
    [failed('a', 'invalid_request', { status: 409 }), { status: 400 }],
    [failed('a', 'invalid_request'), { status: 400 }],
    [failed('a', 'unsupported', { param: 'n' }), { status: 400, code: 'unsupported_parameter', param: 'n' }],
    [failed('a', 'content_filter', { code: 'other' }), { status: 400, code: 'content_filter' }],
    [failed('a', 'client_closed'), { status: 499, code: 'client_closed_request' }],
    [failed('a', 'deadline'), { status: 504, code: 'deadline_exceeded' }],
    [failed('a', 'internal'), { status: 500, code: 'internal_error' }],
    [failed('a', 'rate_limited', { retryAfterMs: 7 }), { status: 429, type: 'rate_limit_error', retryAfterMs: 7 }],
    [failed('a', 'reset'), { status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] }],
    [failed('a', 'unauthorized', { status: 401 }), { status: 502, attempts: [{ target: 'a', class: 'misconfigured' }] }],
    [failed('a', 'quota_exhausted', { status: 429 }), { status: 502 }],
    [failed('a', 'not_found', { status: 404 }), { status: 502, attempts: [{ target: 'a', class: 'neutral' }] }]
  ] as const) t.match(errorOfFailure(failure), expected, `${failure.error.reason} ${failure.error.status}`)
})

t.test('nobody answered', async t => {
  for (const [name, failures, refusals, expected] of [
    ['one failed', [failed('a', 'reset')], [], { status: 502, message: 'The target failed.', attempts: [{ target: 'a', class: 'failure' }] }],
    ['two failed', [failed('a', 'reset'), failed('b', 'rate_limited')], [], { status: 502, message: 'Every target failed.', attempts: [{ target: 'a', class: 'failure' }, { target: 'b', class: 'cooldown' }] }],
    ['the caller is not told of a key that is wrong', [failed('a', 'unauthorized', { status: 401 })], [], { status: 502, code: 'all_targets_failed' }],
    ['all rate limited', [failed('a', 'rate_limited', { retryAfterMs: 9000 }), failed('b', 'rate_limited', { retryAfterMs: 4000 })], [], { status: 429, retryAfterMs: 4000 }],
    ['some before they were tried', [failed('a', 'rate_limited', { retryAfterMs: 9000 })], [refused('cooldown', 3000)], { status: 429, retryAfterMs: 3000 }],
    ['all of them', [], [refused('cooldown', 8000), refused('cooldown', 3000)], { status: 429, retryAfterMs: 3000 }],
    ['nobody said when', [failed('a', 'rate_limited')], [], { status: 429, retryAfterMs: 1000 }],
    ['an infinite wait is none', [], [refused('cooldown', Infinity)], { status: 429, retryAfterMs: 1000 }],
    ['rate limited, and a breaker open', [failed('a', 'rate_limited', { retryAfterMs: 1 })], [refused('open', 3000)], { status: 502 }],
    ['every breaker open', [], [refused('open', 8000), refused('half_open', 900)], { status: 503, code: 'no_target_available', retryAfterMs: 900 }],
    ['open and cooling', [], [refused('open', 8000), refused('cooldown', 3000)], { status: 503, retryAfterMs: 3000 }],
    ['no target at all', [], [], { status: 503, retryAfterMs: 1000 }],
    ['none can express it', [failed('a', 'unsupported', { param: 'x' }), failed('b', 'unsupported', { param: 'y' })], [], { status: 400, param: 'y' }],
    ['one is rate limited, the other cannot express it', [failed('a', 'unsupported'), failed('b', 'rate_limited', { retryAfterMs: 4000 })], [], { status: 429, retryAfterMs: 4000 }],
    ['one failed, the other cannot express it', [failed('a', 'reset'), failed('b', 'unsupported')], [], { status: 502, attempts: [{ target: 'a', class: 'failure' }, { target: 'b', class: 'neutral' }] }]
  ] as const) t.match(verdict(failures, refusals), expected, name)
})
