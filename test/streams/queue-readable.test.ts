import { once } from 'node:events'
import { PassThrough, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import t from 'tap'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { QueueReadable } from '../../streams/queue-readable.ts'
import type { BatchEncoder, KeepAlive } from '../../streams/batch-pump.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'
import { settle } from '../support/virtual-time.ts'

/** Shows the batches: `[a b]`, `[end]`, `[failed: why]`. */
const BRACKETS: BatchEncoder<string> = {
  encode: items => `[${items.join(' ')}]`,
  end: () => '[end]',
  fail: error => `[failed: ${error.message}]`
}
const KEEP_ALIVE: KeepAlive = { afterMs: 15_000, text: '(alive)' }

/** What a reader gets, one entry for each chunk. */
function chunksOf (readable: QueueReadable<string>): string[] {
  const chunks: string[] = []
  readable.on('data', (bytes: Buffer) => chunks.push(bytes.toString()))
  return chunks
}

t.test('items of one turn leave as one chunk, those of another in another', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS)
  const chunks = chunksOf(readable)
  await settle()
  queue.offer('a')
  queue.offer('b')
  await settle()
  queue.offer('c')
  await settle()
  queue.offer('d')
  queue.close()
  await finished(readable)
  t.same(chunks, ['[a b]', '[c]', '[d][end]'])
})

t.test('a failure comes after what was queued, as the encoder words it, and ends the stream in order', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS)
  const chunks = chunksOf(readable)
  queue.offer('a')
  queue.fail(new Error('broken'))
  await finished(readable)
  t.same(chunks, ['[a][failed: broken]'])
})

t.test('a failure that the encoder has no words for destroys the stream with it', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, { ...BRACKETS, fail: () => undefined })
  const chunks = chunksOf(readable)
  queue.offer('a')
  queue.fail(new Error('broken'))
  await t.rejects(finished(readable), { message: 'broken' })
  t.same(chunks, ['[a]'])
})

t.test('nothing follows the last item where the encoder says so', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, { ...BRACKETS, end: () => '' })
  const chunks = chunksOf(readable)
  queue.offer('a')
  queue.close()
  await finished(readable)
  t.same(chunks, ['[a]'])
})

t.test('destroying it cancels the queue: idle, before it was ever read, and with items queued', async t => {
  const [idle, unread, full] = [new BoundedQueue<string>(), new BoundedQueue<string>(), new BoundedQueue<string>()]
  const readables = [idle, unread, full].map(queue => new QueueReadable(queue, BRACKETS))
  readables[0]?.resume()
  await settle()
  full.offer('a')
  for (const readable of readables) {
    readable.destroy()
    await once(readable, 'close')
  }
  for (const queue of [idle, unread, full]) {
    t.equal(queue.state.kind, 'cancelled')
    t.equal(queue.signal.aborted, true)
    t.equal(queue.offer('b'), 'cancelled')
  }
})

t.test('the error that destroys it is the reason of the cancellation', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS)
  readable.destroy(new Error('socket broke'))
  await t.rejects(finished(readable), { message: 'socket broke' })
  t.match(queue.state, { kind: 'cancelled', reason: { message: 'socket broke' } })
})

t.test('a pipeline whose client goes away while nothing comes cancels the queue', async t => {
  const queue = new BoundedQueue<string>()
  const client = new PassThrough()
  const piped = pipeline(new QueueReadable(queue, BRACKETS), client, { end: false })
  await settle()
  client.destroy()
  await t.rejects(piped)
  t.equal(queue.state.kind, 'cancelled')
})

t.test('a queue that somebody else cancelled destroys it', async t => {
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS)
  readable.resume()
  await settle()
  queue.cancel(new Error('deleted'))
  await t.rejects(finished(readable), { message: 'deleted' })
})

t.test('while the reader does not read, the queue fills and a put waits; then everything comes once, in order', async t => {
  const queue = new BoundedQueue<string>({ capacity: 3 })
  const readable = new QueueReadable(queue, { ...BRACKETS, encode: items => items.map(item => `${item} `).join(''), end: () => '' })
  const received: string[] = []
  let release = () => {}
  const slow = new Writable({
    highWaterMark: 1,
    write (bytes: Buffer, _encoding, callback) {
      received.push(bytes.toString())
      release = callback
    }
  })
  const piped = pipeline(readable, slow)
  let accepted = 0
  const producing = (async () => {
    for (let n = 0; n < 50; n++) {
      await queue.put(`${n}`)
      accepted++
    }
    queue.close()
  })()
  for (let turn = 0; turn < 20; turn++) await settle()
  t.equal(queue.size, 3, 'full')
  // One batch at the writer, one in the pipe's buffer, one in the Readable's, each at most two queues full; and a full queue.
  t.ok(accepted <= 21, `${accepted} accepted`)
  const before = accepted
  for (let turn = 0; turn < 20; turn++) await settle()
  t.equal(accepted, before, 'and there it stays')
  for (let turn = 0; turn < 200; turn++) {
    release()
    await settle()
  }
  await Promise.all([piped, producing])
  t.same(received.join('').trim().split(' ').map(Number), [...Array(50).keys()])
})

t.test('keep-alive comes after each 15 s without a chunk, counted from the last one', async t => {
  const time = useVirtualTime(t)
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS, KEEP_ALIVE)
  const chunks = chunksOf(readable)
  await time.advance(14_999)
  t.same(chunks, [])
  await time.advance(1)
  t.same(chunks, ['(alive)'])
  await time.advance(14_000)
  queue.offer('a')
  await time.advance(14_999)
  t.same(chunks, ['(alive)', '[a]'])
  await time.advance(1)
  t.same(chunks, ['(alive)', '[a]', '(alive)'])
  await time.advance(15_000)
  t.equal(chunks.length, 4)
  queue.offer('b')
  queue.close()
  await settle()
  t.same(chunks.slice(4), ['[b][end]'])
})

t.test('no keep-alive while the reader is behind, and none twice in a row after it', async t => {
  const time = useVirtualTime(t)
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS, KEEP_ALIVE)
  await settle()
  queue.offer('a')
  await time.advance(100_000)
  t.equal(readable.readableLength, 0, 'nobody has asked, so nothing was pushed')
  readable.read(0)
  await time.advance(100_000)
  const chunks = chunksOf(readable)
  await settle()
  t.same(chunks, ['[a]'])
})

t.test('after a reader that was behind has caught up, keep-alive goes on', async t => {
  const time = useVirtualTime(t)
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS, KEEP_ALIVE)
  const chunks = chunksOf(readable)
  await settle()
  readable.pause()
  queue.offer('a')
  await time.advance(40_000)
  t.equal(readable.readableLength, '[a]'.length, 'pushed, and not taken')
  readable.resume()
  await time.advance(5000)
  t.same(chunks, ['[a]', '(alive)'])
})

t.test('no keep-alive follows the end that a slow reader has yet to take', async t => {
  const time = useVirtualTime(t)
  const queue = new BoundedQueue<string>()
  const readable = new QueueReadable(queue, BRACKETS, KEEP_ALIVE)
  readable.read(0)
  await settle()
  queue.close()
  await time.advance(40_000)
  const chunks = chunksOf(readable)
  await finished(readable)
  t.same(chunks, ['[end]'])
})

t.test('no timer is left after the end, after a failure, and after it was destroyed', async t => {
  const time = useVirtualTime(t)
  const [closed, failed, idle, unread] = [new BoundedQueue<string>(), new BoundedQueue<string>(), new BoundedQueue<string>(), new BoundedQueue<string>()]
  const readables = [closed, failed, idle, unread].map(queue => new QueueReadable(queue, BRACKETS, KEEP_ALIVE))
  for (const readable of readables.slice(0, 3)) readable.resume()
  await settle()
  t.equal(time.pending, 4)
  closed.close()
  await settle()
  t.equal(time.pending, 3)
  failed.fail(new Error('broken'))
  await settle()
  t.equal(time.pending, 2)
  for (const readable of readables) readable.destroy()
  await settle()
  t.equal(time.pending, 0)
})

t.test('destroyed by its reader in the middle of a keep-alive, it leaves no timer', async t => {
  const time = useVirtualTime(t)
  const readable = new QueueReadable(new BoundedQueue<string>(), BRACKETS, KEEP_ALIVE)
  readable.on('data', () => readable.destroy())
  await time.advance(15_000)
  t.equal(readable.destroyed, true)
  t.equal(time.pending, 0)
})
