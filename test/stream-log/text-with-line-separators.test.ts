/**
 * Guards against a stream that was carried on without some of its words: U+2028 and U+2029 end lines for regular expressions,
 * so a chunk that held one was read as far as that, which is no JSON. Of SSE they are no line ends, and JSON text may hold them.
 */
import t from 'tap'
import { dataOf } from '../../stream-log/frame-text.ts'
import { frame } from '../../streams/sse-frames.ts'

t.test('data is read to its end, whatever else counts as the end of a line', async t => {
  const data = ['\u2028', '\u2029', 'a\u2028data: b', '\u0085', '\v\f'].map(text => JSON.stringify({ text }))
  t.same(dataOf(data.map((json, index) => frame(index + 1, json)).join('')), data)
})
