/**
 * Limits of time: to the first output, between outputs, and of the whole request. In virtual time.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const silent: Behaviour = () => {}
const roleOnly: Behaviour = call => { call.stream().offer(roleChunk()) }
const beginning: Behaviour = call => { call.stream().offer(textChunk(call.target)) }

/** What a promise came to so far. */
function watch (promise: Promise<unknown>): { result: unknown } {
  const watched: { result: unknown } = { result: 'pending' }
  promise.then(value => { watched.result = value }, (error: unknown) => { watched.result = error })
  return watched
}

t.test('no first output in time: the next target, whether the status had come or not', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: silent, b: roleOnly, c: beginning })
  const streaming = watch(fake.failover.stream(fake.call()))
  await time.advance(999)
  t.equal(fake.calls.length, 1)
  await time.advance(1)
  t.equal(fake.calls.length, 2)
  t.equal(fake.calls[0]?.call.signal.aborted, true)
  await time.advance(1000)
  t.match(streaming.result, { target: 'c' })
  t.same(fake.journal, ['a: failure slow_first_output', 'b: failure slow_first_output', 'c: success'])
  t.match(fake.records, [{ durationMs: 1000, firstOutputMs: null }, { durationMs: 1000 }])
  fake.calls[2]?.writer.queue.cancel()
  await time.advance(0)
  t.equal(time.pending, 0)
})

t.test('a whole answer has no limit to its first output, but the request\'s', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: silent, b: silent })
  const completing = watch(fake.failover.complete(fake.call()))
  await time.advance(59_999)
  t.equal(completing.result, 'pending')
  await time.advance(1)
  t.match(completing.result, { name: 'GatewayError', status: 504, code: 'deadline_exceeded' })
  t.equal(fake.calls.length, 1, 'no other target is worth trying then')
  t.same(fake.journal, ['a: neutral deadline'])
  t.equal(time.pending, 0)
})

t.test('the deadline is one for all attempts together', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: silent, b: silent, c: silent })
  const streaming = watch(fake.failover.stream(fake.call({ route: { firstTokenTimeoutMs: 1000, requestTimeoutMs: 2500 } })))
  await time.advance(2499)
  t.equal(streaming.result, 'pending')
  t.equal(fake.calls.length, 3)
  await time.advance(1)
  t.match(streaming.result, { status: 504 })
  t.same(fake.journal, ['a: failure slow_first_output', 'b: failure slow_first_output', 'c: neutral deadline'])
  t.equal(time.pending, 0)
})

t.test('the deadline ends a running stream, too, with its error after what came', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning })
  const streaming = watch(fake.failover.stream(fake.call({ route: { idleTimeoutMs: 100_000, requestTimeoutMs: 5000 } })))
  await time.advance(5000)
  t.match(streaming.result, { target: 'a' })
  t.match(fake.calls[0]?.writer.queue.state, { kind: 'failed', error: { reason: 'deadline' } })
  t.same(fake.journal, ['a: success', 'a: neutral deadline'])
  t.equal(time.pending, 0)
})

t.test('a provider that stops in the middle has stalled; one that goes on has not', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning })
  await fake.failover.stream(fake.call())
  const writer = fake.calls[0]?.writer
  writer?.queue.drain()
  for (let output = 0; output < 5; output++) {
    await time.advance(1999)
    writer?.offer(textChunk('more'))
    writer?.queue.drain()
  }
  t.equal(writer?.over, false)
  await time.advance(1999)
  t.equal(writer?.over, false)
  await time.advance(1)
  t.match(writer?.queue.state, { kind: 'failed', error: { reason: 'stalled' } })
  t.same(fake.journal, ['a: success', 'a: failure stalled'])
  t.equal(time.pending, 0)
})

t.test('empty deltas do not keep a stalled stream alive', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning })
  await fake.failover.stream(fake.call())
  const writer = fake.calls[0]?.writer
  for (let comment = 0; comment < 4; comment++) {
    writer?.queue.drain()
    await time.advance(500)
    writer?.offer(textChunk(''))
    writer?.queue.drain()
  }
  t.match(writer?.queue.state, { kind: 'failed', error: { reason: 'stalled' } })
})

t.test('a slow consumer is no stall: while something is queued, nobody counts', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning })
  await fake.failover.stream(fake.call({ route: { requestTimeoutMs: 1_000_000 } }))
  const writer = fake.calls[0]?.writer
  await time.advance(100_000)
  t.equal(writer?.over, false)
  writer?.queue.drain()
  await time.advance(1999)
  t.equal(writer?.over, false, 'from then on the provider has its whole time')
  await time.advance(2001)
  t.match(writer?.queue.state, { kind: 'failed', error: { reason: 'stalled' } })
})

t.test('nor is it while what was taken waits for the client, and nothing else may be queued', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning })
  await fake.failover.stream(fake.call({ route: { requestTimeoutMs: 1_000_000 } }))
  const writer = fake.calls[0]?.writer
  writer?.queue.drain()
  writer?.queue.hold(true)
  await time.advance(100_000)
  t.equal(writer?.over, false)
  writer?.queue.hold(false)
  await time.advance(4000)
  t.match(writer?.queue.state, { kind: 'failed', error: { reason: 'stalled' } })
})

t.test('silence after the last finish reason ends a complete answer', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: call => call.refuse(new UpstreamError('reset', 'x')), b: beginning })
  await fake.failover.stream(fake.call())
  const writer = fake.calls[1]?.writer
  writer?.offer(finishChunk())
  writer?.queue.drain()
  await time.advance(4000)
  t.equal(writer?.queue.state.kind, 'closed')
  t.same(fake.journal, ['a: failure reset', 'b: success', 'b: success'])
})
