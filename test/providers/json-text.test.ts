import fc from 'fast-check'
import t from 'tap'
import { detached, endOfString } from '../../providers/json-text.ts'

/** Whether it can stand between two quotes. */
function isContent (text: string): boolean {
  try {
    return typeof JSON.parse(`"${text}"`) === 'string'
  } catch {
    return false
  }
}

t.test('a string ends at its quote', async t => {
  fc.assert(fc.property(fc.string(), fc.string({ unit: 'binary' }), fc.string(), (before, text, after) => {
    const json = JSON.stringify(text)
    return endOfString(before + json + after, before.length + 1) === before.length + json.length - 1
  }))
  t.equal(endOfString('"a', 1), 2, 'or at the end of the text')
  t.equal(endOfString('""', 1), 1)
})

t.test('or at the first thing that is not valid in it', async () => {
  const piece = fc.constantFrom('a', '"', '\\', '\\"', '\\\\', '\\n', '\\x', '\\u', '\\u00e9', '\\u00g9', '\\/', '\n', '\u0000', '\u007f', '\u2028', 'é', '\ud800', '😀')
  fc.assert(fc.property(fc.array(piece).map(pieces => pieces.join('')), text => {
    const end = endOfString(text, 0)
    return isContent(text.slice(0, end)) && (end === text.length || !isContent(text.slice(0, end + 1)))
  }), { numRuns: 1000 })
})

t.test('a copy is the same text', async () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }).filter(text => text.isWellFormed()), text => detached(text) === text))
})
