import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { decodeSentBack, encodeSentBack } from '../../../dialects/responses/sent-back.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'

const encoded = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

t.test('what is encoded is decoded', async () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }))
  fc.assert(fc.property(fc.record({ reasoning: fc.string({ unit: 'binary' }), details: fc.array(object), message: object, calls: fc.array(fc.record({ id: fc.string(), extra: object })) }), sentBack => {
    const plain: unknown = JSON.parse(JSON.stringify(sentBack)) // without prototypes and -0, as JSON has none
    const text = encodeSentBack(sentBack)
    if (!/^[\w-]*$/.test(text)) throw new Error('not base64url')
    const decoded = decodeSentBack(text)
    if (sentBack.reasoning === '') deepStrictEqual({ ...decoded, reasoning: '' }, plain)
    else deepStrictEqual(decoded, plain)
  }))
})

t.test('reasoning that the details repeat is encoded once', async t => {
  const details = [{ type: 'reasoning.text', index: 0, text: 'abc'.repeat(100) }]
  t.equal(encodeSentBack({ reasoning: 'abc'.repeat(100), details }), encodeSentBack({ details }))
  t.match(decodeSentBack(encodeSentBack({ details })), { reasoning: 'abc'.repeat(100) })
})

t.test('garbage is none, and never an exception', async t => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json().map(encoded), fc.dictionary(fc.constantFrom('v', 'reasoning', 'details', 'message', 'calls'), fc.jsonValue()).map(encoded)), text => {
    const decoded = decodeSentBack(text)
    if (decoded !== undefined && !isJsonObject(decoded)) throw new Error('neither nothing nor something')
  }))
  for (const value of ['', 'null', '[]', '{}', { v: 2 }, { v: '1' }, { v: 1, details: {} }, { v: 1, details: [1] }, { v: 1, reasoning: 1 }, { v: 1, message: [] }, { v: 1, calls: [{ id: 1, extra: {} }] }, { v: 1, calls: [{ id: 'a' }] }, { v: 1, calls: 'a' }]) {
    t.equal(decodeSentBack(encoded(value)), undefined)
  }
  t.ok(decodeSentBack(encoded({ v: 1 })), 'but emptiness is something')
})

t.test('nor is what is nested so deeply that it could not be written any more', async t => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}{}${'}'.repeat(depth)}`
  t.equal(decodeSentBack(encoded(`{"v":1,"message":${nested(100_000)}}`)), undefined)
  t.ok(decodeSentBack(encoded(`{"v":1,"message":${nested(10)}}`)))
})
