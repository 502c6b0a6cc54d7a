/**
 * Any text, any cut of what each attempt says into chunks, any point of failure, any consumer: what the client gets is the whole
 * text, once and in order, or the beginning of it that was sent and then the first error.
 */
import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { Continues } from '../../providers/provider.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Chunk, CompletionStream, CompletionWriter } from '../../streams/completion-stream.ts'
import { asChunk } from '../support/chunks.ts'
import { accumulated } from '../support/collected-stream.ts'
import type { CollectedStream } from '../support/collected-stream.ts'
import { objectOf } from '../support/chat-client.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import { chunk } from '../support/scripted-upstream.ts'
import { settle } from '../support/virtual-time.ts'

/** How one attempt speaks. */
interface Speech {
  /** Where its chunks end: as fractions of what it says. */
  readonly cuts: readonly number[]
  /** After how much of it, as a fraction, it breaks; undefined: it does not. */
  readonly breaksAt: number | undefined
  /** Empty deltas between. */
  readonly pauses: boolean
  /** Whether the last piece comes in the chunk that has the finish reason. */
  readonly endsTogether: boolean
  /** Whether what follows comes in one turn. */
  readonly atOnce: boolean
  readonly continues: Continues
  /** Says something else from here on, as a fraction of what the first one sent. */
  readonly divergesAt: number | undefined
}

const fraction = fc.integer({ min: 0, max: 100 }).map(n => n / 100)
const speech: fc.Arbitrary<Speech> = fc.record({
  cuts: fc.array(fraction, { maxLength: 12 }),
  breaksAt: fc.oneof(fraction, fc.constant(undefined)),
  pauses: fc.boolean(),
  endsTogether: fc.boolean(),
  atOnce: fc.boolean(),
  continues: fc.constantFrom('none', 'prefix', 'prefix_echoed'),
  divergesAt: fc.oneof({ weight: 1, arbitrary: fraction }, { weight: 4, arbitrary: fc.constant(undefined) })
})
/** Quotes, escapes, blanks, what is beyond the BMP, and half of that. */
const text = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '"', '\\', 'é', '漢', '😀', '\u2028', '</'), maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({ unit: fc.constantFrom('\ud83d', '\ude00', 'x', ' '), maxLength: 20 })
).filter(text => text !== '' && !text.includes('\u0007'))

interface Consumer {
  readonly capacity: number
  /** Takes so many at a time, then lets the others go on. */
  readonly takes: number
}

/** What a target says of the text when it is asked, chunk by chunk. */
function chunksOf (said: string, { cuts, pauses, endsTogether }: Speech, own: JsonObject): Chunk[] {
  const ends = [...new Set(cuts.map(cut => Math.round(cut * said.length)))].filter(end => end > 0 && end < said.length).sort((a, b) => a - b)
  const pieces = [0, ...ends].map((from, i) => said.slice(from, ends[i] ?? said.length))
  const chunks = [chunk({ role: 'assistant', content: '' })]
  pieces.forEach((content, i) => {
    if (pauses) chunks.push(chunk({ content: '' }), chunk({}))
    chunks.push(chunk({ content }, endsTogether && i === pieces.length - 1 ? 'stop' : null))
  })
  if (!endsTogether) chunks.push(chunk({}, 'stop'))
  return chunks.map(each => asChunk({ ...each, ...own }))
}

async function speak (writer: CompletionWriter, chunks: readonly Chunk[], stopAt: number, atOnce: boolean): Promise<void> {
  if (atOnce) writer.queue.cork()
  try {
    for (const each of chunks.slice(0, stopAt)) {
      if (writer.over) return
      if (atOnce) {
        if (writer.offer(each) !== 'full') continue
        writer.queue.uncork()
      } else await settle()
      await writer.put(each)
    }
    if (stopAt < chunks.length) writer.fail(new UpstreamError('reset', 'broke'))
    else writer.end({ terminal: true })
  } catch {
    // the consumer has left, as it does where what it hears is something else
  } finally {
    writer.queue.uncork()
  }
}

async function taken (stream: CompletionStream, { takes }: Consumer): Promise<CollectedStream> {
  const chunks: JsonObject[] = []
  let error: unknown
  try {
    for (let n = 1; ; n++) {
      const { done, value } = await stream.queue.next()
      if (done === true) break
      chunks.push(objectOf(value))
      if (n % takes === 0) await settle()
    }
  } catch (thrown) {
    error = thrown
  }
  return { ...accumulated(chunks), chunks, error }
}

t.test('the whole text once, or its beginning and the first error', async t => {
  let rescued = 0
  let failed = 0
  await fc.assert(fc.asyncProperty(text, fc.array(speech, { minLength: 1, maxLength: 5 }), fc.record({ capacity: fc.integer({ min: 1, max: 6 }), takes: fc.integer({ min: 1, max: 5 }) }), async (text, speeches, consumer) => {
    const [first, ...others] = speeches
    if (first === undefined) return
    let calls = 0
    /** What the first to answer has sent. */
    let begun = ''
    /** The n-th call is answered by the n-th speech, whoever is asked; beyond the last one all fail. */
    const behaviour: Behaviour = call => {
      const how = speeches[calls++]
      if (how === undefined) return call.refuse(new UpstreamError('connect', 'x'))
      const { continuation } = call.call
      const whole = continuation === undefined || continuesOf(call.target) === 'prefix_echoed' ? text : text.slice(continuation.text.length)
      if (continuation !== undefined && !text.startsWith(continuation.text)) throw new Error('it was given another beginning')
      const diverges = how.divergesAt !== undefined && begun !== '' && whole === text
      const said = diverges ? `${whole.slice(0, Math.floor((how.divergesAt ?? 0) * 0.999 * begun.length))}\u0007` : whole
      const chunks = chunksOf(said, how, calls === 1 ? {} : { id: 'another', model: call.target })
      const stopAt = how.breaksAt === undefined ? chunks.length : Math.floor(how.breaksAt * chunks.length)
      if (begun === '') begun = accumulated(chunks.slice(0, stopAt).map(({ json }) => objectOf(json))).text
      void speak(call.stream(), chunks, stopAt, how.atOnce)
    }
    const continuesOf = (target: string): Continues => (target === 'a' ? first : others[0] ?? first).continues
    const fake = new FakeTargets({ a: behaviour, b: behaviour }, { queueCapacity: consumer.capacity, continues: { a: continuesOf('a'), b: continuesOf('b') } })
    let answer
    try {
      answer = await fake.failover.stream(fake.call({ route: { midstreamFailover: 'continue' } }))
    } catch {
      return // nobody began to answer
    }
    const got = await taken(answer.answer, consumer)
    await settle()
    if (!text.startsWith(got.text)) throw new Error(`not the text: ${JSON.stringify(got.text)}`)
    if (got.error === undefined) {
      if (got.text !== text) throw new Error(`not all of it: ${JSON.stringify(got.text)}`)
      if (got.finishReasons.length !== 1) throw new Error('one end')
    } else if (!(got.error instanceof UpstreamError) || got.error.reason !== 'reset') throw new Error('not the first error', { cause: got.error })
    if (got.roles !== 1) throw new Error('one role')
    if (got.chunks.some(({ id, model }) => id !== got.chunks[0]?.['id'] || model !== got.chunks[0]?.['model'])) throw new Error('two answers')
    if (fake.records.length !== fake.calls.length) throw new Error('an attempt without its record')
    if (fake.defects.length > 0) throw new Error('a defect', { cause: fake.defects[0] })
    rescued += fake.rescues.filter(({ kind }) => kind === 'rescued').length
    failed += fake.rescues.filter(({ kind }) => kind === 'failed').length
  }), { numRuns: 1000 })
  t.ok(rescued > 100, `of them ${rescued} rescued`)
  t.ok(failed > 50, `and ${failed} not`)
})
