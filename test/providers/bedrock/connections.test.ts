import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { upstreamErrorOf } from '../../support/rejection.ts'
import { START, STOP, USAGE, begin, exception, text } from './event-stream-server.ts'
import { IDLE, REQUEST, read, serverFor } from './target.ts'

t.test('the stream is there with the status, before any event', async t => {
  const { server, provider } = await serverFor(t)
  const [exchange, stream] = await Promise.all([
    server.exchange().then(exchange => { begin(exchange); return exchange }),
    provider.stream({ request: REQUEST, signal: IDLE })
  ])
  t.equal(stream.queue.size, 0)
  t.match(exchange.request.headers.authorization, /^AWS4-HMAC-SHA256 Credential=AKIATESTTESTTESTTEST\/\d+\/eu-west-1\/bedrock\/aws4_request/)
  for (const bytes of [START, text('Hi'), STOP, USAGE]) exchange.response.write(bytes)
  exchange.response.end()
  t.match(await read(stream), { content: 'Hi', finish: 'stop', usage: { total_tokens: 3 }, error: undefined })
})

t.test('a failed stream keeps no connection', async t => {
  const { server, provider } = await serverFor(t)
  const answered = server.exchange()
  const stream = provider.stream({ request: REQUEST, signal: IDLE })
  const exchange = await answered
  const closed = once(exchange.socket, 'close')
  begin(exchange, START, text('Hi'), exception('internalServerException', 'x')) // and the body stays open
  t.match(await read(await stream), { content: 'Hi', error: { reason: 'in_band_error' } })
  await closed
})

t.test('abort', async t => {
  const { server, provider } = await serverFor(t)

  t.test('beforehand', async t => {
    const gone = AbortSignal.abort()
    t.match(await upstreamErrorOf(provider.stream({ request: REQUEST, signal: gone })), { reason: 'client_closed' })
    t.match(await upstreamErrorOf(provider.complete({ request: REQUEST, signal: gone })), { reason: 'client_closed' })
    t.equal(server.connections, 0)
  })

  for (const method of ['stream', 'complete'] as const) {
    t.test(`before the status: ${method}`, async t => {
      const caller = new AbortController()
      const answered = server.exchange()
      const call = method === 'stream' ? provider.stream({ request: REQUEST, signal: caller.signal }) : provider.complete({ request: REQUEST, signal: caller.signal })
      const failed = upstreamErrorOf(call)
      const { socket } = await answered
      const closed = once(socket, 'close')
      caller.abort(new UpstreamError('deadline', 'too late'))
      t.match(await failed, { reason: 'deadline' })
      await closed
    })
  }

  /** A stream that has brought "Hi" and goes on, with no event on its way. */
  const running = async (signal: AbortSignal) => {
    const answered = server.exchange()
    const opened = provider.stream({ request: REQUEST, signal })
    const exchange = await answered
    begin(exchange, START, text('Hi'))
    const stream = await opened
    await stream.started
    return { stream, closed: once(exchange.socket, 'close') }
  }

  t.test('of a running stream: the consumer learns why', async t => {
    const caller = new AbortController()
    const { stream, closed } = await running(caller.signal)
    caller.abort()
    await closed
    t.match(await read(stream), { content: 'Hi', error: { reason: 'client_closed' } })
  })

  t.test('by the consumer\'s leaving', async t => {
    const { stream, closed } = await running(IDLE)
    stream.queue.cancel()
    await closed // nothing else ends it: the server has more to say
    t.strictSame(await stream.ended, { kind: 'cancelled' })
  })

  t.test('by the target\'s close', async t => {
    const { server, provider } = await serverFor(t)
    const answered = server.exchange()
    const opened = provider.stream({ request: REQUEST, signal: IDLE })
    begin(await answered, START, text('Hi'))
    const stream = await opened
    await stream.started
    await provider.close()
    t.match(await read(stream), { content: 'Hi', error: { reason: 'shutdown' } })
  })
})

t.test('a stream waits for no other stream, and leaves its connection to the next', async t => {
  const { server, provider } = await serverFor(t)
  const count = 120
  const waiting: (() => void)[] = []
  server.answer = exchange => {
    begin(exchange, START, text('Hi'))
    waiting.push(() => exchange.response.end(Buffer.concat([STOP, USAGE])))
  }
  const streams = await Promise.all(Array.from({ length: count }, () => provider.stream({ request: REQUEST, signal: IDLE })))
  await Promise.all(streams.map(({ started }) => started))
  t.equal(server.connections, count)
  for (const end of waiting.splice(0)) end()
  for (const stream of streams) t.match(await read(stream), { content: 'Hi', error: undefined })
  server.answer = exchange => { begin(exchange, START, text('Hi'), STOP); exchange.response.end() }
  await setImmediate() // undici gives a connection back a turn later, should the server close it
  await read(await provider.stream({ request: REQUEST, signal: IDLE }))
  t.equal(server.connections, count)
})

t.test('a consumer that reads nothing stops the reading of the socket', async t => {
  const { server, provider } = await serverFor(t)
  const characters = 2000
  const batch = Buffer.concat(new Array<Buffer>(32).fill(text('x'.repeat(characters))))
  const batches = Math.ceil(20 * 1024 * 1024 / batch.length)
  const answered = server.exchange()
  const opened = provider.stream({ request: REQUEST, signal: IDLE, queue: { maxBytes: 1024 * 1024 } })
  const exchange = await answered
  begin(exchange, START)
  let accepted = 0
  const offer = (): void => {
    if (accepted === batches) exchange.response.end(STOP)
    else exchange.response.write(batch, () => { accepted++; offer() }) // called back when the kernel has taken it
  }
  offer()
  const stream = await opened
  await stream.started

  // Other requests go round meanwhile: time enough to read everything, on the one event loop that both sides share.
  server.answer = ({ response }) => { response.setHeader('content-type', 'application/json').end('{"output":{"message":{"content":[{"text":"a"}]}},"stopReason":"end_turn"}') }
  let settled = -1
  while (settled !== accepted) {
    settled = accepted
    for (let round = 0; round < 50; round++) await provider.complete({ request: REQUEST, signal: IDLE })
  }
  t.equal(stream.queue.size, stream.queue.capacity)
  t.ok(accepted < batches * 0.75, `the kernel took ${accepted * batch.length} of ${batches * batch.length} bytes`)

  let length = 0
  for await (const json of stream.queue) length += JSON.parse(json).choices[0]?.delta.content?.length ?? 0
  t.equal(length, batches * 32 * characters, 'and nothing is lost')
})
