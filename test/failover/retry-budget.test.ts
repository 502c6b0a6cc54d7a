import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { RetryBudget } from '../../failover/retry-budget.ts'
import { FakeTargets } from '../support/fake-provider.ts'

t.test('three a second in any case, a tenth of the last minute\'s requests beyond that', async t => {
  let now = 0
  const budget = new RetryBudget({ now: () => now })
  const taken = () => {
    let count = 0
    while (budget.take()) count++
    return count
  }
  t.equal(taken(), 3, 'without any request')
  now = 999
  t.equal(taken(), 0, 'in the same second')
  now = 1_000
  t.equal(taken(), 3, 'in the next one')
  now = 120_000
  for (let i = 0; i < 1_000; i++) budget.request()
  t.equal(taken(), 100)
  now = 150_000
  t.equal(taken(), 3, 'the rest of the minute has none left but the three')
  now = 180_500
  for (let i = 0; i < 10; i++) budget.request()
  t.equal(taken(), 3, 'what is older than a minute does not count any more')
})

t.test('in no history are there more than a tenth and three a second', async () => {
  const steps = fc.array(fc.oneof(
    fc.record({ kind: fc.constant('request' as const), count: fc.nat(50) }),
    fc.record({ kind: fc.constant('take' as const), count: fc.nat(50) }),
    fc.record({ kind: fc.constant('wait' as const), count: fc.nat(5_000) })
  ), { maxLength: 100 })
  fc.assert(fc.property(steps, history => {
    let now = 0
    let requests = 0
    let extras = 0
    const seconds = new Set<number>()
    const budget = new RetryBudget({ now: () => now })
    for (const { kind, count } of history) {
      if (kind === 'wait') now += count
      else {
        for (let i = 0; i < count; i++) {
          if (kind === 'request') {
            budget.request()
            requests++
          } else if (budget.take()) {
            extras++
            seconds.add(Math.floor(now / 1000))
          }
        }
      }
    }
    return extras <= Math.ceil(requests / 10) + 3 * seconds.size
  }), { numRuns: 500 })
})

t.test('a request whose target failed asks no other one when the budget is spent, and says so', async t => {
  let left = 1
  const fake = new FakeTargets({
    a: call => call.refuse(new UpstreamError('upstream_error', 'x', { status: 500 })),
    b: call => call.answer()
  }, { retryBudget: { request: () => {}, take: () => left-- > 0 } })
  t.equal((await fake.failover.complete(fake.call())).target, 'b')
  await t.rejects(fake.failover.complete(fake.call()), { status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }], message: /no other target is asked/ })
  t.same(fake.journal, ['a: failure upstream_error 500', 'b: success', 'a: failure upstream_error 500', 'b: released'])
})

t.test('a target that cannot express the request, and is not asked, costs nothing', async t => {
  const fake = new FakeTargets({
    a: call => call.refuse(new UpstreamError('unsupported', 'x', { param: 'n' })),
    b: call => call.answer()
  }, { retryBudget: { request: () => {}, take: () => false } })
  t.equal((await fake.failover.complete(fake.call())).target, 'b')
})

t.test('a probe that failed costs nothing: the request that was lent to it is answered', async t => {
  const fake = new FakeTargets({
    a: call => call.refuse(new UpstreamError('connect', 'x')),
    b: call => call.answer()
  }, { retryBudget: { request: () => {}, take: () => false } })
  fake.probes.add('a')
  t.equal((await fake.failover.complete(fake.call())).target, 'b')
})
