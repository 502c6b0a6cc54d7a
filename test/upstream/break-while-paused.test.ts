/**
 * The connection breaks while a slow consumer has the pump paused: what was read before the break still comes, then the
 * failure; and if the whole answer was read, there is no failure.
 */
import t from 'tap'
import type { Test } from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { chunkPump } from '../../providers/chat-completions/chunk-reader.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import { finishChunk, textChunk } from '../support/chunks.ts'
import { chunksOf } from '../support/collected-stream.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import type { Connection } from '../support/raw-upstream.ts'

const PIECES = Array.from({ length: 50 }, (_, n) => textChunk(`${n} `).json)

/** A stream that is broken when the consumer has started and not read anything. */
async function brokenStream (t: Test, chunks: readonly string[], breakIt: (connection: Connection) => void, signal = new AbortController().signal): Promise<CompletionWriter> {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    connection.sendChunk(chunks.map(json => `data: ${json}\n\n`).join('')) // small enough to be read at once
  })
  const upstream = new HttpUpstream({ origin: raw.origin })
  t.teardown(async () => await upstream.close())
  const writer = new CompletionWriter({ capacity: 5 })
  const failed = Promise.withResolvers<void>()
  await upstream.stream({ path: '/', headers: {}, body: '{}', signal }, flow => {
    const pump = chunkPump(writer, flow, [])
    return {
      data: bytes => pump.data(bytes),
      end: () => pump.end(),
      fail: error => {
        pump.fail(error)
        failed.resolve()
      }
    }
  })
  await writer.started
  t.equal(writer.queue.size, 5)
  breakIt(await raw.connection(1))
  await failed.promise
  return writer
}

t.test('everything that was read before the break comes before the error', async t => {
  const writer = await brokenStream(t, PIECES, connection => connection.reset())
  const { chunks, error } = await chunksOf(writer)
  t.same(chunks, PIECES)
  t.match(error, { reason: 'reset' })
  t.match(await writer.ended, { kind: 'failed', error: { reason: 'reset' } })
})

t.test('an answer that was read to its end is complete', async t => {
  for (const end of [[finishChunk().json], [finishChunk().json, '[DONE]']]) {
    const writer = await brokenStream(t, [...PIECES, ...end], connection => connection.reset())
    t.same(await chunksOf(writer), { chunks: [...PIECES, finishChunk().json] })
    t.same(await writer.ended, { kind: 'complete' })
  }
})

t.test('an abort does not wait for the slow consumer: the stream has ended at once', async t => {
  const aborter = new AbortController()
  const error = new UpstreamError('deadline', 'too late')
  const writer = await brokenStream(t, PIECES, () => aborter.abort(error), aborter.signal)
  t.same(await writer.ended, { kind: 'failed', error })
  t.same((await chunksOf(writer)).chunks, PIECES.slice(0, 5))
})

t.test('after the break, too, an abort ends the stream of a consumer that reads nothing', async t => {
  const aborter = new AbortController()
  const error = new UpstreamError('deadline', 'too late')
  const writer = await brokenStream(t, PIECES, connection => connection.reset(), aborter.signal)
  aborter.abort(error)
  t.same(await writer.ended, { kind: 'failed', error })
})
