/**
 * `target/model` asks one target for a model of the caller's choice. That there is none was told as 502, as if the target had
 * failed: it is the caller's mistake, and a retry does not mend it.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { FakeTargets } from '../support/fake-provider.ts'

const unknown = () => new UpstreamError('not_found', 'The provider answered with status 404.', { status: 404 })

t.test('a model that the caller named, and its target does not know, is 404', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(unknown()) })
  const call = fake.call({ route: { targets: [{ name: 'a', model: 'nonesuch' }] } })
  const refusal = { status: 404, type: 'invalid_request_error', code: 'model_not_found', param: 'model' }
  await t.rejects(fake.failover.complete(call), refusal)
  await t.rejects(fake.failover.stream(call), refusal)
  t.same(fake.journal, ['a: neutral not_found 404', 'a: neutral not_found 404'])
})

t.test('one that the configuration names is still the operator\'s', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(unknown()) })
  await t.rejects(fake.failover.complete(fake.call()), { status: 502, code: 'all_targets_failed' })
})
