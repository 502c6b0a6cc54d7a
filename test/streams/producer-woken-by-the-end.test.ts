/**
 * Ending a stream wakes the producer that waits for room. Its offer in that very moment is declined as any late one is:
 * it used to throw, which the pump took for a malformed answer, and reported that in place of what had happened.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { finishChunk, textChunk } from '../support/chunks.ts'

/** A writer with a full queue, whose producer waits to offer one more. */
function waiting (...first: ReadonlyArray<ReturnType<typeof textChunk>>): { writer: CompletionWriter, offers: unknown[] } {
  const writer = new CompletionWriter({ capacity: first.length })
  const offers: unknown[] = []
  for (const chunk of first) writer.offer(chunk)
  const more = textChunk('more')
  writer.queue.whenFits(more.json, () => {
    try {
      offers.push(writer.offer(more))
    } catch (error) {
      offers.push(error)
    }
  })
  return { writer, offers }
}

t.test('by a failure', async t => {
  const { writer, offers } = waiting(textChunk('a'))
  const error = new UpstreamError('stalled', 'silent')
  writer.fail(error)
  t.same(offers, ['cancelled'])
  t.same(await writer.ended, { kind: 'failed', error })
})

t.test('by a break after the finish reason', async t => {
  const { writer, offers } = waiting(textChunk('a'), finishChunk())
  writer.broken(new UpstreamError('reset', 'broke'))
  t.same(offers, ['cancelled'])
  t.same(await writer.ended, { kind: 'complete' })
})

t.test('by the consumer', async t => {
  const { writer, offers } = waiting(textChunk('a'))
  writer.queue.cancel()
  t.same(offers, ['cancelled'])
  t.same(await writer.ended, { kind: 'cancelled' })
})
