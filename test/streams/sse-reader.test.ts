import { mock } from 'node:test'
import t from 'tap'
import { SseReader, SseTooLargeError } from '../../streams/sse-reader.ts'
import type { SseEvent } from '../../streams/sse-reader.ts'

function readAll (reader: SseReader, ...pushes: ReadonlyArray<string | Uint8Array>): SseEvent[] {
  const events: SseEvent[] = []
  for (const bytes of pushes) {
    reader.push(typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes))
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event)
  }
  return events
}

const read = (...pushes: ReadonlyArray<string | Uint8Array>) => readAll(new SseReader(), ...pushes)
const data = (data: string, type = ''): SseEvent => ({ type, data })

t.test('fields', async t => {
  for (const [text, events] of [
    ['data: a\n\n', [data('a')]],
    ['data:a\n\n', [data('a')]],
    ['data:  a \n\n', [data(' a ')]],
    ['data:a:b\n\n', [data('a:b')]],
    ['data: a\ndata: b\n\n', [data('a\nb')]],
    ['data\n\n', [data('')]],
    ['data\ndata\n\n', [data('\n')]],
    ['data:\n\n', [data('')]],
    ['event: x\ndata: a\n\ndata: b\n\n', [data('a', 'x'), data('b')]],
    ['event: x\nevent: y\ndata: a\n\n', [data('a', 'y')]],
    ['event\ndata: a\n\n', [data('a')]],
    ['event: x\n\ndata: a\n\n', [data('a')]],
    ['id: 1\nretry: 5\nfoo: bar\ndatax: 1\n data: 2\nDATA: 3\ndata: a\n\n', [data('a')]],
    [': comment\n\n:\n:data: no\ndata: a\n\n', [data('a')]],
    ['\n\n\n', []],
    ['data: a', []],
    ['data: a\n', []],
    ['data: a\n\ndata: b\n', [data('a')]]
  ] as const) t.same(read(text), events, JSON.stringify(text))
})

t.test('line ends, mixed', async t => {
  for (const text of ['data: a\r\n\r\ndata: b\r\n\r\n', 'data: a\r\rdata: b\r\r', 'data: a\n\rdata: b\r\n\n', 'data: a\r\n\ndata: b\n\r\n']) {
    t.same(read(text), [data('a'), data('b')], JSON.stringify(text))
  }
})

t.test('an event that CR closes does not wait for a LF, which is then no line of its own', async t => {
  t.same(read('data: a\r\r'), [data('a')])
  t.same(read('data: a\r', '\ndata: b\r', '\n\r', '\n'), [data('a\nb')])
  t.same(read('data: a\r', '\r', 'data: b\r\r'), [data('a'), data('b')])
})

t.test('a byte order mark is dropped at the beginning, and there alone', async t => {
  t.same(read('\uFEFFdata: a\n\ndata: \uFEFFb\n\n\uFEFFdata: c\n\n'), [data('a'), data('\uFEFFb')])
  t.same(read(Uint8Array.of(0xEF), Uint8Array.of(0xBB), Uint8Array.of(0xBF), 'data: a\n\n'), [data('a')])
})

t.test('bytes that are no UTF-8 become replacement characters, not an error', async t => {
  t.same(read(Uint8Array.of(...Buffer.from('data: a'), 0xFF, 0xC3, ...Buffer.from('b\n\n'))), [data('a\uFFFD\uFFFDb')])
})

t.test('the caller can stop between two events of one push', async t => {
  const reader = new SseReader()
  reader.push(Buffer.from('data: a\n\ndata: b\n\ndata: c'))
  t.same(reader.next(), data('a'))
  reader.push(Buffer.from('c\n\ndata: d\n\n'))
  t.same([reader.next(), reader.next(), reader.next(), reader.next()], [data('b'), data('cc'), data('d'), undefined])
})

t.test('the pushed array may be reused', async t => {
  const reader = new SseReader()
  const bytes = Buffer.from('data: a')
  reader.push(bytes)
  bytes.fill('x')
  reader.push(Buffer.from('\n\n'))
  t.same(reader.next(), data('a'))
})

t.test('an event over the limit throws: in one line, in many lines, and in empty ones', async t => {
  t.throws(() => read2(`data: ${'x'.repeat(95)}`), SseTooLargeError)
  t.throws(() => read2(...Array<string>(20).fill('data: xxxxxxxxx\n')), SseTooLargeError)
  t.throws(() => read2(...Array<string>(102).fill('data\n')), SseTooLargeError)
  t.throws(() => read2(`: ${'x'.repeat(99)}`), { code: 'SSE_TOO_LARGE' }, 'a comment without end, too')
  function read2 (...pushes: string[]): void { readAll(new SseReader(100), ...pushes) }
})

t.test('the limit is on one event: an event of just that size passes, and so do many', async t => {
  const event = `data: ${'x'.repeat(94)}`
  t.same(readAll(new SseReader(100), event, '\n\n', event, '\n\n'), [data('x'.repeat(94)), data('x'.repeat(94))])
  t.equal(readAll(new SseReader(100), ...Array<string>(1000).fill('data: abc\n\n')).length, 1000)
})

t.test('an event whose bytes come one by one is searched once, not once for each byte', async t => {
  const size = 20_000
  let searched = 0
  const { indexOf, includes } = String.prototype
  const mocks = [
    mock.method(String.prototype, 'indexOf', function (this: string, text: string, from = 0) {
      searched += this.length - from
      return indexOf.call(this, text, from)
    }),
    mock.method(String.prototype, 'includes', function (this: string, text: string) {
      searched += this.length
      return includes.call(this, text)
    })
  ]
  const reader = new SseReader()
  let events = 0
  for (const byte of Buffer.from(`data: ${'x'.repeat(size)}\r\n\r\n`)) {
    reader.push(Buffer.of(byte))
    while (reader.next() !== undefined) events++
  }
  for (const { mock } of mocks) mock.restore()
  t.equal(events, 1)
  t.ok(searched >= size && searched < 8 * size, `${searched} characters searched`)
})
