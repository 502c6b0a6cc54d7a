import t from 'tap'
import type { Test } from 'tap'
import { chunkPump } from '../../providers/chat-completions/chunk-reader.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { CompletionStreamOptions } from '../../streams/completion-stream.ts'
import { HttpUpstream } from '../../upstream/http-upstream.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { chunksOf } from '../support/collected-stream.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import type { Connection } from '../support/raw-upstream.ts'
import { settle } from '../support/virtual-time.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const event = (data: string) => `data: ${data}\n\n`
const DONE = event('[DONE]')
const ANSWER = [roleChunk(), textChunk('a'), textChunk('b'), finishChunk()].map(({ json }) => json)
const ANSWERED = ANSWER.map(event).join('') + DONE

function upstreamAt (t: Test, origin: string): HttpUpstream {
  const upstream = new HttpUpstream({ origin })
  t.teardown(async () => await upstream.close())
  return upstream
}

/** Asks for a stream, as a provider does. */
async function pumped (upstream: HttpUpstream, options: CompletionStreamOptions = {}, signal = new AbortController().signal): Promise<CompletionWriter> {
  const writer = new CompletionWriter(options)
  await upstream.stream({ path: '/', headers: {}, body: '{}', signal }, flow => chunkPump(writer, flow, []))
  return writer
}

/** One request, answered by a chunked event stream with this in it. */
async function answering (t: Test, answer: (connection: Connection) => void): Promise<HttpUpstream> {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    answer(connection)
  })
  return upstreamAt(t, raw.origin)
}

t.test('every chunk once, in order, and the end', async t => {
  const writer = await pumped(await answering(t, connection => {
    for (const byte of ANSWERED) connection.sendChunk(byte)
    connection.sendChunk('')
  }))
  t.same(await chunksOf(writer), { chunks: ANSWER })
  t.same(await writer.ended, { kind: 'complete' })
})

t.test('a body that ends without the terminal event: complete with a finish reason, truncated without', async t => {
  for (const [text, end] of [[ANSWER.map(event).join(''), { kind: 'complete' }], [ANSWER.slice(0, 3).map(event).join(''), { kind: 'failed', error: { reason: 'truncated' } }]] as const) {
    const writer = await pumped(await answering(t, connection => {
      connection.sendChunk(text)
      connection.sendChunk('')
    }))
    t.match(await writer.ended, end)
  }
})

t.test('[DONE] ends the answer, also where no finish reason came', async t => {
  const writer = await pumped(await answering(t, connection => { connection.sendChunk(event(textChunk('a').json) + DONE) }))
  t.same(await chunksOf(writer), { chunks: [textChunk('a').json] })
  t.same(await writer.ended, { kind: 'complete' })
})

t.test('a body that breaks: reset, unless every finish reason was there', async t => {
  for (const [text, end] of [[ANSWER.slice(0, 3).map(event).join(''), { kind: 'failed', error: { reason: 'reset' } }], [ANSWER.map(event).join(''), { kind: 'complete' }]] as const) {
    const writer = await pumped(await answering(t, connection => {
      connection.sendChunk(text)
      connection.end()
    }))
    t.match(await writer.ended, end)
  }
})

t.test('an error event ends the stream and lets the connection go', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    connection.sendChunk(event(textChunk('a').json) + event('{"error":{"message":"overloaded","code":529}}') + event(textChunk('b').json))
  })
  const writer = await pumped(upstreamAt(t, raw.origin))
  t.match(await chunksOf(writer), { chunks: [textChunk('a').json], error: { reason: 'in_band_error', status: 529 } })
  await (await raw.connection(1)).closed
})

t.test('what is no JSON, and an event without end, are malformed and let the connection go', async t => {
  for (const text of [event('Internal Server Error'), event('[]'), `data: ${'x'.repeat(9 * 1024 * 1024)}`]) {
    const raw = await rawUpstream(t, async connection => {
      await connection.request()
      connection.sendStreamHead()
      connection.sendChunk(text)
    })
    const writer = await pumped(upstreamAt(t, raw.origin))
    t.match(await writer.ended, { kind: 'failed', error: { name: 'UpstreamError', reason: 'malformed' } }, text.slice(0, 20))
    await (await raw.connection(1)).closed
  }
})

t.test('the consumer leaves: the connection is closed at once, whether chunks wait or not', async t => {
  for (const capacity of [1, 100]) {
    const raw = await rawUpstream(t, async connection => {
      await connection.request()
      connection.sendStreamHead()
      connection.sendChunk(ANSWER.slice(0, 3).map(event).join(''))
    })
    const writer = await pumped(upstreamAt(t, raw.origin), { capacity })
    await writer.started
    writer.queue.cancel()
    t.same(await writer.ended, { kind: 'cancelled' })
    await (await raw.connection(1)).closed
  }
})

t.test('the signal aborts: its error comes after what is queued, and the connection is closed', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    connection.sendChunk(ANSWER.slice(0, 2).map(event).join(''))
  })
  const aborter = new AbortController()
  const writer = await pumped(upstreamAt(t, raw.origin), {}, aborter.signal)
  await writer.started
  aborter.abort()
  t.match(await chunksOf(writer), { chunks: ANSWER.slice(0, 2), error: { reason: 'client_closed' } })
  await (await raw.connection(1)).closed
})

t.test('after [DONE] the connection serves the next request, and what follows [DONE] is ignored', async t => {
  const raw = await rawUpstream(t, async connection => {
    for (;;) {
      await connection.request()
      connection.sendStreamHead()
      connection.sendChunk(ANSWERED)
      connection.sendChunk(event('no JSON') + event(textChunk('late').json) + DONE)
      connection.sendChunk('')
    }
  })
  const upstream = upstreamAt(t, raw.origin)
  for (let request = 0; request < 3; request++) {
    const writer = await pumped(upstream)
    t.same(await chunksOf(writer), { chunks: ANSWER })
    for (let turn = 0; turn < 20; turn++) await settle() // for the body's end
  }
  t.equal(raw.connections.length, 1)
})

t.test('an upstream that never closes after [DONE] is let go after a second', async t => {
  const raw = await rawUpstream(t, async connection => {
    await connection.request()
    connection.sendStreamHead()
    connection.sendChunk(ANSWERED)
  })
  const upstream = upstreamAt(t, raw.origin)
  const time = useVirtualTime(t)
  const writer = await pumped(upstream)
  t.same(await writer.ended, { kind: 'complete' })
  const connection = await raw.connection(1)
  await time.advance(999)
  for (let turn = 0; turn < 20; turn++) await settle()
  t.equal(connection.socket.readyState, 'open')
  await time.advance(1)
  await connection.closed
})
