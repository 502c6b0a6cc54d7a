/**
 * A target dies with many requests in hand: they go on to the next one a few at a time, and none is lost. In virtual time.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const reset = () => new UpstreamError('reset', 'The connection broke.')

t.test('a tenth of the requests under way is at the next target at once; all are answered', async t => {
  const time = useVirtualTime(t)
  let dead = false
  const fake = new FakeTargets({ a: call => { if (dead) call.refuse(reset()) }, b: () => {} })
  const asked = Array.from({ length: 100 }, async () => await fake.failover.complete(fake.call()))
  await time.advance(0)
  dead = true
  for (const call of fake.calls.splice(0)) call.refuse(reset())
  await time.advance(0)
  let answered = 0
  while (fake.calls.length > 0) {
    t.ok(fake.calls.length <= 10, `${fake.calls.length} at once`)
    fake.calls.shift()?.answer()
    answered++
    await time.advance(1)
  }
  t.equal(answered, 100)
  t.same(new Set((await Promise.all(asked)).map(({ target }) => target)), new Set(['b']))
  t.equal(fake.failover.waiting, 0)
  t.equal(time.pending, 0)
})

t.test('where the next target does not answer either, who waited for longer than a first token may take is told what failed', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: call => call.refuse(reset()), b: () => {} })
  const failures = Array.from({ length: 5 }, async () => await fake.failover.complete(fake.call()).catch((error: unknown) => error))
  await time.advance(999)
  t.equal(fake.failover.waiting, 2)
  await time.advance(1)
  t.equal(fake.failover.waiting, 0)
  for (const failure of await Promise.all(failures.slice(3))) t.match(failure, { status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] })
  for (const call of fake.calls) call.answer()
  await Promise.all(failures)
  t.equal(time.pending, 0)
})

t.test('a client that leaves, and the deadline, end the waiting', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: call => call.refuse(reset()), b: () => {} })
  const first = Array.from({ length: 3 }, async () => await fake.failover.complete(fake.call()))
  const aborter = new AbortController()
  const left = fake.failover.complete(fake.call({ signal: aborter.signal }))
  const late = fake.failover.complete(fake.call({ route: { requestTimeoutMs: 500 } }))
  late.catch(() => {})
  await time.advance(0)
  aborter.abort()
  await t.rejects(left, { name: 'GatewayError', status: 499 })
  await time.advance(500)
  await t.rejects(late, { name: 'GatewayError', status: 504 })
  for (const call of fake.calls) call.answer()
  await Promise.all(first)
  t.equal(time.pending, 0)
})

t.test('a target that cannot express the request was never asked: going on to the next one is no retry', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(new UpstreamError('unsupported', 'x', { param: 'n' })), b: () => {} })
  const asked = Array.from({ length: 20 }, async () => await fake.failover.complete(fake.call()))
  await new Promise(resolve => { setImmediate(resolve) })
  t.equal(fake.calls.filter(({ target }) => target === 'b').length, 20)
  for (const call of fake.calls) call.answer()
  await Promise.all(asked)
})
