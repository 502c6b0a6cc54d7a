import fc from 'fast-check'
import t from 'tap'
import { JsonArrayReader } from '../../streams/json-array-reader.ts'

/** Reads a body in pieces; what it throws is the last of what it gives. */
function read (pieces: readonly Uint8Array[], reader = new JsonArrayReader()): { elements: string[], complete: boolean, error: string | undefined } {
  const elements: string[] = []
  try {
    for (const piece of pieces) {
      reader.push(piece)
      for (let element = reader.next(); element !== undefined; element = reader.next()) elements.push(element)
    }
    return { elements, complete: reader.complete, error: undefined }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return { elements, complete: reader.complete, error: error.name }
  }
}

const whole = (body: string) => read([Buffer.from(body)])

const element = fc.dictionary(fc.string({ unit: 'binary' }), fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('}', ']', '\\', '"', '\\"', '{"', '二十', '🌊', ',')), { maxKeys: 4 })
const space = fc.constantFrom('', ' ', '\r\n', '\n\t')
/** As anyone may write it. */
const body = fc.tuple(fc.array(fc.tuple(element, space, space), { maxLength: 4 }), space, space).map(([items, before, behind]) => {
  return { items: items.map(([item]) => item), text: `${before}[${items.map(([item, left, right]) => left + JSON.stringify(item) + right).join(',')}]${behind}` }
})

t.test('the elements of an array, whatever is in them, at any cutting', async () => {
  fc.assert(fc.property(body, fc.array(fc.nat(2000), { maxLength: 20 }), ({ items, text }, cuts) => {
    const bytes = Buffer.from(text)
    const at = [0, ...cuts.map(cut => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length]
    const { elements, complete, error } = read(at.slice(1).map((end, i) => bytes.subarray(at[i], end)))
    return error === undefined && complete && JSON.stringify(elements.map((json): unknown => JSON.parse(json))) === JSON.stringify(items)
  }), { numRuns: 1000 })
})

t.test('every two-way split, and byte by byte', async t => {
  const bytes = Buffer.from('\ufeff [ {"a":"二 🌊 \\\\\\"}]"} ,\r\n{"b":[{"c":"["}]},{}]\n')
  const expected = read([bytes])
  t.strictSame(expected, { elements: ['{"a":"二 🌊 \\\\\\"}]"}', '{"b":[{"c":"["}]}', '{}'], complete: true, error: undefined })
  for (let at = 0; at <= bytes.length; at++) t.strictSame(read([bytes.subarray(0, at), bytes.subarray(at)]), expected, `split at ${at}`)
  t.strictSame(read(Array.from(bytes, byte => Uint8Array.of(byte))), expected)
})

t.test('what is not closed is not complete', async t => {
  const body = '[{"a":1},{"b":2}]'
  for (let end = 0; end < body.length; end++) t.match(whole(body.slice(0, end)), { complete: false, error: undefined }, body.slice(0, end))
  t.match(whole('[]'), { elements: [], complete: true })
})

t.test('one object is an array of it', async t => {
  t.strictSame(whole(' {"error":{"code":400}}\n'), { elements: ['{"error":{"code":400}}'], complete: true, error: undefined })
  t.match(whole('{"a":'), { elements: [], complete: false })
})

t.test('what is no array of objects', async t => {
  for (const [text, elements] of [
    ['[{"a":1}] x', 1], ['[{"a":1}][', 1], ['[{"a":1}]]', 1], ['{"a":1},', 1], ['[,', 0], ['[{"a":1},]', 1], ['[{"a":1},,', 1], ['[{"a":1}{', 1], ['[1', 0], ['["a"', 0], ['[[', 0], [']', 0],
    ['x', 0], ['null', 0], ['data: {}', 0]
  ] as const) {
    const { elements: read, error } = whole(text)
    t.equal(error, 'JsonArrayError', text)
    t.equal(read.length, elements, text)
  }
})

t.test('an element has a limit, however it comes', async t => {
  const reader = () => new JsonArrayReader(20)
  const long = Buffer.from('[{"a":"12345678"},{"a":"1234567890123456"}]')
  t.match(read([long], reader()), { elements: ['{"a":"12345678"}'], error: 'JsonArrayError' })
  t.match(read(Array.from(long, byte => Uint8Array.of(byte)), reader()), { elements: ['{"a":"12345678"}'], error: 'JsonArrayError' })
  t.match(read([long.subarray(0, -2)], reader()), { error: 'JsonArrayError' }, 'also where its end has not come')
  const many = Buffer.from(`[${Array.from({ length: 100 }, () => '{"a":"1234567890"}').join()}]`)
  t.match(read([many], reader()), { elements: { length: 100 }, complete: true })
})
