import fc from 'fast-check'
import t from 'tap'
import { LineBatches } from '../log-output.ts'
import { useVirtualTime } from './support/virtual-timers.ts'

function collected (maxBytes: number): { batches: LineBatches, pieces: string[] } {
  const pieces: string[] = []
  return { batches: new LineBatches(piece => pieces.push(piece), maxBytes), pieces }
}

t.test('lines leave together, 100 ms after the first of them at the latest', async t => {
  const time = useVirtualTime(t)
  const { batches, pieces } = collected(100)
  batches.write('a\n')
  await time.advance(60)
  batches.write('b\n')
  await time.advance(39)
  t.same(pieces, [])
  await time.advance(1)
  t.same(pieces, ['a\nb\n'])
  t.equal(time.pending, 0)
  batches.write('c\n')
  await time.advance(100)
  t.same(pieces, ['a\nb\n', 'c\n'])
})

t.test('flushed, nothing waits, and no timer', async t => {
  const time = useVirtualTime(t)
  const { batches, pieces } = collected(100)
  batches.flush()
  batches.write('a\n')
  batches.flush()
  batches.flush()
  t.same(pieces, ['a\n'])
  t.equal(time.pending, 0)
})

t.test('every line once and in order, in whole lines, and no piece larger than its limit unless it is one line', async t => {
  fc.assert(fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '😀'), maxLength: 12 })), fc.integer({ min: 1, max: 40 }), (texts, maxBytes) => {
    const { batches, pieces } = collected(maxBytes)
    const lines = texts.map((text, n) => `${n} ${text}\n`)
    for (const line of lines) batches.write(line)
    batches.flush()
    t.equal(pieces.join(''), lines.join(''))
    for (const piece of pieces) t.ok(piece.endsWith('\n') && (Buffer.byteLength(piece) <= maxBytes || piece.split('\n').length === 2), JSON.stringify(piece))
  }))
})
