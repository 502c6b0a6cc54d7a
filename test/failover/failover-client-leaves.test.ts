/**
 * The client goes away, at each stage of a request: the call is aborted, nobody else is asked, and it is held against no
 * target.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import { settle } from '../support/virtual-time.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const failureOf = async (promise: Promise<unknown>) => await promise.then(() => 'no failure', (error: unknown) => error)

for (const way of ['complete', 'stream'] as const) {
  t.test(`${way}: before the first attempt`, async t => {
    const time = useVirtualTime(t)
    const fake = new FakeTargets({ a: () => {}, b: call => call.answer() })
    t.match(await failureOf(fake.failover[way](fake.call({ signal: AbortSignal.abort() }))), { status: 499 })
    t.same(fake.journal, ['a: neutral client_closed'])
    t.equal(fake.calls[0]?.call.signal.aborted, true)
    t.equal(time.pending, 0)
  })

  t.test(`${way}: while a target is asked`, async t => {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: () => {}, b: call => call.answer() })
    const asked = failureOf(fake.failover[way](fake.call({ signal: client.signal })))
    await settle()
    client.abort()
    t.match(await asked, { status: 499, code: 'client_closed_request' })
    t.equal(fake.calls.length, 1)
    t.same(fake.journal, ['a: neutral client_closed'])
    t.equal(time.pending, 0)
  })

  t.test(`${way}: while a probe is being claimed`, async t => {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: call => call.answer() })
    const claim = Promise.withResolvers<ReturnType<FakeTargets['permit']>>()
    fake.refusals.set('a', { kind: 'refused', why: 'open', retryAfterMs: 1, claim: claim.promise })
    const asked = failureOf(fake.failover[way](fake.call({ signal: client.signal })))
    client.abort()
    claim.resolve(fake.permit('a'))
    t.match(await asked, { status: 499 })
    t.same(fake.journal, ['a: neutral client_closed'], 'the permit is given back')
    t.equal(time.pending, 0)
  })
}

t.test('between the status and the first output', async t => {
  const client = new AbortController()
  const fake = new FakeTargets({ a: call => { call.stream().offer(roleChunk()) }, b: () => {} })
  const asked = failureOf(fake.failover.stream(fake.call({ signal: client.signal })))
  await settle()
  client.abort()
  t.match(await asked, { status: 499 })
  t.equal(fake.calls.length, 1)
  t.same(fake.journal, ['a: neutral client_closed'])
})

t.test('in the middle of the stream, by its socket or by its reader', async t => {
  for (const leave of ['socket', 'reader'] as const) {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: call => { call.stream().offer(textChunk('a')) } })
    const { answer } = await fake.failover.stream(fake.call({ signal: client.signal }))
    if (leave === 'socket') client.abort()
    else answer.queue.cancel()
    await settle()
    t.equal(fake.calls[0]?.writer.over, true)
    t.same(fake.journal, ['a: success', 'a: neutral client_closed'], leave)
    t.match(fake.records, [{ class: 'neutral', reason: 'client_closed', chunks: 1 }])
    t.equal(time.pending, 0)
  }
})

t.test('after the end it changes nothing', async t => {
  const client = new AbortController()
  const fake = new FakeTargets({ a: call => { call.stream().offer(textChunk('a')) } })
  await fake.failover.stream(fake.call({ signal: client.signal }))
  const writer = fake.calls[0]?.writer
  writer?.offer(finishChunk())
  writer?.end({ terminal: true })
  await settle()
  client.abort()
  writer?.fail(new UpstreamError('reset', 'late'))
  await settle()
  t.same(fake.journal, ['a: success', 'a: success'])
  t.equal(fake.records.length, 1)
})
