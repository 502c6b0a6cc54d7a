import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'

t.test('its outcome is the breaker\'s class of its reason; only a rate limit says when to come back', async t => {
  t.same(new UpstreamError('reset', 'x').outcome, { class: 'failure', reason: 'reset' })
  t.same(new UpstreamError('upstream_error', 'x', { status: 503, retryAfterMs: 5 }).outcome, { class: 'failure', reason: 'upstream_error' })
  t.same(new UpstreamError('rate_limited', 'x', { status: 429, retryAfterMs: 5 }).outcome, { class: 'cooldown', reason: 'rate_limited', retryAfterMs: 5 })
  t.same(new UpstreamError('rate_limited', 'x').outcome, { class: 'cooldown', reason: 'rate_limited', retryAfterMs: undefined })
  t.same(new UpstreamError('unauthorized', 'x').outcome, { class: 'misconfigured', reason: 'unauthorized' })
  t.same(new UpstreamError('content_filter', 'x').outcome, { class: 'neutral', reason: 'content_filter' })
})

t.test('it has a cause only where one was given', async t => {
  t.equal('cause' in new UpstreamError('reset', 'x'), false)
  t.equal(new UpstreamError('reset', 'x', { cause: 'why' }).cause, 'why')
})
