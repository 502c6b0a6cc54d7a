import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { FakeTargets } from '../support/fake-provider.ts'

const refusal = (retryAfterMs: number, why: 'open' | 'half_open' | 'forced_open' | 'cooldown' = 'open') => ({ kind: 'refused', why, retryAfterMs } as const)

t.test('when every breaker is open, the target that reopens first gets a request now and then; the others get 503', async t => {
  const fake = new FakeTargets({ a: call => call.answer(), b: call => call.answer() })
  fake.refusals.set('a', refusal(9_000))
  fake.refusals.set('b', refusal(4_000))
  fake.trickling.add('a').add('b')
  t.equal((await fake.failover.complete(fake.call())).target, 'b')
  await t.rejects(fake.failover.complete(fake.call()), { status: 503, code: 'no_target_available', retryAfterMs: 4_000 })
})

t.test('its failure is told as such', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(new UpstreamError('upstream_error', 'x', { status: 500 })) })
  fake.refusals.set('a', refusal(4_000))
  fake.trickling.add('a')
  await t.rejects(fake.failover.complete(fake.call()), { status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] })
})

t.test('not to targets that an operator has closed, that are rate limited, or that are being probed', async t => {
  for (const why of ['forced_open', 'cooldown', 'half_open'] as const) {
    const fake = new FakeTargets({ a: call => call.answer() })
    fake.refusals.set('a', refusal(4_000, why))
    fake.trickling.add('a')
    await t.rejects(fake.failover.complete(fake.call()), { code: why === 'cooldown' ? 'rate_limit_exceeded' : 'no_target_available' })
    t.same(fake.calls, [])
  }
})

t.test('not after another target has been tried', async t => {
  const fake = new FakeTargets({ a: call => call.answer(), b: call => call.refuse(new UpstreamError('upstream_error', 'x', { status: 500 })) })
  fake.refusals.set('a', refusal(4_000))
  fake.trickling.add('a')
  await t.rejects(fake.failover.complete(fake.call()), { code: 'all_targets_failed' })
  t.same(fake.calls.map(({ target }) => target), ['b'])
})
