import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { smallReads } from '../../upstream/small-reads.ts'
import { until } from '../support/gateway-process.ts'

const KIB = 1024
const READ = 16 * KIB

/** A server's end of a connection, and the other one as it was made here. */
async function connected (t: Test): Promise<{ readonly remote: Socket, readonly local: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const accepted = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const local = await new Promise<Socket>((resolve, reject) => {
    smallReads(5_000)({ protocol: 'http:', hostname: '127.0.0.1', port: String(port) }, (...[error, socket]) => {
      if (error === null) resolve(socket)
      else reject(error)
    })
  })
  const [remote] = await accepted
  t.teardown(() => {
    local.destroy()
    remote.destroy()
  })
  return { remote, local }
}

/** Bytes that are different wherever one begins to look. */
const pattern = (length: number) => Buffer.from(Uint32Array.from({ length: length / 4 }, (_, n) => n).buffer)

t.test('what nobody asks for is at most two reads, however much is offered; then all of it comes, in order', async t => {
  const { remote, local } = await connected(t)
  const sent = pattern(4 * KIB * KIB)
  remote.end(sent)
  const pieces: Buffer[] = []
  await once(local, 'readable')
  // A read at a time, as a parser does which is told to stop in the middle: what it has not used goes back.
  const read = (): void => {
    const piece: Buffer | null = local.read()
    if (piece !== null) pieces.push(piece)
  }
  read()
  await until('it has read ahead', () => local.readableLength > 0)
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => { setImmediate(resolve) })
  t.ok(local.readableLength <= 2 * READ, `${local.readableLength} bytes wait`)
  local.on('readable', () => {
    t.ok(local.readableLength <= 2 * READ)
    read()
  })
  read()
  await once(local, 'end')
  t.ok(Buffer.concat(pieces).equals(sent))
})

t.test('two connections that are read in turns do not get each other\'s bytes, and keep what they have read', async t => {
  const [a, b] = [await connected(t), await connected(t)]
  const got: [Buffer[], Buffer[]] = [[], []]
  a.local.on('data', piece => got[0].push(piece))
  b.local.on('data', piece => got[1].push(piece))
  for (let n = 0; n < 50; n++) {
    a.remote.write(`a${n} `)
    b.remote.write(`b${n} `)
    await new Promise(resolve => { setImmediate(resolve) })
  }
  a.remote.end()
  b.remote.end()
  await Promise.all([once(a.local, 'end'), once(b.local, 'end')])
  t.equal(Buffer.concat(got[0]).toString(), Array.from({ length: 50 }, (_, n) => `a${n} `).join(''))
  t.equal(Buffer.concat(got[1]).toString(), Array.from({ length: 50 }, (_, n) => `b${n} `).join(''))
  for (const piece of got.flat()) t.equal(piece.buffer.byteLength, piece.length, 'a read has memory of its own')
})

t.test('where nobody listens, it says so', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const error = await new Promise<Error | null>(resolve => {
    smallReads(5_000)({ protocol: 'http:', hostname: '127.0.0.1', port: String(port) }, (...[failed]) => resolve(failed))
  })
  t.match(error, { code: 'ECONNREFUSED' })
})
