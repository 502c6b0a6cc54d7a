/**
 * API Management's quota policy answers 403. A quota is the account's, whatever model was asked for: it is no matter of
 * the caller's choice, and the target has to be held.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { FakeTargets } from '../support/fake-provider.ts'

t.test('a quota that is used up is the target\'s, also where the caller chose the model', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(new UpstreamError('quota_exhausted', 'x', { status: 403 })) })
  await fake.failover.complete(fake.call({ route: { targets: [{ name: 'a', model: 'other' }] } })).catch(() => {})
  t.same(fake.journal, ['a: misconfigured quota_exhausted 403'])
  t.match(fake.records, [{ class: 'misconfigured', reason: 'quota_exhausted' }])
})
