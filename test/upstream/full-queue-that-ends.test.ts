/**
 * Guards against a pump that waits for room in a queue which has ended meanwhile: it asked again and again, until the stack was
 * full.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { chunkPump } from '../../providers/chat-completions/chunk-reader.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { textChunk } from '../support/chunks.ts'
import { settle } from '../support/virtual-time.ts'

const LARGE = textChunk('.'.repeat(64 * 1024)).json

/** How the queue is full: by what is queued, or by what was taken and has not gone yet. */
const FULL = {
  queued: () => {},
  taken: ({ queue }: CompletionWriter) => {
    queue.drain()
    queue.hold(true)
  }
}

const ENDS = {
  'its client leaves': ({ queue }: CompletionWriter) => queue.cancel(),
  'its time is over': (writer: CompletionWriter) => writer.fail(new UpstreamError('deadline', 'too late'))
}

for (const [how, fill] of Object.entries(FULL)) {
  for (const [what, end] of Object.entries(ENDS)) {
    t.test(`full of what is ${how}, and ${what}`, async t => {
      const writer = new CompletionWriter({ maxBytes: 64 * 1024 })
      let runs = 0
      const { queue } = writer
      const cork = queue.cork.bind(queue)
      queue.cork = () => {
        runs++
        cork()
      }
      const pump = chunkPump(writer, { pause: () => {}, resume: () => {}, abandon: () => {}, release: () => {} }, [])
      pump.data(Buffer.from(`data: ${LARGE}\n\n`))
      await settle()
      fill(writer)
      pump.data(Buffer.from('data: {'))
      await settle()
      t.ok(queue.full)
      const before = runs
      end(writer)
      await settle()
      t.ok(runs - before <= 1, `it looked ${runs - before} times`)
    })
  }
}
