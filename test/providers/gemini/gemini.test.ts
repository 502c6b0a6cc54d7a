import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import t from 'tap'
import type { Test } from 'tap'
import Fastify from 'fastify'
import { LLMock } from '@copilotkit/aimock'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import gemini from '../../../providers/gemini.ts'
import type { CompletionCall, Provider } from '../../../providers/provider.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { ChatCompletionChunk } from '../../../schemas/chat-completion.ts'
import type { CompletionStream } from '../../../streams/completion-stream.ts'
import { rejectionOf } from '../../support/rejection.ts'

const apiKey = 'test-key-123456'

/** The target of a bare Fastify app; closed when the test ends. */
async function target (t: Test, baseURL: string, model = 'gemini-2.5-flash'): Promise<Provider> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(gemini, { baseURL, apiKey, model })
  const provider = app.providers.get('gemini')
  if (provider === undefined) throw new Error('the plugin added no target')
  return provider
}

/** A server on the loopback interface. */
async function upstream (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return `http://127.0.0.1:${address.port}`
}

/** A server whose one exchange the test takes into its own hands. */
async function exchange (t: Test): Promise<{ url: string, exchanged: Promise<{ request: IncomingMessage, response: ServerResponse }> }> {
  const { promise: exchanged, resolve } = Promise.withResolvers<{ request: IncomingMessage, response: ServerResponse }>()
  const url = await upstream(t, (request, response) => {
    request.resume()
    request.once('end', () => resolve({ request, response }))
  })
  return { url, exchanged }
}

function call (request: Partial<ChatCompletionRequest> = {}, signal = new AbortController().signal): CompletionCall {
  return { request: { messages: [{ role: 'user', content: 'Hello' }], ...request }, signal }
}

const event = (text: string, rest: Record<string, unknown> = {}) => `data: ${JSON.stringify({ candidates: [{ content: { parts: [{ text }], role: 'model' }, index: 0, ...rest }] })}\r\n\r\n`

/** Text and last finish reason of a stream; rejects with its error. */
async function read ({ queue }: CompletionStream): Promise<{ text: string, finishReason: string | null, chunks: ChatCompletionChunk[] }> {
  let text = ''
  let finishReason: string | null = null
  const chunks: ChatCompletionChunk[] = []
  for await (const json of queue) {
    const chunk: ChatCompletionChunk = JSON.parse(json)
    chunks.push(chunk)
    for (const { delta, finish_reason: reason } of chunk.choices) {
      text += delta.content ?? ''
      finishReason = reason ?? finishReason
    }
  }
  return { text, finishReason, chunks }
}

t.test('against aimock', async t => {
  const mock = new LLMock({ port: 0, chunkSize: 4 })
  mock.onMessage('Hello', { content: 'Good morning, dear world.', reasoning: 'A greeting.', usage: { prompt_tokens: 3, completion_tokens: 5 } })
  mock.onMessage('weather', { toolCalls: [{ id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' }, { name: 'time', arguments: '{}' }] })
  mock.onMessage('limit', { error: { message: 'Slow down.' }, status: 429 })
  await mock.start()
  t.teardown(() => mock.stop())
  const provider = await target(t, mock.url)

  t.test('a whole answer', async t => {
    const { json, finishReason, usage } = await provider.complete(call())
    t.match(JSON.parse(json), {
      object: 'chat.completion',
      model: 'gemini-2.5-flash',
      choices: [{ message: { role: 'assistant', content: 'Good morning, dear world.', reasoning_content: 'A greeting.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }
    })
    t.equal(finishReason, 'stop')
    t.match(usage, { total_tokens: 8 })
  })

  t.test('a stream', async t => {
    const stream = await provider.stream(call({ stream: true, stream_options: { include_usage: true } }))
    await stream.started
    const { text, finishReason, chunks } = await read(stream)
    t.equal(text, 'Good morning, dear world.')
    t.equal(finishReason, 'stop')
    t.equal(chunks.map(({ choices }) => choices[0]?.delta.reasoning_content ?? '').join(''), 'A greeting.')
    t.match(chunks.at(-1), { choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })
    t.strictSame(await stream.ended, { kind: 'complete' })
    t.match(stream.report, { finishReason: 'stop', usage: { total_tokens: 8 } })
  })

  t.test('calls, whole and streamed', async t => {
    const ask = call({ messages: [{ role: 'user', content: 'The weather?' }], tools: [{ type: 'function', function: { name: 'weather' } }] })
    const calls = [{ id: 'call_1', function: { name: 'weather', arguments: '{"city":"Oslo"}' } }, { id: String, function: { name: 'time', arguments: '{}' } }]
    t.match(JSON.parse((await provider.complete(ask)).json), { choices: [{ message: { content: null, tool_calls: calls }, finish_reason: 'tool_calls' }] })
    const { chunks, finishReason } = await read(await provider.stream(ask))
    t.match(chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? []), calls.map((call, index) => ({ index, ...call })))
    t.equal(finishReason, 'tool_calls')
  })

  t.test('a refusal', async t => {
    t.match(await rejectionOf(provider.stream(call({ messages: [{ role: 'user', content: 'The limit?' }] }))), { name: 'UpstreamError', reason: 'rate_limited' })
    t.match(await rejectionOf(provider.complete(call({ messages: [{ role: 'user', content: 'no fixture' }] }))), { name: 'UpstreamError', reason: 'not_found' })
  })
})

t.test('the request', async t => {
  for (const [base, model, other, path] of [
    ['', 'gemini-2.5-flash', undefined, '/v1beta/models/gemini-2.5-flash:generateContent'],
    ['/proxy/', 'models/gemini-2.5-flash', undefined, '/proxy/v1beta/models/gemini-2.5-flash:generateContent'],
    ['/v1', 'gemini-2.5-flash', 'models/gemini-3-flash', '/v1/models/gemini-3-flash:generateContent'],
    ['/v1alpha/', 'gemini-2.5-flash', '../x?key=y#z', '/v1alpha/models/..%2Fx%3Fkey%3Dy%23z:generateContent']
  ] as const) {
    t.test(path, async t => {
      const { url, exchanged } = await exchange(t)
      const provider = await target(t, url + base, model)
      const completion = provider.complete({ ...call(), model: other })
      const { request, response } = await exchanged
      response.end(JSON.stringify({ candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }] }))
      await completion
      t.equal(request.method, 'POST')
      t.equal(request.url, path)
      t.match(request.headers, { 'x-goog-api-key': apiKey, 'content-type': 'application/json' })
      t.equal(provider.model, model)
      t.equal(provider.kind, 'gemini')
    })
  }

  t.test('what Gemini cannot express is refused before anything is sent', async t => {
    const provider = await target(t, await upstream(t, () => t.fail('a request was sent')))
    t.match(await rejectionOf(provider.complete(call({ logit_bias: { 1: 1 } }))), { reason: 'unsupported', param: 'logit_bias' })
    t.match(await rejectionOf(provider.stream(call({ logit_bias: { 1: 1 } }))), { reason: 'unsupported', param: 'logit_bias' })
    // It can be read, and cannot be written.
    const deep = '{"a":'.repeat(20_000) + '1' + '}'.repeat(20_000)
    const messages: ChatCompletionRequest['messages'] = [{ role: 'user', content: 'Hello' }, { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: deep } }] }]
    t.match(await rejectionOf(provider.complete(call({ messages }))), { reason: 'invalid_request' })
  })

  t.test('wrong options are named', async t => {
    const app = Fastify()
    t.teardown(() => app.close())
    t.match(await rejectionOf(app.register(gemini, { baseURL: 'not a URL', apiKey, model: '' })), { name: 'ProviderOptionsError', message: /baseURL.*model/ })
  })
})

t.test('the upstream fails', async t => {
  t.test('rate limits tell when to come back', async t => {
    const url = await upstream(t, (_request, response) => {
      response.writeHead(429, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }] } }))
    })
    const provider = await target(t, url)
    t.match(await rejectionOf(provider.complete(call())), { reason: 'rate_limited', retryAfterMs: 1500, class: 'cooldown' })
    t.match(await rejectionOf(provider.stream(call())), { reason: 'rate_limited', retryAfterMs: 1500, class: 'cooldown' })
  })

  t.test('a whole answer that is none', async t => {
    const provider = await target(t, await upstream(t, (_request, response) => { response.end('<html>') }))
    t.match(await rejectionOf(provider.complete(call())), { reason: 'malformed' })
  })

  t.test('a JSON array in place of events is read as it comes', async t => {
    const { url, exchanged } = await exchange(t)
    const opening = (await target(t, url)).stream(call())
    const { response } = await exchanged
    response.setHeader('content-type', 'application/json; charset=UTF-8')
    response.write('[{"candidates":[{"content":{"parts":[{"text":"Hel"}]}}]}\n')
    const stream = await opening
    t.match((await stream.queue.next()).value, /Hel/)
    response.end(',{"candidates":[{"content":{"parts":[{"text":"lo"}]},"finishReason":"STOP"}]}]')
    t.match(await read(stream), { text: 'lo', finishReason: 'stop' })
  })

  t.test('an error in the stream, after output', async t => {
    const url = await upstream(t, (_request, response) => {
      response.setHeader('content-type', 'text/event-stream')
      response.end(event('Hel') + 'data: {"error":{"code":503,"status":"UNAVAILABLE","message":"x"}}\r\n\r\n')
    })
    const stream = await (await target(t, url)).stream(call())
    t.match((await stream.queue.next()).value, /Hel/)
    t.match(await rejectionOf(stream.queue.next()), { reason: 'in_band_error' })
  })

  for (const [how, finish, reason] of [['cut', {}, 'reset'], ['cut', { finishReason: 'STOP' }, 'reset'], ['ended', {}, 'truncated']] as const) {
    t.test(`a stream that is ${how} in the middle (${Object.keys(finish).join() || 'no finish reason'}) fails, after what had come`, async t => {
      const { url, exchanged } = await exchange(t)
      const opening = (await target(t, url)).stream(call())
      const { response } = await exchanged
      response.setHeader('content-type', 'text/event-stream')
      response.write(event('Hel', finish))
      const stream = await opening
      t.match((await stream.queue.next()).value, /Hel/)
      if (how === 'cut') response.destroy()
      else response.end()
      t.match(await rejectionOf(stream.queue.next()), { reason })
      t.match(await stream.ended, { kind: 'failed', error: { reason } })
      t.equal(stream.queue.state.kind, 'failed')
    })
  }
})

t.test('the caller leaves', async t => {
  t.test('before the headers', async t => {
    const { url, exchanged } = await exchange(t)
    const abort = new AbortController()
    const opening = (await target(t, url)).stream(call({}, abort.signal))
    const { response } = await exchanged
    const closed = once(response, 'close')
    abort.abort(new UpstreamError('deadline', 'The time is up.'))
    t.match(await rejectionOf(opening), { reason: 'deadline' })
    await closed
    t.equal(response.writableFinished, false)
  })

  t.test('in the middle, by the signal', async t => {
    const { url, exchanged } = await exchange(t)
    const abort = new AbortController()
    const opening = (await target(t, url)).stream(call({}, abort.signal))
    const { response } = await exchanged
    response.write(event('Hel'))
    const stream = await opening
    await stream.started
    const closed = once(response, 'close')
    abort.abort()
    await closed
    t.match(await stream.ended, { kind: 'failed', error: { reason: 'client_closed' } })
  })

  t.test('in the middle, by the queue', async t => {
    const { url, exchanged } = await exchange(t)
    const opening = (await target(t, url)).stream(call())
    const { response } = await exchanged
    response.write(event('Hel'))
    const stream = await opening
    await stream.started
    const closed = once(response, 'close')
    stream.queue.cancel()
    await closed
    t.strictSame(await stream.ended, { kind: 'cancelled' })
  })

  t.test('a call whose signal is aborted already sends nothing', async t => {
    const provider = await target(t, await upstream(t, () => t.fail('a request was sent')))
    t.match(await rejectionOf(provider.complete(call({}, AbortSignal.abort()))), { reason: 'client_closed' })
  })
})

t.test('a consumer that reads nothing stops the upstream', async t => {
  const EVENTS = 20_000
  const filler = 'x'.repeat(950)
  let sent = 0
  function * events (): Generator<string> {
    while (sent < EVENTS) yield event(`${++sent} ${filler};`, sent === EVENTS ? { finishReason: 'STOP' } : {})
  }
  const url = await upstream(t, (request, response) => {
    request.resume()
    if (request.url?.includes('streamGenerateContent') === true) {
      response.setHeader('content-type', 'text/event-stream')
      pipeline(Readable.from(events()), response, () => {})
    } else {
      response.end(JSON.stringify({ candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }] }))
    }
  })
  const provider = await target(t, url)
  const stream = await provider.stream({ ...call(), queue: { maxBytes: 1024 * 1024 } })
  await stream.started
  // A whole answer takes the event loop round several times. Until a few of them pass without an event being sent, the
  // buffers of the two sockets fill.
  for (let idle = 0, before = 0; idle < 20; idle = sent === before ? idle + 1 : 0) {
    before = sent
    await provider.complete(call())
  }
  t.equal(stream.queue.size, 100)
  t.equal(stream.queue.state.kind, 'open')
  t.ok(sent < EVENTS * 0.8, `of ${EVENTS} events of 1 kB the upstream could send ${sent}`)

  const { text, finishReason } = await read(stream)
  const numbers = text.split(';').slice(0, -1).map(piece => Number.parseInt(piece))
  t.equal(numbers.length, EVENTS)
  t.ok(numbers.every((n, i) => n === i + 1), 'every event once, in order')
  t.equal(finishReason, 'stop')
})
