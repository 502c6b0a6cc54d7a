/**
 * A stream of another replica, which is gone, goes on here. `a` is who spoke there.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { SentText } from '../../failover/sent-text.ts'
import type { Speaker } from '../../failover/speaker.ts'
import { attemptRecord } from '../support/attempts.ts'
import { asChunk, finishChunk, roleChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { collected } from '../support/collected-stream.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour, FakeOptions } from '../support/fake-provider.ts'
import { chunk } from '../support/scripted-upstream.ts'
import { settle } from '../support/virtual-time.ts'

/** What a client has. */
function sentOf (...chunks: ReadonlyArray<{ readonly json: string }>): SentText {
  const sent = new SentText()
  for (const { json } of chunks) {
    sent.look(json)
    sent.sent()
  }
  return sent
}

const saying = (...texts: readonly string[]): Behaviour => call => {
  const writer = call.stream()
  for (const each of [chunk({ role: 'assistant', content: '' }), ...texts.map(content => chunk({ content })), chunk({}, 'stop')]) writer.offer(asChunk({ ...each, id: `of ${call.target}`, model: call.target }))
  writer.offer(usageChunk())
  writer.end({ terminal: true })
}

async function takenOver (targets: Readonly<Record<string, Behaviour>>, sent: SentText, options: FakeOptions = {}, request = {}) {
  const fake = new FakeTargets(targets, options)
  const { target, answer, usage } = fake.failover.takeOver(fake.call({ route: { midstreamFailover: 'continue' }, request: { messages: [{ role: 'user', content: 'Count' }], ...request } }), { target: 'a', sent })
  const stream = await collected(answer)
  await settle()
  return { fake, target, usage, ...stream }
}

t.test('a target that can goes on from the text, and its chunks are of the answer that was begun', async t => {
  const { fake, text, roles, finishReasons, chunks, error } = await takenOver({ a: saying(', two', ', three') }, sentOf(roleChunk(), textChunk('One')), { continues: { a: 'prefix' } })
  t.equal(error, undefined)
  t.equal(text, ', two, three')
  t.same([roles, finishReasons], [0, ['stop']])
  t.same(new Set(chunks.map(({ id, model }) => `${String(id)} ${String(model)}`)), new Set(['chatcmpl-1 scripted']))
  t.match(fake.calls[0]?.call.continuation, { text: 'One' })
  t.match(fake.rescues, [{ kind: 'rescued', from: 'a', reason: 'replica_lost', to: 'a', how: 'prefix' }])
})

t.test('who spoke is asked first: nothing is held against it', async t => {
  const { fake, text } = await takenOver({ b: saying('One, two, b'), a: saying('One, two, a') }, sentOf(roleChunk(), textChunk('One, two')))
  t.equal(text, ', a')
  t.same(fake.calls.map(({ target }) => target), ['a'])
})

t.test('then the others, as with any stream that breaks', async t => {
  const refusing: Behaviour = call => call.refuse(new UpstreamError('connect', 'x'))
  const { fake, text } = await takenOver({ a: refusing, b: saying('One, two, b') }, sentOf(roleChunk(), textChunk('One, two')))
  t.equal(text, ', b')
  t.same(fake.calls.map(({ target }) => target), ['a', 'b'])
  t.match(fake.records, [{ target: 'a', reason: 'connect' }, { target: 'b', reason: null }])
})

t.test('if nobody can, the error says that the replica was lost', async t => {
  const { text, error, fake } = await takenOver({ a: saying('Something else') }, sentOf(roleChunk(), textChunk('One')))
  t.equal(text, '')
  t.match(error, { reason: 'replica_lost' })
  t.match(fake.rescues, [{ kind: 'failed', from: 'a', reason: 'replica_lost' }])
})

t.test('what is no text is not carried on, and nobody is asked', async t => {
  const call = asChunk(chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'f', arguments: '{' } }] }))
  for (const sent of [sentOf(roleChunk(), call), sentOf(roleChunk())]) {
    const { error, fake } = await takenOver({ a: saying('x') }, sent)
    t.match(error, { reason: 'replica_lost' })
    t.same(fake.calls, [])
  }
})

t.test('its usage has what was said before, by estimate', async t => {
  const { chunks, usage } = await takenOver({ a: saying(', two') }, sentOf(roleChunk(), textChunk('One')), { continues: { a: 'prefix' } }, { stream_options: { include_usage: true } })
  const total = usage()
  t.match(total, { source: 'estimated' })
  t.match(chunks.at(-1), { usage: { total_tokens: total?.totalTokens, completion_tokens: total?.completionTokens } })
  t.ok((total?.totalTokens ?? 0) > 8, 'more than the second attempt alone')
})

t.test('its client leaves, or its time is over, while it is carried on', async t => {
  const never: Behaviour = () => {}
  const fake = new FakeTargets({ a: never })
  const left = new AbortController()
  const { answer } = fake.failover.takeOver(fake.call({ route: { midstreamFailover: 'continue' }, signal: left.signal }), { target: 'a', sent: sentOf(roleChunk(), textChunk('One')) })
  await settle()
  t.equal(fake.calls.length, 1)
  left.abort()
  t.match(await collected(answer), { text: '' })
  await settle()
  t.match(fake.records, [{ reason: 'client_closed' }])
  const late = new FakeTargets({ a: never })
  const taken = late.failover.takeOver(late.call({ route: { midstreamFailover: 'continue', requestTimeoutMs: 1 } }), { target: 'a', sent: sentOf(roleChunk(), textChunk('One')) })
  t.match((await collected(taken.answer)).error, { name: 'UpstreamError' })
  t.match(late.records, [{ reason: 'deadline' }])
})

t.test('attempts are counted on, and who goes on is told of with what was sent before it', async t => {
  const fake = new FakeTargets({ a: saying(', two') }, { continues: { a: 'prefix' } })
  const speakers: Speaker[] = []
  const { answer } = fake.failover.takeOver(fake.call({ route: { midstreamFailover: 'continue' }, attemptsBefore: 2, onSpeaker: speaker => speakers.push(speaker) }), { target: 'a', sent: sentOf(roleChunk(), textChunk('One')) })
  await collected(answer)
  await settle()
  t.match(fake.records, [{ attemptNo: 3, class: 'success' }])
  t.match(speakers, [{ id: fake.records[0]?.id, target: 'a', provider: 'fake', number: 3, after: 2 }])
  t.equal(speakers.length, 1)
})

t.test('an attempt that was lost elsewhere is recorded here, and no breaker hears of it', t => {
  const fake = new FakeTargets({ a: saying('x') })
  fake.failover.recordLost(attemptRecord({ class: 'neutral', reason: 'replica_lost' }))
  t.match(fake.records, [{ reason: 'replica_lost' }])
  t.same(fake.journal, [])
  t.end()
})

t.test('that it had finished is seen', t => {
  t.equal(sentOf(roleChunk(), textChunk('One')).finished, false)
  t.equal(sentOf(roleChunk(), textChunk('One'), finishChunk()).finished, true)
  t.end()
})
