import fc from 'fast-check'
import { mock } from 'node:test'
import t from 'tap'
import { EventStreamError, EventStreamReader } from '../../../providers/bedrock/event-stream-reader.ts'
import type { EventStreamHeaders, EventStreamMessage } from '../../../providers/bedrock/event-stream-reader.ts'
import { START, STOP, USAGE, event, exception, frame, frameOf, prelude, text } from './event-stream-server.ts'

function drain (reader: EventStreamReader): EventStreamMessage[] {
  const messages: EventStreamMessage[] = []
  for (let message = reader.next(); message !== undefined; message = reader.next()) messages.push(message)
  return messages
}

/** What is read of the pieces, each being read before the next one comes. */
function read (...pieces: readonly Buffer[]): EventStreamMessage[] {
  const reader = new EventStreamReader()
  return pieces.flatMap(piece => {
    reader.push(piece)
    return drain(reader)
  })
}

function cutAt (bytes: Buffer, points: readonly number[]): Buffer[] {
  const ends = [...points, bytes.length]
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
}

const NONE: EventStreamHeaders = { messageType: '', eventType: '', exceptionType: '', errorCode: '', errorMessage: '' }

t.test('what the headers and the payload say', async t => {
  t.strictSame(read(Buffer.concat([START, text('Grüße 👋'), text('b'), exception('throttlingException', 'slow'), frame({ ':message-type': 'error', ':error-code': 'c', ':error-message': 'm' }, {})])), [
    { headers: { ...NONE, messageType: 'event', eventType: 'messageStart' }, payload: '{"role":"assistant"}' },
    { headers: { ...NONE, messageType: 'event', eventType: 'contentBlockDelta' }, payload: '{"contentBlockIndex":0,"delta":{"text":"Grüße 👋"}}' },
    { headers: { ...NONE, messageType: 'event', eventType: 'contentBlockDelta' }, payload: '{"contentBlockIndex":0,"delta":{"text":"b"}}' },
    { headers: { ...NONE, messageType: 'exception', exceptionType: 'throttlingException' }, payload: '{"message":"slow"}' },
    { headers: { ...NONE, messageType: 'error', errorCode: 'c', errorMessage: 'm' }, payload: '{}' }
  ])
  t.strictSame(read(frameOf(Buffer.alloc(0), Buffer.alloc(0))), [{ headers: NONE, payload: '' }], 'the smallest message')
})

t.test('however it is cut', async t => {
  const bytes = Buffer.concat([START, text('Grüße'), text('👋'), event('unknown', {}), STOP, USAGE])
  const whole = read(bytes)
  t.equal(whole.length, 6)
  for (let point = 0; point <= bytes.length; point++) t.strictSame(read(...cutAt(bytes, [point])), whole, `at ${point}`)
  t.strictSame(read(...cutAt(bytes, Array.from({ length: bytes.length }, (_, index) => index))), whole, 'byte by byte')

  fc.assert(fc.property(
    fc.array(fc.string({ unit: 'binary', maxLength: 300 }), { minLength: 1, maxLength: 8 }),
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
    fc.boolean(),
    (texts, fractions, lazily) => {
      const all = Buffer.concat(texts.map(text))
      const pieces = cutAt(all, fractions.map(fraction => Math.floor(fraction * all.length)).sort((a, b) => a - b))
      const reader = new EventStreamReader()
      if (lazily) for (const piece of pieces) reader.push(piece)
      const payloads = (lazily ? drain(reader) : read(...pieces)).map(({ payload }) => JSON.parse(payload).delta.text)
      // A lone surrogate is escaped in JSON, and comes back as it was.
      return payloads.length === texts.length && payloads.every((value, index) => value === texts[index])
    }
  ))
})

t.test('headers are those of their own message, whatever came before', async t => {
  // Few and alike: many messages have the headers of the one before, or such of the same length.
  const type = fc.oneof(fc.constantFrom('', 'a', 'b', 'é', '\u0000', 'aa', 'ab', 'éa', 'aé', '😀', 'aaaa', '\ufffd'), fc.string({ unit: 'binary', maxLength: 3 }).filter(value => value.isWellFormed()))
  fc.assert(fc.property(fc.array(fc.tuple(type, type), { minLength: 1, maxLength: 12 }), messages => {
    const bytes = Buffer.concat(messages.map(([eventType, payload]) => frame({ ':event-type': eventType, ':message-type': 'event' }, { payload })))
    t.strictSame(read(bytes), messages.map(([eventType, payload]) => ({ headers: { ...NONE, messageType: 'event', eventType }, payload: JSON.stringify({ payload }) })))
  }))
  t.strictSame(read(frameOf(Buffer.from(frame({ ':event-type': 'é' }, {}).subarray(12, -6)), Buffer.from('a')), frameOf(Buffer.alloc(0), Buffer.from('b'))).map(({ headers }) => headers.eventType), ['é', ''])
})

t.test('headers of every type are passed over', async t => {
  const header = (name: string, type: number, value: Buffer): Buffer => Buffer.concat([Buffer.of(name.length), Buffer.from(name), Buffer.of(type), value])
  const sized = (value: string): Buffer => Buffer.concat([Buffer.of(0, value.length), Buffer.from(value)])
  const head = Buffer.concat([
    header('a', 0, Buffer.alloc(0)), header('b', 1, Buffer.alloc(0)), header('c', 2, Buffer.alloc(1, 7)), header('d', 3, Buffer.alloc(2, 7)),
    header('e', 4, Buffer.alloc(4, 7)), header('f', 5, Buffer.alloc(8, 7)), header('g', 6, sized('bytes')), header('h', 7, sized('string')),
    header('i', 8, Buffer.alloc(8, 7)), header('j', 9, Buffer.alloc(16, 7)), header(':event-type', 6, sized('no string')), header('', 7, sized('')),
    header(':message-type', 7, sized('event'))
  ])
  t.strictSame(read(frameOf(head, Buffer.from('x'))), [{ headers: { ...NONE, messageType: 'event' }, payload: 'x' }])

  t.throws(() => read(frameOf(header('k', 10, Buffer.alloc(0)), Buffer.alloc(0))), EventStreamError, 'an unknown type')
  const message = header(':message-type', 7, sized('event'))
  for (let length = 1; length < message.length; length++) {
    t.throws(() => read(frameOf(message.subarray(0, length), Buffer.alloc(40))), EventStreamError, `cut after ${length} bytes`)
  }
})

t.test('what is no message', async t => {
  const good = text('Hi')
  for (let at = 0; at < good.length; at++) {
    const bad = Buffer.from(good)
    bad[at] = (bad[at] ?? 0) ^ 1
    t.throws(() => read(bad), EventStreamError, `byte ${at} is wrong`)
  }
  t.throws(() => read(Buffer.from('<html><body>')), EventStreamError)
  t.throws(() => read(prelude(15, 0)), { name: 'EventStreamError', message: /contradict/ }, 'too short')
  t.throws(() => read(prelude(100, 85)), { message: /contradict/ }, 'headers beyond the end')
  t.throws(() => read(prelude(0, 0)), { message: /contradict/ })
  t.throws(() => read(prelude(16 * 1024 * 1024 + 1, 0)), { message: /limit/ }, 'before its content has come')
  t.strictSame(read(prelude(16 * 1024 * 1024, 0)), [])
  t.throws(() => read(prelude(16 * 1024 * 1024, 128 * 1024 + 1)), { message: /headers.*limit/ })
  t.strictSame(read(prelude(16 * 1024 * 1024, 128 * 1024)), [])
  const reader = new EventStreamReader(good.length - 1)
  reader.push(good)
  t.throws(() => reader.next(), { message: /limit/ })
})

t.test('a large message in small pieces is joined once', async t => {
  const large = text('x'.repeat(8 * 1024 * 1024))
  const pieces = cutAt(large, Array.from({ length: Math.floor(large.length / 1024) }, (_, index) => index * 1024))
  const concat = mock.method(Buffer, 'concat')
  t.teardown(() => concat.mock.restore())
  t.equal(read(...pieces).length, 1)
  const copied = concat.mock.calls.reduce((bytes, { result }) => bytes + (result?.length ?? 0), 0)
  t.ok(copied < 2 * large.length, `and not once for each piece: ${copied} bytes were copied`)
})
