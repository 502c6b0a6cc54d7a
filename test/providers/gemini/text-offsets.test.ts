import fc from 'fast-check'
import t from 'tap'
import { TextOffsets } from '../../../providers/gemini/text-offsets.ts'

/** How a piece of text is told. */
type Way = 'text' | 'json' | 'google'

const isAscii = (text: string) => /^[ -~]*$/.test(text)
/** As Google writes JSON: nothing beyond ASCII needs an escape, but it may have one. */
const escaped = (text: string) => JSON.stringify(text).replace(/[<>é]/g, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)

function offsetsOf (pieces: ReadonlyArray<readonly [string, Way]>): TextOffsets {
  const offsets = new TextOffsets()
  for (const [text, way] of pieces) {
    if (way === 'json') offsets.addJson(JSON.stringify(text))
    else if (way === 'google') offsets.addJson(escaped(text))
    else if (isAscii(text)) offsets.addAscii(text.length)
    else offsets.add(text)
  }
  return offsets
}

t.test('each byte that begins a character has its unit', async t => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', 'Größe', '二十', '🌊', '\n"\\', '<b>', 'é'))
  fc.assert(fc.property(fc.array(fc.tuple(text, fc.constantFrom<Way>('text', 'json', 'google')), { maxLength: 8 }), pieces => {
    const offsets = offsetsOf(pieces)
    const whole = pieces.map(([piece]) => piece).join('')
    t.equal(offsets.bytes, Buffer.byteLength(whole))
    t.equal(offsets.units, whole.length)
    for (let unit = 0; unit <= whole.length; unit++) {
      if (/[\udc00-\udfff]/.test(whole.charAt(unit))) continue // inside of a character
      if (offsets.unitAt(Buffer.byteLength(whole.slice(0, unit))) !== unit) return false
    }
    return true
  }), { numRuns: 500 })
})

t.test('what lies behind the end is the end', async t => {
  const offsets = offsetsOf([['né', 'text']])
  t.strictSame([0, 1, 3, 4, 99].map(byte => offsets.unitAt(byte)), [0, 1, 2, 2, 2])
  t.equal(new TextOffsets().unitAt(5), 0)
})

t.test('text that changes too often is measured up to the limit', async t => {
  const offsets = new TextOffsets()
  const text = 'aé'.repeat(1024)
  for (let i = 0; i < 100; i++) offsets.add(text)
  t.ok(offsets.units < 100 * text.length)
  t.equal(offsets.unitAt(3 * 1024), 2 * 1024)
  t.equal(offsets.unitAt(offsets.bytes), offsets.units)
  t.equal(offsets.unitAt(offsets.bytes + 1), undefined)
  offsets.addAscii(5)
  offsets.addJson('"a"')
  t.equal(offsets.unitAt(offsets.bytes + 1), undefined)
})
