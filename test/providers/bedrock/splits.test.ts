/** What comes of a stream does not depend on how its bytes are cut, whatever stands in it. */
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { converseEvent, textJsonIn } from '../../../providers/bedrock/converse-event.ts'
import { EventStreamError, EventStreamReader } from '../../../providers/bedrock/event-stream-reader.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import { START, STOP, USAGE, event, exception, frame, frameOf, text } from './event-stream-server.ts'

/** The chunks of a stream, and the reason why it failed. */
function outcome (pieces: readonly Buffer[]): string[] {
  const reader = new EventStreamReader()
  const translator = new StreamTranslator({ id: 'a', created: 1, model: 'm' }, { citations: true })
  const chunks: string[] = []
  try {
    for (const piece of pieces) {
      reader.push(piece)
      for (let message = reader.next(); message !== undefined; message = reader.next()) {
        const json = textJsonIn(message)
        chunks.push(...[json === undefined ? translator.translate(converseEvent(message)) : translator.translateText(json)].flat().map(chunk => chunk.json))
      }
    }
  } catch (error) {
    // A TypeError is one of a payload that is JSON, but of another shape: the provider's doing too.
    if (error instanceof UpstreamError) return [...chunks, error.reason]
    if (error instanceof EventStreamError || error instanceof SyntaxError || error instanceof TypeError) return [...chunks, 'malformed']
    throw error
  }
  return chunks
}

function cutAt (bytes: Buffer, points: readonly number[]): Buffer[] {
  const ends = [...points, bytes.length]
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

const delta = (contentBlockIndex: number, delta: object): Buffer => event('contentBlockDelta', { contentBlockIndex, delta })
const stop = (contentBlockIndex: number): Buffer => event('contentBlockStop', { contentBlockIndex })
const failed = frame({ ':message-type': 'error', ':error-code': 'throttlingException', ':error-message': 'x' }, {})

const RICH = Buffer.concat([
  START, delta(0, { reasoningContent: { text: 'Hm' } }), delta(0, { reasoningContent: { signature: 's' } }), stop(0),
  text('Grüße 👋 "\\'), delta(1, { citation: { title: 'x', location: { documentChar: { documentIndex: 0, start: 1, end: 2 } } } }), stop(1),
  event('contentBlockStart', { contentBlockIndex: 2, start: { toolUse: { toolUseId: 'a', name: 'f' } } }), delta(2, { toolUse: { input: '{"x":1}' } }), stop(2),
  event('newEvent', {}), event('messageStop', { stopReason: 'tool_use' }), USAGE
])

for (const [name, bytes, last] of [
  ['an answer with everything', RICH, undefined],
  ['an exception as the very first frame', Buffer.concat([exception('throttlingException', 'x'), START]), 'rate_limited'],
  ['an error as the very first frame', Buffer.concat([failed, START]), 'rate_limited'],
  ['an exception after output', Buffer.concat([START, text('Hi'), exception('modelStreamErrorException', 'x'), STOP]), 'in_band_error'],
  ['an exception that nobody knows', Buffer.concat([START, exception('brandNewException', 'x')]), 'in_band_error'],
  ['a stop reason that says that it failed', Buffer.concat([START, text('Hi'), event('messageStop', { stopReason: 'malformed_model_output' })]), 'malformed']
] as const) {
  t.test(`at every point: ${name}`, async t => {
    const whole = outcome([bytes])
    if (last !== undefined) t.equal(whole.at(-1), last)
    const different = Array.from({ length: bytes.length }, (_, point) => point).filter(point => JSON.stringify(outcome(cutAt(bytes, [point]))) !== JSON.stringify(whole))
    t.strictSame(different, [])
    t.strictSame(outcome(cutAt(bytes, Array.from({ length: bytes.length }, (_, index) => index))), whole, 'byte by byte')
  })
}

t.test('any messages at any points: the same chunks, and a failure of the provider\'s at most', async () => {
  const type = fc.constantFrom('messageStart', 'contentBlockStart', 'contentBlockDelta', 'contentBlockStop', 'messageStop', 'metadata', 'unknown', '__proto__')
  const value = fc.oneof(fc.constantFrom<unknown>('x', '', 1, null, {}, []), fc.record({ text: fc.string(), input: fc.string(), signature: fc.string(), name: fc.string(), toolUseId: fc.string() }, { requiredKeys: [] }))
  const payload = fc.oneof(
    fc.record({
      contentBlockIndex: fc.nat({ max: 3 }),
      delta: fc.oneof(value, fc.record({ text: value, toolUse: value, reasoningContent: value, citation: value }, { requiredKeys: [] })),
      start: fc.oneof(value, fc.record({ toolUse: value })),
      stopReason: fc.oneof(value, fc.constantFrom('end_turn', 'tool_use', 'malformed_tool_use')),
      usage: fc.oneof(value, fc.record({ inputTokens: value, outputTokens: fc.nat(), cacheReadInputTokens: value }))
    }, { requiredKeys: [] }).map(json => JSON.stringify(json)),
    fc.constantFrom('', '{', 'null', '5', '"x"', '[]')
  )
  const message = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(type, payload).map(([type, json]) => frameOf(frame({ ':event-type': type, ':message-type': 'event' }, {}).subarray(12, -6), Buffer.from(json))) },
    { weight: 1, arbitrary: fc.constantFrom('validationException', 'x', '').map(name => exception(name, 'y')) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map(bytes => Buffer.from(bytes)) }
  )
  fc.assert(fc.property(fc.array(message, { maxLength: 10 }), fc.array(fc.nat(), { maxLength: 8 }), (messages, points) => {
    const bytes = Buffer.concat(messages)
    const pieces = cutAt(bytes, points.map(point => point % (bytes.length + 1)).sort((a, b) => a - b))
    return JSON.stringify(outcome(pieces)) === JSON.stringify(outcome([bytes]))
  }), { numRuns: 500 })
})

t.test('any byte changed: nothing wrong is passed on', async t => {
  const whole = outcome([RICH])
  const unnoticed = Array.from({ length: RICH.length }, (_, at) => at).filter(at => {
    const bad = Buffer.from(RICH)
    bad[at] = (bad[at] ?? 0) ^ 0x10
    const chunks = outcome([bad])
    const intact = chunks.at(-1) === 'malformed' ? chunks.slice(0, -1) : chunks // a length that became larger waits for more
    return intact.length >= whole.length || intact.some((chunk, index) => chunk !== whole[index])
  })
  t.strictSame(unnoticed, [])
})

t.test('the checksums of the lengths and of the message are both needed', async t => {
  const good = text('Hi')
  const forged = Buffer.from(good)
  forged[20] = (forged[20] ?? 0) ^ 1
  t.strictSame(outcome([forged]), ['malformed'], 'the lengths are right')
  const resealed = Buffer.from(good)
  resealed[8] = (resealed[8] ?? 0) ^ 1
  resealed.writeUInt32BE(crc32(resealed.subarray(0, -4)), resealed.length - 4)
  t.strictSame(outcome([resealed]), ['malformed'], 'the message is right')
})
