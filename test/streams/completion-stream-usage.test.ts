/**
 * The usage chunk: once, last, and only for who asked for it.
 */
import t from 'tap'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { finishChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { settle } from '../support/virtual-time.ts'

const early = usageChunk({ usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 } })
const last = usageChunk()

t.test('who did not ask for it does not get it, and the report has it all the same', async t => {
  const writer = new CompletionWriter()
  for (const chunk of [textChunk('a'), finishChunk(), last]) t.equal(writer.offer(chunk), 'accepted')
  writer.end({ terminal: true })
  t.same(await writer.ended, { kind: 'complete' })
  t.same(writer.queue.drain(), [textChunk('a').json, finishChunk().json])
  t.equal(writer.report.usage?.total_tokens, 8)
  t.equal(writer.report.chunks, 2)
})

t.test('who asked gets the last one, once, after everything else, however many came and when', async t => {
  const writer = new CompletionWriter({ includeUsage: true })
  for (const chunk of [early, textChunk('a'), early, finishChunk(), last]) writer.offer(chunk)
  await writer.put(last)
  writer.end({ terminal: true })
  t.same(await writer.ended, { kind: 'complete' })
  t.same(writer.queue.drain(), [textChunk('a').json, finishChunk().json, last.json])
  t.equal(writer.report.chunks, 3)
  t.equal(writer.queue.exhausted, true)
})

t.test('where the upstream sent none, there is none', async t => {
  const writer = new CompletionWriter({ includeUsage: true })
  for (const chunk of [textChunk('a'), finishChunk()]) writer.offer(chunk)
  writer.end({ terminal: true })
  t.same(await writer.ended, { kind: 'complete' })
  t.same(writer.queue.drain(), [textChunk('a').json, finishChunk().json])
})

t.test('a truncated answer has none', async t => {
  const writer = new CompletionWriter({ includeUsage: true })
  for (const chunk of [textChunk('a'), last]) writer.offer(chunk)
  writer.end({ terminal: false })
  t.match(await writer.ended, { kind: 'failed', error: { reason: 'truncated' } })
  t.same(writer.queue.drain(), [textChunk('a').json])
})

t.test('it waits while the queue is full, and the stream ends when it is in', async t => {
  const writer = new CompletionWriter({ includeUsage: true, capacity: 2 })
  for (const chunk of [textChunk('a'), finishChunk(), last]) t.equal(writer.offer(chunk), 'accepted')
  writer.end({ terminal: true })
  let ended = false
  void writer.ended.then(() => { ended = true })
  await settle()
  t.equal(ended, false)
  t.equal(writer.over, true)
  t.equal(writer.offer(textChunk('late')), 'cancelled')
  t.equal(writer.queue.poll(), textChunk('a').json)
  await settle()
  t.equal(ended, true)
  t.same(await writer.ended, { kind: 'complete' })
  t.same(writer.queue.drain(), [finishChunk().json, last.json])
})

t.test('the consumer leaves while it waits: cancelled, with nothing left unhandled', async t => {
  const writer = new CompletionWriter({ includeUsage: true, capacity: 1 })
  writer.offer(textChunk('a'))
  writer.offer(last)
  writer.end({ terminal: true })
  writer.queue.cancel()
  await settle() // an unhandled rejection would fail this file
  t.same(await writer.ended, { kind: 'cancelled' })
})
