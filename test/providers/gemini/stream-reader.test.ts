import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { ChunkTranslator } from '../../../providers/gemini/chunk-translator.ts'
import { StreamReader } from '../../../providers/gemini/stream-reader.ts'
import { CompletionWriter } from '../../../streams/completion-stream.ts'
import { ReaderPump } from '../../../upstream/event-pump.ts'

const event = (text: string, fields: Record<string, unknown> = {}) => ({ candidates: [{ content: { role: 'model', parts: [{ text }] }, index: 0, ...fields }], responseId: 'r', modelVersion: 'm' })
const EVENTS = [
  event('Größe: "', { groundingMetadata: {} }), event('二十 \u2028 🌊'), event('], {'), event('\\'),
  { ...event('.', { finishReason: 'STOP', citationMetadata: { citationSources: [{ uri: 'https://a.example', startIndex: 3, endIndex: 7 }] } }), usageMetadata: { promptTokenCount: 1, totalTokenCount: 9 } }
]
/** As Google writes it, over several lines. */
const ARRAY = `[${EVENTS.map(event => JSON.stringify(event, null, 2)).join(',\r\n')}\n]\n`
const SSE = EVENTS.map(event => `data: ${JSON.stringify(event)}\r\n\r\n`).join('')

/** The way of a body through reader, pump and queue. */
async function pumped (pieces: readonly Uint8Array[]): Promise<{ chunks: string[], error: string | undefined }> {
  const writer = new CompletionWriter({ includeUsage: true })
  const { translate, flush } = new ChunkTranslator({ model: 'm', created: 1, secrets: [] })
  const reader = new StreamReader()
  const pump = new ReaderPump(writer, reader, translate, { pause () {}, resume () {}, abandon () {}, release () {} }, reader.flushing(flush))
  for (const piece of pieces) pump.data(Buffer.from(piece))
  pump.end()
  const chunks: string[] = []
  try {
    for await (const chunk of writer.queue) chunks.push(chunk)
    return { chunks, error: undefined }
  } catch (error) {
    if (error instanceof UpstreamError) return { chunks, error: error.reason }
    throw error
  }
}

const whole = (body: string) => pumped([Buffer.from(body)])

t.test('an array is as good as Server-Sent Events', async t => {
  const { chunks, error } = await whole(ARRAY)
  t.equal(error, undefined)
  t.equal(chunks.length, EVENTS.length + 3, 'the sources, the finish reason and the usage come last')
  t.match(JSON.parse(chunks[5] ?? ''), { choices: [{ delta: { annotations: [{ url_citation: { start_index: 2, end_index: 5 } }] }, finish_reason: null }] })
  t.strictSame(await whole(SSE), { chunks, error })
})

for (const [name, body] of [['an array', ARRAY], ['Server-Sent Events', SSE], ['either, after empty lines', `\ufeff\r\n\n ${ARRAY}`]] as const) {
  t.test(`${name}: any cutting gives the same chunks`, async t => {
    const bytes = Buffer.from(body)
    const expected = await whole(body)
    t.equal(expected.error, undefined)
    for (let at = 0; at <= bytes.length; at++) {
      const { chunks, error } = await pumped([bytes.subarray(0, at), bytes.subarray(at)])
      if (error !== undefined || chunks.join() !== expected.chunks.join()) t.fail(`split at ${at}`)
    }
    await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.nat(bytes.length), { maxLength: 40 }), async cuts => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), bytes.length]
      t.strictSame(await pumped(at.slice(1).map((end, i) => bytes.subarray(at[i], end))), expected)
    }), { numRuns: 60 })
    t.strictSame(await pumped(Array.from(bytes, byte => Uint8Array.of(byte))), expected)
  })
}

t.test('a whole answer in place of a stream', async t => {
  t.strictSame(await whole(JSON.stringify(event('Hello', { finishReason: 'STOP' }))), await whole(`[${JSON.stringify(event('Hello', { finishReason: 'STOP' }))}]`))
})

t.test('an error with a good status', async t => {
  const error = { error: { code: 429, status: 'RESOURCE_EXHAUSTED' } }
  t.match(await whole(JSON.stringify([error])), { chunks: [], error: 'rate_limited' })
  t.match(await whole(JSON.stringify(error)), { chunks: [], error: 'rate_limited' })
  t.match(await whole(JSON.stringify([event('a'), error])), { chunks: { length: 1 }, error: 'rate_limited' })
})

t.test('an array that is not closed is cut off, even behind a finish reason', async t => {
  const body = ARRAY.trimEnd()
  t.match(await whole(body.slice(0, -1)), { chunks: { length: EVENTS.length }, error: 'truncated' })
  t.match(await whole(body.slice(0, -5)), { chunks: { length: EVENTS.length - 1 }, error: 'truncated' })
  t.match(await whole('['), { chunks: [], error: 'truncated' })
  t.match(await whole('[]'), { chunks: [], error: 'empty' })
  t.match(await whole(''), { chunks: [], error: 'empty' })
})

t.test('what follows an array makes it none', async t => {
  t.match(await whole(`${ARRAY}x`), { error: 'malformed' })
  t.match(await whole(`${ARRAY}[]`), { error: 'malformed' })
  t.match(await whole('[{"candidates":x}]'), { chunks: [], error: 'malformed' })
})

t.test('an image fits into an event; more than an image does not', async t => {
  const image = (length: number) => ({ candidates: [{ content: { parts: [{ inlineData: { mimeType: 'image/png', data: 'a'.repeat(length) } }] }, finishReason: 'STOP' }] })
  for (const write of [(event: unknown) => JSON.stringify([event]), (event: unknown) => `data: ${JSON.stringify(event)}\n\n`]) {
    t.match(await whole(write(image(16 * 1024 * 1024))), { chunks: { length: 2 }, error: undefined })
    const tooLong = Buffer.from(write(image(25 * 1024 * 1024)))
    t.match(await pumped([tooLong.subarray(0, -20), tooLong.subarray(-20)]), { chunks: [], error: 'malformed' })
  }
})
