/**
 * Generated event streams, cut at every byte, against a reference that follows the specification's words over the
 * whole text.
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { SseReader } from '../../streams/sse-reader.ts'
import type { SseEvent } from '../../streams/sse-reader.ts'

/** The specification's algorithm, step by step. */
function reference (bytes: Uint8Array): SseEvent[] {
  const text = new TextDecoder().decode(bytes)
  const lines = text.split(/\r\n|\n|\r/)
  lines.pop() // what no line end follows
  const events: SseEvent[] = []
  let buffer = ''
  let type = ''
  for (const line of lines) {
    if (line === '') {
      if (buffer !== '') events.push({ type, data: buffer.endsWith('\n') ? buffer.slice(0, -1) : buffer })
      buffer = ''
      type = ''
      continue
    }
    const [field, value] = /^([^:]*): ?(.*)$/s.exec(line)?.slice(1) ?? [line, '']
    if (field === 'event') type = value ?? ''
    if (field === 'data') buffer += `${value}\n`
  }
  return events
}

function read (pieces: readonly Uint8Array[]): SseEvent[] {
  const reader = new SseReader()
  const events: SseEvent[] = []
  for (const piece of pieces) {
    reader.push(Buffer.from(piece))
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event)
  }
  return events
}

const value = fc.string({ unit: fc.constantFrom('a', ' ', ':', '"', 'ß', '€', '😀', '\u2028', '\uFEFF', '\0'), maxLength: 6 })
const line = fc.oneof(
  { weight: 5, arbitrary: value.map(text => `data: ${text}`) },
  { weight: 2, arbitrary: value.map(text => `data:${text}`) },
  { weight: 2, arbitrary: value.map(text => `event: ${text}`) },
  { weight: 1, arbitrary: value.map(text => `: ${text}`) },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: fc.constantFrom('data', 'event', 'id: 1', 'retry: 2', ':', 'Data: x', 'data : x') },
  { weight: 4, arbitrary: fc.constant('') })
const stream = fc.record({
  bom: fc.boolean(),
  lines: fc.array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 14 }),
  rest: fc.oneof(fc.constant(''), line)
}).map(({ bom, lines, rest }) => Buffer.from(`${bom ? '\uFEFF' : ''}${lines.map(([text, end]) => text + end).join('')}${rest}`))

t.test('cut in two at every byte, a stream gives the events that the specification says', async () => {
  fc.assert(fc.property(stream, bytes => {
    const expected = reference(bytes)
    for (let at = 0; at <= bytes.length; at++) assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`)
  }), { numRuns: 500 })
})

t.test('byte by byte, too, and in pieces of any size', async () => {
  fc.assert(fc.property(stream, fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 }), (bytes, sizes) => {
    const expected = reference(bytes)
    assert.deepEqual(read(Array.from(bytes, byte => Uint8Array.of(byte))), expected)
    const pieces: Uint8Array[] = []
    let at = 0
    for (const size of sizes) {
      pieces.push(bytes.subarray(at, at + size))
      at += size
    }
    assert.deepEqual(read([...pieces, bytes.subarray(at)]), expected)
  }), { numRuns: 500 })
})

t.test('with bytes that are no UTF-8 among them', async () => {
  const dirty = fc.array(fc.oneof(fc.constantFrom(...Buffer.from('data: a\n\r'), 0xC3, 0xA9, 0xE2, 0x82, 0xF0, 0x9F, 0xFF), fc.constant(0x0A)), { maxLength: 40 })
  fc.assert(fc.property(dirty, values => {
    const bytes = Uint8Array.from([...Buffer.from('data: '), ...values, 0x0A, 0x0A])
    const expected = reference(bytes)
    for (let at = 0; at <= bytes.length; at++) assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`)
  }), { numRuns: 300 })
})

t.test('every recorded kind of line end survives every cut of one stream', async t => {
  const text = 'data: {"a":"€😀"}|event: x|data: 1|data: 2||: keep-alive||data: [DONE]||'
  for (const end of ['\n', '\r\n', '\r']) {
    const bytes = Buffer.from(text.replaceAll('|', end).replace('data: {"a":"€😀"}', `data: {"a":"€😀"}${end}`))
    for (let at = 0; at <= bytes.length; at++) {
      t.same(read([bytes.subarray(0, at), bytes.subarray(at)]), [
        { type: '', data: '{"a":"€😀"}' }, { type: 'x', data: '1\n2' }, { type: '', data: '[DONE]' }
      ], `${JSON.stringify(end)} cut at ${at}`)
    }
  }
})
