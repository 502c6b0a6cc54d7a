/**
 * What comes before the first output is held back in the queue, which nobody reads until the stream has started. A queue
 * that is full of it must not keep the output out: the stream would never start.
 */
import t from 'tap'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { Chunk, CompletionStreamOptions } from '../../streams/completion-stream.ts'
import { asChunk, finishChunk, roleChunk, textChunk } from '../support/chunks.ts'

const filtered = asChunk({ choices: [], prompt_filter_results: [{ prompt_index: 0 }] })
const answer = textChunk('a'.repeat(1000))

const CASES: ReadonlyArray<readonly [string, CompletionStreamOptions, readonly Chunk[]]> = [
  ['one slot, and a role before the output', { capacity: 1 }, [roleChunk()]],
  ['two slots, and Azure\'s filter results and a role', { capacity: 2 }, [filtered, roleChunk()]],
  ['a hundred empty deltas', {}, Array<Chunk>(100).fill(textChunk(''))],
  ['more empty deltas than there are slots', { capacity: 3 }, Array<Chunk>(10).fill(textChunk(''))],
  ['an output larger than the bytes left', { maxBytes: 1500 }, [roleChunk()]]
]

/** The consumer waits for the start, and then reads everything. */
async function read (writer: CompletionWriter): Promise<string[]> {
  await writer.started
  const chunks: string[] = []
  for await (const json of writer.queue) chunks.push(json)
  return chunks
}

for (const [name, options, before] of CASES) {
  const all = [...before, answer, finishChunk()]

  t.test(`${name}: by put`, async t => {
    const writer = new CompletionWriter(options)
    const reading = read(writer)
    for (const chunk of all) await writer.put(chunk)
    writer.end({ terminal: true })
    t.same(await reading, all.map(({ json }) => json))
    t.equal(writer.report.chunks, all.length)
  })

  t.test(`${name}: by offer`, async t => {
    const writer = new CompletionWriter(options)
    const reading = read(writer)
    const rest = [...all]
    const produce = () => {
      for (let chunk = rest[0]; chunk !== undefined; chunk = rest[0]) {
        if (writer.offer(chunk) === 'full') return writer.queue.whenFits(chunk.json, produce)
        rest.shift()
      }
      writer.end({ terminal: true })
    }
    produce()
    t.same(await reading, all.map(({ json }) => json))
    t.equal(writer.report.chunks, all.length)
  })
}
