import { LLMock } from '@copilotkit/aimock'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { CompletionStream } from '../../../streams/completion-stream.ts'
import { upstreamErrorOf } from '../../support/rejection.ts'
import { START, STOP, begin, cut, event, exception, frame, frameOf, prelude, text } from './event-stream-server.ts'
import type { EventStreamServer } from './event-stream-server.ts'
import { IDLE, MODEL, REQUEST, providerAt, read, serverFor } from './target.ts'

const TOOLS: ChatCompletionRequest = { messages: [{ role: 'user', content: 'weather?' }], tools: [{ type: 'function', function: { name: 'weather' } }] }

t.test('against aimock', async t => {
  const mock = await LLMock.create({ port: 0, chunkSize: 3 })
  t.teardown(() => mock.stop())
  mock.onMessage('Hello', { content: 'Hi there!', reasoning: 'Be polite.', usage: { prompt_tokens: 3, completion_tokens: 2 } })
  mock.onMessage('weather', { toolCalls: [{ id: 'tooluse_1', name: 'weather', arguments: '{"city":"Bern"}' }] })
  const provider = await providerAt(t, mock.url)
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

  t.test('a whole answer', async t => {
    const { json, finishReason } = await provider.complete({ request: REQUEST, signal: IDLE })
    t.match(JSON.parse(json), {
      object: 'chat.completion',
      model: MODEL,
      choices: [{ message: { role: 'assistant', content: 'Hi there!', reasoning_content: 'Be polite.' }, finish_reason: 'stop' }],
      usage
    })
    t.equal(finishReason, 'stop')
    const sent = mock.getLastRequest()
    t.equal(sent?.path, `/model/${encodeURIComponent(MODEL)}/converse`)
  })

  t.test('a stream, of another model', async t => {
    const stream = await provider.stream({ request: REQUEST, model: 'amazon.nova-pro-v1:0', signal: IDLE })
    await stream.started
    t.match(await read(stream), { content: 'Hi there!', reasoning: 'Be polite.', finish: 'stop', usage, error: undefined })
    t.match(await stream.ended, { kind: 'complete' })
    t.equal(mock.getLastRequest()?.path, '/model/amazon.nova-pro-v1%3A0/converse-stream')
  })

  t.test('tool calls', async t => {
    const call = { id: 'tooluse_1', type: 'function', function: { name: 'weather' } }
    const { json } = await provider.complete({ request: TOOLS, signal: IDLE })
    t.match(JSON.parse(json).choices[0], { message: { content: null, tool_calls: [call] }, finish_reason: 'tool_calls' })
    const { calls, finish } = await read(await provider.stream({ request: TOOLS, signal: IDLE }))
    t.match(calls[0], { index: 0, ...call })
    t.equal(finish, 'tool_calls')
  })

  t.test('errors', async t => {
    for (const [status, reason] of [[429, 'rate_limited'], [403, 'unauthorized'], [503, 'upstream_error'], [400, 'invalid_request']] as const) {
      mock.nextRequestError(status, { message: 'told' })
      t.match(await upstreamErrorOf(provider.complete({ request: REQUEST, signal: IDLE })), { reason, status })
      mock.nextRequestError(status, { message: 'told' })
      t.match(await upstreamErrorOf(provider.stream({ request: REQUEST, signal: IDLE })), { reason, status })
    }
  })
})

t.test('headers beside its own are sent and not signed, and none of its own is replaced', async t => {
  const { server, provider } = await serverFor(t)
  const exchange = server.exchange()
  const failure = upstreamErrorOf(provider.complete({ request: REQUEST, signal: IDLE, headers: { traceparent: '00-1-2-01', 'x-amz-date': 'never', authorization: 'never' } }))
  const { request: { headers }, response } = await exchange
  response.writeHead(400).end()
  await failure
  t.equal(headers['traceparent'], '00-1-2-01')
  t.match(headers['x-amz-date'], /^\d{8}T\d{6}Z$/)
  t.match(headers['authorization'], /^AWS4-HMAC-SHA256 /)
  t.notMatch(headers['authorization'], /traceparent/)
  t.same(provider.server, { address: '127.0.0.1', port: Number(new URL(server.url).port) })
})

t.test('a request that Converse cannot express is not sent', async t => {
  const { server, provider } = await serverFor(t)
  t.match(await upstreamErrorOf(provider.stream({ request: { ...REQUEST, seed: 1 }, signal: IDLE })), { reason: 'unsupported', param: 'seed' })
  t.match(await upstreamErrorOf(provider.complete({ request: { ...REQUEST, n: 2 }, signal: IDLE })), { reason: 'unsupported', param: 'n' })
  t.equal(server.connections, 0)
})

t.test('ends', async t => {
  const { server, provider } = await serverFor(t)
  const half = text('lost').subarray(0, -10)
  const corrupt = Buffer.from(text('lost'))
  corrupt[corrupt.length - 1] = (corrupt.at(-1) ?? 0) ^ 1
  const streamOf = async (answer: EventStreamServer['answer']): Promise<CompletionStream> => {
    server.answer = answer
    return await provider.stream({ request: REQUEST, signal: IDLE })
  }

  for (const [name, reason, answer] of [
    ['cut inside a frame', 'reset', (exchange) => { begin(exchange, START, text('Hi')); cut(exchange, half) }],
    ['cut between two frames', 'reset', (exchange) => { begin(exchange, START); cut(exchange, text('Hi')) }],
    ['ended in order, but without messageStop', 'truncated', (exchange) => { begin(exchange, START, text('Hi')); exchange.response.end() }],
    ['ended in order inside a frame', 'truncated', (exchange) => { begin(exchange, START, text('Hi'), half); exchange.response.end() }],
    ['a frame with a wrong checksum', 'malformed', (exchange) => { begin(exchange, START, text('Hi'), corrupt) }],
    ['a frame of 1 GiB', 'malformed', (exchange) => { begin(exchange, START, text('Hi'), prelude(2 ** 30, 100)) }],
    ['an exception', 'in_band_error', (exchange) => { begin(exchange, START, text('Hi'), exception('internalServerException', 'x')); exchange.response.end() }],
    ['an error', 'in_band_error', (exchange) => { begin(exchange, START, text('Hi'), frame({ ':message-type': 'error', ':error-code': 'x', ':error-message': 'y' }, {})); exchange.response.end() }],
    ['an event that is no JSON', 'malformed', (exchange) => { begin(exchange, START, text('Hi'), frameOf(frame({ ':event-type': 'metadata', ':message-type': 'event' }, {}).subarray(12, -6), Buffer.from('{'))); exchange.response.end() }],
    ['a message of an unknown kind', 'malformed', (exchange) => { begin(exchange, START, text('Hi'), frame({}, {})) }],
    ['an exception that nobody knows', 'in_band_error', (exchange) => { begin(exchange, START, text('Hi'), exception('newException', 'x')); exchange.response.end() }],
    ['a stop reason that says that it failed', 'malformed', (exchange) => { begin(exchange, START, text('Hi'), event('messageStop', { stopReason: 'malformed_tool_use' })) }]
  ] satisfies [string, string, EventStreamServer['answer']][]) {
    t.test(`after output: ${name}`, async t => {
      const stream = await streamOf(answer)
      await stream.started
      const { content, error } = await read(stream)
      t.equal(content, 'Hi', 'what came is kept')
      t.ok(error instanceof UpstreamError)
      t.match(error, { reason })
      t.match(await stream.ended, { kind: 'failed' })
    })
  }

  for (const [name, reason, answer] of [
    ['a throttling exception', 'rate_limited', (exchange) => { begin(exchange, exception('throttlingException', 'x')); exchange.response.end() }],
    ['an error', 'in_band_error', (exchange) => { begin(exchange, frame({ ':message-type': 'error', ':error-code': 'x', ':error-message': 'y' }, {})); exchange.response.end() }],
    ['an exception that nobody knows', 'in_band_error', (exchange) => { begin(exchange, exception('newException', 'x')); exchange.response.end() }],
    ['a frame with a wrong checksum', 'malformed', (exchange) => { begin(exchange, corrupt) }],
    ['an exception after the role', 'in_band_error', (exchange) => { begin(exchange, START, exception('modelStreamErrorException', 'x')); exchange.response.end() }],
    ['nothing', 'empty', (exchange) => { begin(exchange); exchange.response.end() }],
    ['cut', 'reset', (exchange) => { begin(exchange); cut(exchange, START) }]
  ] satisfies [string, string, EventStreamServer['answer']][]) {
    t.test(`before output: ${name}`, async t => {
      const stream = await streamOf(answer)
      t.match(await upstreamErrorOf(stream.started), { reason })
      t.match(await read(stream), { content: '', error: { reason } })
    })
  }

  t.test('a validation exception is explained', async t => {
    const stream = await streamOf(exchange => { begin(exchange, exception('validationException', 'too long')); exchange.response.end() })
    t.match(await upstreamErrorOf(stream.started), { reason: 'invalid_request', status: 400, message: 'too long' })
  })

  t.test('cut after messageStop: nothing is missing', async t => {
    const stream = await streamOf(exchange => { begin(exchange, START, text('Hi')); cut(exchange, STOP) })
    t.match(await read(stream), { content: 'Hi', finish: 'stop', error: undefined })
    t.match(await stream.ended, { kind: 'complete' })
  })

  t.test('an exception after messageStop: nothing is missing', async t => {
    const stream = await streamOf(exchange => { begin(exchange, START, text('Hi'), STOP, exception('internalServerException', 'x')); exchange.response.end() })
    t.match(await read(stream), { content: 'Hi', finish: 'stop', error: undefined })
    t.match(await stream.ended, { kind: 'complete' })
  })

  t.test('what is no event stream', async t => {
    t.match(await upstreamErrorOf(streamOf(({ response }) => { response.writeHead(200, { 'content-type': 'text/html' }).end('<html>') })), { reason: 'malformed' })
    t.match(await upstreamErrorOf(streamOf(({ socket }) => { socket.destroy() })), { reason: 'reset' })
    t.match(await upstreamErrorOf(streamOf(({ socket }) => { socket.end('nonsense\r\n\r\n') })), { reason: 'malformed' })
    for (const [body, reason] of [['<html>', 'malformed'], ['null', 'malformed'], ['5', 'empty'], ['{"output":{"message":{"content":[{"citationsContent":{"content":5}}]}}}', 'malformed']] as const) {
      server.answer = ({ response }) => { response.end(body) }
      t.match(await upstreamErrorOf(provider.complete({ request: REQUEST, signal: IDLE })), { reason }, body)
    }
  })
})

t.test('retry-after', async t => {
  const { server, provider } = await serverFor(t)
  server.answer = ({ response }) => {
    response.writeHead(429, { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '7' }).end('{"message":"x"}')
  }
  t.match(await upstreamErrorOf(provider.stream({ request: REQUEST, signal: IDLE })), { reason: 'rate_limited', retryAfterMs: 7000 })
})

t.test('no connection', async t => {
  const { server, provider } = await serverFor(t)
  await server.stop()
  server.stop = async () => {}
  t.match(await upstreamErrorOf(provider.stream({ request: REQUEST, signal: IDLE })), { reason: 'connect' })
  t.match(await upstreamErrorOf(provider.complete({ request: REQUEST, signal: IDLE })), { reason: 'connect' })
})

t.test('no credentials', async t => {
  const { provider, server } = await serverFor(t)
  const key = process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_ACCESS_KEY_ID']
  t.teardown(() => { process.env['AWS_ACCESS_KEY_ID'] = key })
  t.match(await upstreamErrorOf(provider.stream({ request: REQUEST, signal: IDLE })), { reason: 'unauthorized' })
  t.match(await upstreamErrorOf(provider.complete({ request: REQUEST, signal: IDLE })), { reason: 'unauthorized' })
  t.equal(server.connections, 0)
})
