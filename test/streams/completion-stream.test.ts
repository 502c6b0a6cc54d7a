import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { asChunk, choiceChunk, finishChunk, roleChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { settle } from '../support/virtual-time.ts'

/** How a promise stands. */
async function stateOf (promise: Promise<unknown>): Promise<string> {
  let state = 'pending'
  promise.then(() => { state = 'resolved' }, () => { state = 'rejected' })
  await settle()
  return state
}

function written (chunks: readonly Chunk[], options: ConstructorParameters<typeof CompletionWriter>[0] = {}): CompletionWriter {
  const writer = new CompletionWriter(options)
  for (const chunk of chunks) writer.offer(chunk)
  return writer
}

const jsonOf = (chunks: readonly Chunk[]) => chunks.map(({ json }) => json)

t.test('it has started at the first real output, not at roles and empty deltas', async t => {
  const writer = written([roleChunk(), textChunk(''), asChunk({ choices: [], prompt_filter_results: [] })])
  t.equal(await stateOf(writer.started), 'pending')
  t.equal(writer.report.firstOutputAt, undefined)
  writer.offer(textChunk('a'))
  t.equal(await stateOf(writer.started), 'resolved')
  t.type(writer.report.firstOutputAt, 'number')
  t.equal(writer.report.chunks, 4)
})

t.test('a put starts it as an offer does', async t => {
  const writer = new CompletionWriter()
  await writer.put(roleChunk())
  t.equal(await stateOf(writer.started), 'pending')
  await writer.put(textChunk('a'))
  t.equal(await stateOf(writer.started), 'resolved')
})

t.test('a failure before output rejects the start, and nobody has to listen', async t => {
  const writer = written([roleChunk()])
  const error = new UpstreamError('reset', 'broke')
  writer.fail(error)
  await settle() // an unhandled rejection would end the process
  await t.rejects(writer.started, { message: 'broke' })
  t.same(await writer.ended, { kind: 'failed', error })
  t.equal(writer.over, true)
})

t.test('a failure after output leaves the start alone and comes after the text', async t => {
  const writer = written([textChunk('a')])
  writer.fail(new UpstreamError('reset', 'broke'))
  await writer.started
  t.same(writer.queue.drain(), jsonOf([textChunk('a')]))
  await t.rejects(writer.queue.next(), { message: 'broke' })
})

t.test('complete: by the terminal event, or by a finish reason', async t => {
  for (const [name, chunks, terminal] of [
    ['[DONE] after a finish reason', [textChunk('a'), finishChunk()], true],
    ['[DONE] without a finish reason', [textChunk('a')], true],
    ['a finish reason without [DONE]', [textChunk('a'), finishChunk()], false],
    ['a finish reason with the last text', [choiceChunk(0, 'a', 'stop')], false],
    ['a finish reason alone', [roleChunk(), finishChunk('content_filter')], true],
    ['a finish reason alone, without [DONE]', [finishChunk('length')], false]
  ] as const) {
    const writer = written(chunks)
    writer.end({ terminal })
    t.same(await writer.ended, { kind: 'complete' }, name)
    t.equal(await stateOf(writer.started), 'resolved', name)
    t.equal(writer.queue.state.kind, 'closed', name)
  }
})

t.test('not complete: nothing generated, or a choice without its finish reason', async t => {
  for (const [name, chunks, terminal, reason] of [
    ['nothing at all', [], true, 'empty'],
    ['nothing but a role', [roleChunk()], true, 'empty'],
    ['nothing but usage', [usageChunk()], true, 'empty'],
    ['nothing, without [DONE]', [roleChunk()], false, 'empty'],
    ['text, and then the end', [textChunk('a')], false, 'truncated'],
    ['one of two choices unfinished', [choiceChunk(0, 'a', 'stop'), choiceChunk(1, 'b')], false, 'truncated'],
    ['the other of two unfinished', [choiceChunk(0, 'a'), choiceChunk(1, 'b', 'stop')], false, 'truncated']
  ] as const) {
    const writer = written(chunks)
    writer.end({ terminal })
    t.match(await writer.ended, { kind: 'failed', error: { reason } }, name)
    t.equal(writer.queue.state.kind, 'failed', name)
  }
})

t.test('as many choices as were asked for have to finish', async t => {
  const both = written([choiceChunk(0, 'a', 'stop'), choiceChunk(1, 'b', 'length')], { choices: 2 })
  both.end({ terminal: false })
  t.match(await both.ended, { kind: 'complete' })
  const one = written([choiceChunk(0, 'a', 'stop')], { choices: 2 })
  one.end({ terminal: false })
  t.match(await one.ended, { kind: 'failed', error: { reason: 'truncated' } })
})

t.test('a choice that goes on after its finish reason (an annotation) stays finished', async t => {
  const writer = written([choiceChunk(0, 'a', 'stop'), choiceChunk(0, '')])
  writer.end({ terminal: false })
  t.match(await writer.ended, { kind: 'complete' })
})

t.test('a connection that breaks after the finish reason has broken nothing', async t => {
  const done = written([textChunk('a'), finishChunk()])
  done.broken(new UpstreamError('reset', 'broke'))
  t.same(await done.ended, { kind: 'complete' })
  for (const chunks of [[], [textChunk('a')], [choiceChunk(0, 'a', 'stop'), choiceChunk(1, 'b')]]) {
    const writer = written(chunks)
    writer.broken(new UpstreamError('reset', 'broke'))
    t.match(await writer.ended, { kind: 'failed', error: { message: 'broke' } })
  }
  const expected = written([choiceChunk(0, 'a', 'stop')], { choices: 2 })
  expected.broken(new UpstreamError('reset', 'broke'))
  t.match(await expected.ended, { kind: 'failed' })
})

t.test('what comes after the end is ignored, whoever says it', async t => {
  const writer = written([textChunk('a'), finishChunk()])
  writer.end({ terminal: true })
  t.equal(writer.offer(textChunk('b')), 'cancelled')
  writer.end({ terminal: false })
  writer.fail(new Error('late'))
  writer.broken(new Error('late'))
  t.same(await writer.ended, { kind: 'complete' })
  t.same(writer.queue.drain(), jsonOf([textChunk('a'), finishChunk()]))
  t.equal(writer.report.chunks, 2)
})

t.test('the consumer leaves: ended, signal aborted, started, nothing taken any more', async t => {
  const writer = written([roleChunk()])
  writer.queue.cancel()
  t.same(await writer.ended, { kind: 'cancelled' })
  t.equal(writer.queue.signal.aborted, true)
  t.equal(writer.over, true)
  t.equal(writer.offer(textChunk('a')), 'cancelled')
  await t.rejects(writer.put(textChunk('a')), { code: 'QUEUE_CANCELLED' })
  t.equal(await stateOf(writer.started), 'resolved', 'nobody is left waiting')
})

t.test('the report has the times, the counts and the last usage', async t => {
  const writer = written([roleChunk(), textChunk('a'), textChunk('b'), finishChunk('length'), usageChunk({ usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })])
  writer.end({ terminal: true })
  t.match(writer.report, { chunks: 4, finishReason: 'length', usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })
  const { firstOutputAt = 0, lastOutputAt = 0 } = writer.report
  t.ok(firstOutputAt > 0 && lastOutputAt >= firstOutputAt)
})

t.test('usage beside choices is known and passed on', async t => {
  const both = asChunk({ choices: [{ index: 0, delta: { content: 'a' }, finish_reason: 'stop' }], usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } })
  const writer = written([both])
  t.equal(writer.report.usage?.total_tokens, 2)
  t.same(writer.queue.drain(), jsonOf([both]))
})
