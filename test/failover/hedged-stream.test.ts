/**
 * A stream whose target takes unusually long to begin is asked of a second one as well. In virtual time.
 */
import t from 'tap'
import type { Test } from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import type { VirtualTime } from '../support/virtual-time.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const ROUTE = { hedging: true, targets: [{ name: 'a', model: undefined }, { name: 'b', model: undefined }], firstTokenTimeoutMs: 1000 }

/** After 60 answers of `a` within 100 ms, one request may be doubled. From then on the targets behave as told. */
async function warmedUp (t: Test, then: { a: Behaviour, b: Behaviour }): Promise<{ fake: FakeTargets, time: VirtualTime, call: ReturnType<FakeTargets['call']> }> {
  const time = useVirtualTime(t)
  let warm = false
  const answering: Behaviour = call => {
    setTimeout(() => {
      call.stream().offer(textChunk('x'))
      call.writer.offer(finishChunk())
      call.writer.end({ terminal: true })
    }, 100)
  }
  const fake = new FakeTargets({ a: call => warm ? then.a(call) : answering(call), b: call => then.b(call) })
  const call = fake.call({ route: ROUTE })
  for (let n = 0; n < 60; n++) {
    const answer = fake.failover.stream(call)
    await time.advance(100)
    ;(await answer).answer.queue.cancel()
  }
  await time.advance(0)
  t.equal(fake.calls.length, 60)
  warm = true
  fake.calls.length = fake.journal.length = fake.records.length = 0
  return { fake, time, call }
}

const silent: Behaviour = () => {}
const roleOnly: Behaviour = call => { call.stream().offer(roleChunk()) }
const beginning: Behaviour = call => { call.stream().offer(textChunk(call.target)) }

t.test('the faster one is heard; the other one is aborted, neutral to its breaker, and what it cost is on record', async t => {
  const { fake, time, call } = await warmedUp(t, { a: roleOnly, b: beginning })
  const tried: string[] = []
  const streaming = fake.failover.stream({ ...call, onTry: (target, attempts, beside) => tried.push(`${target} ${attempts} ${beside ? 'beside' : 'alone'}`) })
  await time.advance(99)
  t.same(tried, ['a 1 alone'], 'not before the time that is usual')
  await time.advance(1)
  t.same(tried, ['a 1 alone', 'b 2 beside'])
  const { target, answer } = await streaming
  t.equal(target, 'b')
  t.equal(fake.calls[0]?.call.signal.aborted, true)
  await time.advance(0)
  t.same(fake.journal, ['b: success', 'a: neutral outpaced'])
  t.match(fake.records, [{ target: 'a', attemptNo: 1, class: 'neutral', reason: 'outpaced', usageSource: 'estimated', promptTokens: Number }])
  fake.calls[1]?.writer.offer(finishChunk())
  fake.calls[1]?.writer.end({ terminal: true })
  t.equal((await answer.ended).kind, 'complete')
  await time.advance(0)
  t.match(fake.records, [{}, { target: 'b', attemptNo: 2, class: 'success' }])
  t.equal(time.pending, 0)
})

t.test('the first one may still win; only one of two that begin together is heard', async t => {
  const { fake, time, call } = await warmedUp(t, { a: silent, b: silent })
  const streaming = fake.failover.stream(call)
  await time.advance(100)
  for (const each of fake.calls) each.stream().offer(textChunk(each.target))
  const { target, answer } = await streaming
  t.equal(target, 'a')
  t.equal(answer.queue.poll()?.includes('"content":"a"'), true)
  t.equal(fake.calls[0]?.call.signal.aborted, false)
  t.equal(fake.calls[1]?.call.signal.aborted, true)
  answer.queue.cancel()
  await time.advance(0)
  t.same(fake.records.map(({ target, reason }) => `${target} ${reason}`).sort(), ['a client_closed', 'b outpaced'])
  t.equal(time.pending, 0)
})

t.test('when the first one fails meanwhile, the second goes on alone; when both do, the request has failed', async t => {
  const { fake, time, call } = await warmedUp(t, { a: silent, b: silent })
  const streaming = fake.failover.stream(call)
  await time.advance(100)
  fake.calls[0]?.refuse(new UpstreamError('reset', 'x'))
  await time.advance(0)
  fake.calls[1]?.refuse(new UpstreamError('upstream_error', 'x', { status: 500 }))
  await t.rejects(streaming, { name: 'GatewayError', status: 502, attempts: [{ target: 'a', class: 'failure' }, { target: 'b', class: 'failure' }] })
  t.same(fake.journal, ['a: failure reset', 'b: failure upstream_error 500'])
  t.equal(time.pending, 0)
})

t.test('a request at fault ends both', async t => {
  const { fake, time, call } = await warmedUp(t, { a: silent, b: silent })
  const streaming = fake.failover.stream(call)
  await time.advance(100)
  fake.calls[1]?.refuse(new UpstreamError('invalid_request', 'x', { status: 400 }))
  await t.rejects(streaming, { name: 'GatewayError', status: 400 })
  t.equal(fake.calls[0]?.call.signal.aborted, true)
  await time.advance(0)
  t.same(fake.journal, ['b: neutral invalid_request 400', 'a: neutral outpaced'])
  t.equal(time.pending, 0)
})

t.test('a client that leaves ends both', async t => {
  const { fake, time, call } = await warmedUp(t, { a: silent, b: silent })
  const aborter = new AbortController()
  const streaming = fake.failover.stream({ ...call, signal: aborter.signal })
  await time.advance(100)
  aborter.abort()
  await t.rejects(streaming, { name: 'GatewayError', status: 499 })
  await time.advance(0)
  t.same(fake.calls.map(({ call }) => call.signal.aborted), [true, true])
  t.same(fake.records.map(({ class: kind }) => kind), ['neutral', 'neutral'])
  t.equal(time.pending, 0)
})

t.test('where no second target may be tried nothing is used up; where it is, the next slow one waits', async t => {
  const { fake, time, call } = await warmedUp(t, { a: silent, b: beginning })
  fake.refusals.set('b', { kind: 'refused', why: 'open', retryAfterMs: 1000 })
  const alone = fake.failover.stream(call)
  await time.advance(200)
  t.same(fake.calls.map(({ target }) => target), ['a'])
  fake.calls[0]?.stream().offer(textChunk('a'))
  ;(await alone).answer.queue.cancel()
  fake.refusals.clear()
  const doubled = fake.failover.stream(call)
  await time.advance(200)
  t.same(fake.calls.map(({ target }) => target), ['a', 'a', 'b'])
  ;(await doubled).answer.queue.cancel()
  const slow = fake.failover.stream(call)
  await time.advance(300)
  t.same(fake.calls.map(({ target }) => target), ['a', 'a', 'b', 'a'])
  fake.calls[3]?.stream().offer(textChunk('a'))
  ;(await slow).answer.queue.cancel()
})

t.test('a model without hedging is never asked twice', async t => {
  const { fake, time } = await warmedUp(t, { a: silent, b: beginning })
  const streaming = fake.failover.stream(fake.call({ route: { ...ROUTE, hedging: false } }))
  await time.advance(999)
  t.equal(fake.calls.length, 1)
  await time.advance(1)
  const { target, answer } = await streaming
  t.equal(target, 'b')
  answer.queue.cancel()
})
