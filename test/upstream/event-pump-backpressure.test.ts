/**
 * A consumer that does not read costs the queue and what the kernel buffers; then it gets everything.
 */
import t from 'tap'
import { chunkPump } from '../../providers/chat-completions/chunk-reader.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import { finishChunk, textChunk } from '../support/chunks.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import type { Connection } from '../support/raw-upstream.ts'
import { settle } from '../support/virtual-time.ts'

const MIB = 1024 * 1024
const PIECES = 20 * 1024
/** A thousand characters of text, so 20 MiB in all. */
const piece = (n: number) => textChunk(`${n} `.padEnd(900, '.'))

/** Offers everything as fast as the socket takes it. */
async function offerAll (connection: Connection, progress: { offered: number }): Promise<void> {
  await connection.request()
  connection.sendStreamHead()
  for (let n = 0; n < PIECES; n++) {
    const text = `data: ${piece(n).json}\n\n`
    progress.offered += text.length
    if (!connection.sendChunk(text)) await new Promise<void>(resolve => { connection.socket.once('drain', resolve) })
  }
  connection.sendChunk(`data: ${finishChunk().json}\n\ndata: [DONE]\n\n`)
  connection.sendChunk('')
}

t.test('the server offers 20 MiB, nobody reads: a hundred slots are filled, and the socket is left unread', async t => {
  const progress = { offered: 0 }
  const raw = await rawUpstream(t, async connection => await offerAll(connection, progress))
  const upstream = new HttpUpstream({ origin: raw.origin })
  t.teardown(async () => await upstream.close())
  const writer = new CompletionWriter({ maxBytes: MIB })
  let held = 0
  await upstream.stream({ path: '/', headers: {}, body: '{}', signal: new AbortController().signal },
    flow => {
      const pump = chunkPump(writer, flow, [])
      return {
        data: bytes => {
          held += bytes.length
          pump.data(bytes)
        },
        end: () => pump.end(),
        fail: error => pump.fail(error)
      }
    })
  const connection = await raw.connection(1)
  // Until nothing moves any more: the same amount offered over many turns of the loop that both sides run on.
  for (let still = 0, before = -1; still < 200; still = progress.offered === before ? still + 1 : 0) {
    before = progress.offered
    await settle()
  }
  t.equal(writer.queue.size, 100)
  t.ok(writer.queue.bytes <= MIB)
  t.ok(held < MIB, `${held} bytes were read`)
  t.equal(connection.socket.writableNeedDrain, true, 'the server waits')
  t.ok(progress.offered < 14 * MIB, `${progress.offered} bytes were offered`)

  let next = 0
  for await (const json of writer.queue) {
    if (next < PIECES && json !== piece(next).json) t.fail(`piece ${next} is another`)
    next++
    if (writer.queue.size > 100) t.fail('more than a hundred')
  }
  t.equal(next, PIECES + 1)
  t.same(await writer.ended, { kind: 'complete' })
  t.equal(writer.report.chunks, PIECES + 1)
})

t.test('the byte limit holds the socket back, too', async t => {
  const progress = { offered: 0 }
  const raw = await rawUpstream(t, async connection => await offerAll(connection, progress))
  const upstream = new HttpUpstream({ origin: raw.origin })
  t.teardown(async () => await upstream.close())
  const writer = new CompletionWriter({ maxBytes: 16 * 1024 })
  await upstream.stream({ path: '/', headers: {}, body: '{}', signal: new AbortController().signal },
    flow => chunkPump(writer, flow, []))
  await writer.started
  for (let turn = 0; turn < 200; turn++) await settle()
  t.ok(writer.queue.size > 1 && writer.queue.size < 10, `${writer.queue.size} queued`)
  t.ok(writer.queue.bytes <= 16 * 1024)
  writer.queue.cancel()
  await (await raw.connection(1)).closed
})

t.test('a read with a little more than the queue holds does not stop the socket; one with much more does', async t => {
  for (const [pieces, pauses] of [[110, 0], [300, 1]] as const) {
    const writer = new CompletionWriter({ maxBytes: 100 * MIB })
    let paused = 0
    const pump = chunkPump(writer, { pause: () => { paused++ }, resume: () => {}, abandon: () => {}, release: () => {} }, [])
    for (let n = 0; n < pieces; n++) {
      pump.data(Buffer.from(`data: ${piece(n).json}\n\n`))
      if (n % 10 === 9) await settle() // a read of ten events; after the tenth the queue is full
    }
    await settle()
    t.equal(writer.queue.size, 100)
    t.equal(paused, pauses, `${pieces} pieces`)
    const texts: string[] = []
    for (let items = writer.queue.drain(); items.length > 0; items = writer.queue.drain()) texts.push(...items)
    t.same(texts, Array.from({ length: pieces }, (_, n) => piece(n).json))
    writer.queue.cancel()
  }
})

t.test('of a chunk that comes while a larger one than may be queued waits, two reads are held at the most', async t => {
  const LARGE = 64 * 1024
  const READ = 16 * 1024
  const large = (n: number) => textChunk(`${n} `.padEnd(LARGE, '.'))
  const writer = new CompletionWriter({ maxBytes: LARGE })
  const socket = { reading: true }
  const pump = chunkPump(writer, { pause: () => { socket.reading = false }, resume: () => { socket.reading = true }, abandon: () => {}, release: () => {} }, [])
  const events = Buffer.from([1, 2, 3].map(n => `data: ${large(n).json}\n\n`).join('') + `data: ${finishChunk().json}\n\ndata: [DONE]\n\n`)
  let read = 0
  const readOn = async () => {
    while (socket.reading && read < events.length) {
      pump.data(events.subarray(read, read + READ))
      read += READ
      await settle()
    }
  }
  await readOn()
  t.equal(writer.queue.size, 1)
  t.ok(read < large(1).json.length + 3 * READ, `${read} bytes were read`)
  const texts: string[] = []
  while (!writer.queue.exhausted) {
    texts.push(...writer.queue.drain())
    await readOn()
  }
  t.same(texts, [...[1, 2, 3].map(n => large(n).json), finishChunk().json])
  t.same(await writer.ended, { kind: 'complete' })
})
