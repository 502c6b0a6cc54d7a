import t from 'tap'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { choiceChunk } from '../support/chunks.ts'

t.test('the reported finish reason is the first choice\'s, in whatever order the choices finish', async t => {
  for (const order of [[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]]) {
    const writer = new CompletionWriter({ choices: 3 })
    for (const index of order) writer.offer(choiceChunk(index, 'x', `reason of ${index}`))
    t.equal(writer.report.finishReason, 'reason of 0', order.join())
  }
})

t.test('the first one that a choice gives stays: Azure\'s asynchronous filter may add another', async t => {
  const writer = new CompletionWriter()
  writer.offer(choiceChunk(0, 'x', 'stop'))
  writer.offer(choiceChunk(0, '', 'content_filter'))
  t.equal(writer.report.finishReason, 'stop')
})
