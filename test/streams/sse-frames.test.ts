import t from 'tap'
import { ChunkFrames, frame, KEEP_ALIVE_COMMENT, namedFrame } from '../../streams/sse-frames.ts'
import { SseReader } from '../../streams/sse-reader.ts'

t.test('a frame is its id, one line of data, and a blank line', async t => {
  t.equal(frame(7, '{"a":1}'), 'id: 7\ndata: {"a":1}\n\n')
})

t.test('a named frame has its event\'s name before', async t => {
  t.equal(namedFrame('ping', 7, '{}'), 'event: ping\nid: 7\ndata: {}\n\n')
})

t.test('numbers go on without gaps from batch to batch, up to [DONE]', async t => {
  const frames = new ChunkFrames(() => t.fail('there is no error') ? '' : '')
  t.equal(frames.encode(['"a"', '"b"']), 'id: 1\ndata: "a"\n\nid: 2\ndata: "b"\n\n')
  t.equal(frames.encode([]), '')
  t.equal(frames.encode(['"c"']), 'id: 3\ndata: "c"\n\n')
  t.equal(frames.end(), 'id: 4\ndata: [DONE]\n\n')
  t.equal(frames.count, 4)
})

t.test('a failure is one numbered error frame, without [DONE] and without an event name', async t => {
  const frames = new ChunkFrames(error => JSON.stringify({ error: { message: error.message } }))
  frames.encode(['"a"'])
  t.equal(frames.fail(new Error('broken')), 'id: 2\ndata: {"error":{"message":"broken"}}\n\n')
  t.equal(frames.count, 2)
})

t.test('a keep-alive is a comment that clients do not see', async t => {
  const reader = new SseReader()
  reader.push(Buffer.from(frame(1, '"a"') + KEEP_ALIVE_COMMENT + frame(2, '"b"')))
  t.same([reader.next(), reader.next(), reader.next()], [{ type: '', data: '"a"' }, { type: '', data: '"b"' }, undefined])
})
