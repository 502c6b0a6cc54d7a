/**
 * Guards against what one stalled client used to hold: a piece of text that is not ASCII was a part of Node's buffer pool, of
 * which all 64 KiB stay as long as that part waits for its socket.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { mock } from 'node:test'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { sendBatches } from '../../streams/batch-response.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'

const PIECES = ['é', '好', '😀'].flatMap(character => [5_000, 9_000, 40_000].map(length => character.repeat(length)))

t.test('text that is not ASCII waits for its socket in memory of its own', async t => {
  const held: number[] = []
  const http = createServer((request, response) => {
    const { mock: writes } = mock.method(request.socket, 'write') // it writes as ever
    const queue = new BoundedQueue<string>({ capacity: 1 })
    response.writeHead(200)
    void sendBatches(queue, { encode: ([text = '']) => text, end: () => '', fail: () => undefined }, response)
    void (async () => {
      for (const piece of ['begins', ...PIECES]) {
        await queue.put(piece)
        await new Promise(resolve => setImmediate(resolve)) // each is a write of its own
      }
      queue.close()
      for (const { arguments: [piece] } of writes.calls) {
        if (typeof piece !== 'string') held.push(piece.buffer.byteLength - piece.byteLength)
      }
    })()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.teardown(() => { http.close() })
  const body = await (await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)).text()
  t.equal(body, ['begins', ...PIECES].join(''))
  t.ok(held.length > 0, 'some was written as bytes')
  t.same(held.filter(bytes => bytes > 0), [], 'beside the text')
})
