/**
 * Real sockets, virtual time: what a client takes is up to the test, and so is how much time passes meanwhile.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { cutWhenStalled } from '../../streams/stall-watch.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

/** More than the kernel's buffers at both ends take. */
const MUCH = 32 * 1024 * 1024
const STALL_MS = 1000

async function exchange (t: Test): Promise<{ client: Socket, response: ServerResponse }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const client = connect(typeof address === 'object' && address !== null ? address.port : 0, '127.0.0.1')
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  client.on('error', () => {})
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const response = await new Promise<ServerResponse>(resolve => { server.once('request', (_request, response) => resolve(response)) })
  response.on('error', () => {})
  response.writeHead(200)
  return { client, response }
}

t.test('a client that takes nothing is cut, also after the end was written', async t => {
  for (const ended of [false, true]) {
    const { response } = await exchange(t)
    const time = useVirtualTime(t)
    cutWhenStalled(response, STALL_MS)
    if (ended) response.end(Buffer.alloc(MUCH))
    else response.write(Buffer.alloc(MUCH))
    await time.advance(STALL_MS)
    t.equal(response.destroyed, false)
    const closed = once(response, 'close')
    while (!response.destroyed) await time.advance(STALL_MS) // not before the kernel has taken what it can
    await closed
    t.equal(response.writableFinished, false)
    t.equal(time.pending, 0)
  }
})

t.test('one that has taken everything is not, however long nothing comes', async t => {
  const { client, response } = await exchange(t)
  const time = useVirtualTime(t)
  cutWhenStalled(response, STALL_MS)
  client.resume()
  response.write('x')
  await once(client, 'data')
  await time.advance(STALL_MS * 10)
  t.equal(response.destroyed, false)
  response.end()
  await once(response, 'close')
  t.equal(response.writableFinished, true)
  t.equal(time.pending, 0)
})

t.test('one that is slow, but takes a piece between two looks, gets everything', async t => {
  const PIECE = 4 * 1024 * 1024 // about what the kernel's buffers take
  const { client, response } = await exchange(t)
  const time = useVirtualTime(t)
  cutWhenStalled(response, STALL_MS)
  const { socket } = response
  let received = 0
  client.on('data', (bytes: Buffer) => { received += bytes.length })
  let looks = 0
  for (let written = 0; written < MUCH; written += PIECE) {
    response.write(Buffer.alloc(PIECE))
    await time.advance(STALL_MS)
    if ((socket?.writableLength ?? 0) > 0) looks++
    client.resume()
    while ((socket?.writableLength ?? 0) > 0) await new Promise(resolve => { setImmediate(resolve) })
    client.pause()
  }
  t.ok(looks > 2, `something was waiting at ${looks} looks`)
  response.end()
  client.resume()
  await once(client, 'end')
  t.ok(received > MUCH)
})
