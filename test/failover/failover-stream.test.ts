import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, roleChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import { settle } from '../support/virtual-time.ts'

/** Accepts, says its role, and fails before real output. */
const failingBeforeOutput: Behaviour = call => {
  const writer = call.stream()
  writer.offer(roleChunk())
  writer.fail(new UpstreamError('truncated', 'cut'))
}

const answering: Behaviour = call => {
  const writer = call.stream()
  for (const chunk of [roleChunk(), textChunk(call.target), finishChunk(), usageChunk()]) writer.offer(chunk)
  writer.end({ terminal: true })
}

const failureOf = async (promise: Promise<unknown>) => await promise.then(() => 'no failure', (error: unknown) => error)

t.test('before output a failure is invisible: only the answering target\'s chunks arrive', async t => {
  const fake = new FakeTargets({
    a: call => call.refuse(new UpstreamError('upstream_error', 'x', { status: 500 })),
    b: failingBeforeOutput,
    c: call => { call.stream().end({ terminal: true }) },
    d: answering
  })
  const { target, answer } = await fake.failover.stream(fake.call())
  t.equal(target, 'd')
  const chunks: string[] = []
  for await (const json of answer.queue) chunks.push(json)
  t.same(chunks, [roleChunk(), textChunk('d'), finishChunk()].map(({ json }) => json))
  await settle()
  t.same(fake.journal, ['a: failure upstream_error 500', 'b: failure truncated', 'c: failure empty', 'd: success', 'd: success'])
  t.match(fake.records.map(({ target, attemptNo, reason }) => [target, attemptNo, reason]), [['a', 1, 'upstream_error'], ['b', 2, 'truncated'], ['c', 3, 'empty'], ['d', 4, null]])
  t.match(fake.records[3], { stream: true, chunks: 3, totalTokens: 8, finishReason: 'stop', usageSource: 'reported' })
})

t.test('the stream is there at its first real output, and not before', async t => {
  const fake = new FakeTargets({ a: call => { call.stream().offer(roleChunk()) } })
  let begun = false
  const streaming = fake.failover.stream(fake.call()).then(({ answer }) => {
    begun = true
    return answer
  })
  await settle()
  t.equal(begun, false)
  t.same(fake.journal, [])
  fake.calls[0]?.writer.offer(textChunk('a'))
  const answer = await streaming
  t.same(fake.journal, ['a: success'], 'scored when output begins')
  t.same(fake.records, [], 'recorded when the stream ends')
  answer.queue.cancel()
})

t.test('after output there is no failover: the consumer gets the error after what came', async t => {
  const fake = new FakeTargets({ a: call => { call.stream().offer(textChunk('a')) }, b: answering })
  const { target, answer } = await fake.failover.stream(fake.call())
  fake.calls[0]?.writer.fail(new UpstreamError('reset', 'broke', { status: 200 }))
  t.equal(target, 'a')
  t.match(await answer.queue.next(), { value: textChunk('a').json })
  t.match(await failureOf(answer.queue.next()), { reason: 'reset' })
  await settle()
  t.equal(fake.calls.length, 1)
  t.same(fake.journal, ['a: success', 'a: failure reset 200'])
  t.match(fake.records, [{ target: 'a', class: 'failure', reason: 'reset', chunks: 1 }])
})

t.test('what is final before output ends the walk', async t => {
  const fake = new FakeTargets({ a: call => call.stream().fail(new UpstreamError('content_filter', 'x')), b: answering })
  t.match(await failureOf(fake.failover.stream(fake.call())), { status: 400, code: 'content_filter' })
  t.equal(fake.calls.length, 1)
  t.same(fake.journal, ['a: neutral content_filter'])
})

t.test('a target that is given up before output is told so, and nothing of it is left in its queue', async t => {
  const fake = new FakeTargets({ a: failingBeforeOutput, b: answering })
  await fake.failover.stream(fake.call())
  t.equal(fake.calls[0]?.writer.queue.state.kind, 'cancelled')
  t.equal(fake.calls[0]?.writer.queue.size, 0)
})

t.test('usage of a stream that broke is partial', async t => {
  const fake = new FakeTargets({ a: call => { call.stream().offer(textChunk('a')) } })
  await fake.failover.stream(fake.call())
  fake.calls[0]?.writer.offer(usageChunk())
  fake.calls[0]?.writer.fail(new UpstreamError('reset', 'broke'))
  await settle()
  t.match(fake.records, [{ totalTokens: 8, usageSource: 'partial', finishReason: null }])
})

t.test('the queue has the configured number of slots', async t => {
  const fake = new FakeTargets({ a: answering }, { queueCapacity: 7 })
  const { answer } = await fake.failover.stream(fake.call())
  t.equal(answer.queue.capacity, 7)
})
