import fc from 'fast-check'
import t from 'tap'
import { dataOf, framesAfter, lastIdOf } from '../../stream-log/frame-text.ts'
import { frame, namedFrame } from '../../streams/sse-frames.ts'

t.test('the last number, the frames after any number, and the data of all, whatever the data looks like', async () => {
  const content = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('id: 3', '\nid: 3\n', 'data: x\n\nid: 2\ndata: y', '[DONE]', '\u2028data: x\u2029'))
  fc.assert(fc.property(fc.array(fc.tuple(content, fc.boolean()), { minLength: 1, maxLength: 12 }), fc.nat(1000), (items, before) => {
    const frames = items.map(([content, named], n) => {
      const data = JSON.stringify(content)
      return named ? namedFrame('response.output_text.delta', before + n + 1, data) : frame(before + n + 1, data)
    })
    const text = frames.join('')
    if (lastIdOf(text) !== before + frames.length) throw new Error('last')
    frames.forEach((_, n) => {
      if (framesAfter(text, before + n + 1) !== frames.slice(n + 1).join('')) throw new Error(`after ${n}`)
    })
    if (framesAfter(text, before) !== text) throw new Error('all')
    if (dataOf(text).join('\n') !== items.map(([content]) => JSON.stringify(content)).join('\n')) throw new Error('data')
  }))
})

t.test('no frames', async t => {
  t.equal(lastIdOf(''), 0)
  t.equal(framesAfter('', 3), '')
})
