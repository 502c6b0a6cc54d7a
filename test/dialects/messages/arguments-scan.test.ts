import fc from 'fast-check'
import t from 'tap'
import { ArgumentsScan } from '../../../dialects/messages/arguments-scan.ts'

function complete (...pieces: readonly string[]): boolean {
  const scan = new ArgumentsScan()
  for (const piece of pieces) scan.push(piece)
  return scan.complete
}

t.test('an object or list is complete at its last bracket, and stays so with white space alone', async t => {
  for (const text of ['{}', '[]', ' {"a":[{}]}', '{"a":"}"}', '{"a":"\\"}"}', '{"a":"\\\\"}', '{}\n\t\r ']) t.equal(complete(text), true)
  for (const text of ['', ' ', '{', '{"a":"}', '{"a":"\\"}', '{}{', '{}x', '12', 'null', '"{}"', ']', '[{}']) t.equal(complete(text), false)
})

t.test('however it is cut, JSON is complete at its end and nowhere before', async t => {
  const value = fc.oneof(fc.dictionary(fc.string({ unit: 'binary', maxLength: 4 }), fc.jsonValue({ maxDepth: 3 })), fc.array(fc.jsonValue({ maxDepth: 3 })))
  fc.assert(fc.property(value, fc.nat({ max: 2 }), fc.nat(), (json, indent, at) => {
    const text = JSON.stringify(json, null, indent)
    const cut = at % text.length
    return !complete(text.slice(0, cut)) && complete(text.slice(0, cut), text.slice(cut))
  }))
  t.pass('100 of them')
})
