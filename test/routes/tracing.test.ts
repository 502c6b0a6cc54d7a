import t from 'tap'
import type { Test } from 'tap'
import type { GatewayConfigFile } from '../../schemas/gateway-config.ts'
import { buildGateway, fileOf, openaiAt, targetAt, UPSTREAM_KEY } from '../support/build-gateway.ts'
import type { GatewayUnderTest } from '../support/build-gateway.ts'
import { chat, contentOf, FrameReader, framesOf, HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'
import type { OtlpReceiver, ReceivedSpan } from '../support/otlp-receiver.ts'
import { scrape } from '../support/prometheus-text.ts'
import { answering, CUT, DONE, finish, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

const STREAM = { ...HELLO, stream: true }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const TRACEPARENT = `00-${TRACE}-${CALLER}-01`
/** Spans begin in whole milliseconds, and what is then measured is added: in nanoseconds. */
const MS = 1_000_000n
/** A loaded machine takes its time. */
const TRIES = 6000

/** A gateway whose traces are received. */
async function build (t: Test, options: GatewayUnderTest) {
  const receiver = await otlpReceiver(t)
  const gateway = await buildGateway(t, { ...options, env: { ...options.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url } })
  return { ...gateway, receiver }
}

/** The server span once it is there with so many client spans. */
async function traceOf (receiver: OtlpReceiver, attempts: number): Promise<{ readonly server: ReceivedSpan, readonly clients: ReceivedSpan[] }> {
  const spans = await receiver.until('the trace is there', spans => spans.filter(({ kind }) => kind === 'server').length === 1 && spans.filter(({ kind }) => kind === 'client').length === attempts)
  const [server] = spans.filter(({ kind }) => kind === 'server')
  if (server === undefined) throw new Error('no server span')
  return { server, clients: spans.filter(({ kind }) => kind === 'client').sort((a, b) => Number(a.attributes['gateway.attempt']) - Number(b.attributes['gateway.attempt'])) }
}

t.test('a stream that failed over is one trace: the caller\'s, with both attempts and the time of the first output', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url, receiver, logged } = await build(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(503))
  upstreams.b.next(answering('one two three'))
  const response = await chat(url, { ...STREAM, model: 'chat', temperature: 0.5, max_completion_tokens: 50 }, { headers: { traceparent: TRACEPARENT, tracestate: 'vendor=value', 'x-request-id': 'traced' } })
  t.equal(contentOf(await framesOf(response)), 'one two three')
  const { server, clients: [first, second] } = await traceOf(receiver, 2)
  t.same([server, first, second].map(span => span?.traceId), [TRACE, TRACE, TRACE])
  t.equal(server.parentSpanId, CALLER)
  t.same([first?.parentSpanId, second?.parentSpanId], [server.spanId, server.spanId])
  t.match(server, {
    name: 'POST /v1/chat/completions',
    status: { code: 'unset' },
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/v1/chat/completions',
      'url.path': '/v1/chat/completions',
      'http.response.status_code': 200,
      'gateway.outcome': 'ok',
      'gateway.request_id': 'traced',
      'gateway.model': 'chat',
      'gateway.stream': true,
      'gateway.target': 'b',
      'gateway.attempts': 2,
      'gateway.time_to_first_output': Number
    },
    resource: { 'service.name': 'llm-stream-gateway' }
  })
  const asked = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai', 'gen_ai.request.stream': true, 'gen_ai.request.temperature': 0.5, 'gen_ai.request.max_tokens': 50, 'server.address': '127.0.0.1', 'server.port': Number, 'gateway.hedge': false, 'gateway.rescue': false, 'gateway.breaker.state': 'closed' }
  t.match(first, {
    name: 'chat a-model',
    status: { code: 'error', message: 'failure' },
    attributes: { ...asked, 'gen_ai.request.model': 'a-model', 'gateway.target': 'a', 'gateway.attempt': 1, 'error.type': 'upstream_error', 'http.response.status_code': 503, 'gateway.outcome': 'failure' },
    events: [],
    scope: { schemaUrl: 'https://opentelemetry.io/schemas/1.41.0' }
  })
  t.match(second, {
    name: 'chat b-model',
    status: { code: 'unset' },
    attributes: {
      ...asked,
      'gen_ai.request.model': 'b-model',
      'gateway.target': 'b',
      'gateway.attempt': 2,
      'gen_ai.response.id': 'chatcmpl-1',
      'gen_ai.response.model': 'scripted',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': 3,
      'gen_ai.usage.output_tokens': 5,
      'gateway.usage.source': 'reported',
      'gateway.time_to_first_output': Number,
      'gateway.outcome': 'success'
    },
    events: [{ name: 'gateway.first_output' }]
  })
  t.notOk('error.type' in (second?.attributes ?? {}))
  const at = second?.events[0]?.time ?? 0n
  t.ok(second !== undefined && second.start <= at && at <= second.end, 'the first output is within its attempt')
  t.ok(first !== undefined && second !== undefined && server.start <= first.start && first.end <= second.start + MS && second.end <= server.end + MS, 'one attempt after the other, within the request')

  const [a, b] = [await upstreams.a.request(1), await upstreams.b.request(1)]
  t.same([a, b].map(({ headers }) => headers['traceparent']), [first, second].map(span => `00-${TRACE}-${span?.spanId}-01`), 'each provider is told of its own attempt')
  t.same([a, b].map(({ headers }) => headers['tracestate']), ['vendor=value', 'vendor=value'])
  t.match(logged('attempt failed'), [{ reqId: 'traced', trace_id: TRACE, span_id: first?.spanId }])
  t.match(logged('request ended'), [{ reqId: 'traced', trace_id: TRACE, span_id: server.spanId }])
})

t.test('nothing that was said is in a trace, nor keys, queries, or the words of an error', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: openaiAt(upstream) })
  upstream.next(answering('answer-of-the-model'), answering('answer-of-the-model'), status(400, { error: { message: 'quoted-by-the-provider' } }))
  const said = { messages: [{ role: 'system', content: 'instructions-of-the-caller' }, { role: 'user', content: 'prompt-of-the-caller' }], user: 'user-of-the-caller', stop: ['stop-of-the-caller'], metadata: { key: 'metadata-of-the-caller' } }
  await framesOf(await chat(url, { ...said, stream: true }))
  await (await chat(url, said)).text()
  await (await chat(url, said)).text()
  await (await chat(url, '{"messages": "malformed-of-the-caller')).text()
  await (await fetch(`${url}/v1/models?key=query-of-the-caller`, { headers: { authorization: 'Bearer key-of-the-caller' } })).text()
  const spans = await receiver.until('all are there', spans => spans.length === 8)
  t.ok(spans.some(({ attributes }) => attributes['url.path'] === '/v1/models'))
  t.match(spans.filter(({ attributes }) => attributes['gateway.error'] === 'invalid_json'), [{ status: { code: 'unset' }, attributes: { 'http.response.status_code': 400, 'gateway.outcome': 'refused' }, events: [] }])
  const bytes = Buffer.concat(receiver.bodies)
  for (const word of ['of-the-caller', 'of-the-model', 'quoted-by-the-provider', UPSTREAM_KEY]) t.notOk(bytes.includes(word), word)
})

t.test('a whole answer says who gave it, and has no first output', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: openaiAt(upstream) })
  await (await chat(url)).text()
  const { server, clients: [attempt] } = await traceOf(receiver, 1)
  t.match(attempt, { attributes: { 'gen_ai.request.stream': false, 'gen_ai.response.id': 'chatcmpl-1', 'gen_ai.response.model': 'scripted' }, events: [] })
  t.notOk(['gateway.time_to_first_output', 'gateway.chunks'].some(name => name in (attempt?.attributes ?? {})))
  t.equal(server.parentSpanId, '', 'without a caller\'s trace it has one of its own')
})

t.test('a client that leaves in the middle of a stream is no error, and its spans end', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: openaiAt(upstream) })
  upstream.next(streaming(role(), text('Hel'), new Promise<void>(() => {})))
  const aborter = new AbortController()
  await new FrameReader(await chat(url, STREAM, { signal: aborter.signal })).next()
  aborter.abort()
  const { server, clients: [attempt] } = await traceOf(receiver, 1)
  t.match(server, { status: { code: 'unset' }, attributes: { 'gateway.outcome': 'left' } })
  t.match(attempt, { status: { code: 'unset' }, attributes: { 'gateway.outcome': 'neutral', 'gateway.reason': 'client_closed' }, events: [{ name: 'gateway.first_output' }] })
  for (const span of [server, attempt]) t.notOk('error.type' in (span?.attributes ?? {}))
})

t.test('a stream that breaks is an error under its 200, and one that is carried on has the rescue\'s attempt', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const file: GatewayConfigFile = { ...fileOf(upstreams), models: { broken: { targets: ['a'] }, rescued: { targets: ['a', 'b'], midstreamFailover: 'continue' } }, default: 'broken' }
  const { url, receiver } = await build(t, { file })
  upstreams.a.next(streaming(role(), text('Hel'), CUT))
  await framesOf(await chat(url, STREAM))
  const { server, clients: [attempt] } = await traceOf(receiver, 1)
  t.match(server, { status: { code: 'error', message: '' }, attributes: { 'error.type': 'all_targets_failed', 'gateway.outcome': 'broken', 'http.response.status_code': 200 } })
  t.match(attempt, { status: { code: 'error' }, attributes: { 'error.type': 'reset' }, events: [{ name: 'gateway.first_output' }] })
  receiver.spans.length = 0
  upstreams.a.next(streaming(role(), text('Hello'), CUT))
  upstreams.b.next(streaming(role(), text('Hello'), text(', world'), finish('stop'), usage(), DONE))
  t.equal(contentOf(await framesOf(await chat(url, { ...STREAM, model: 'rescued' }))), 'Hello, world')
  const { server: whole, clients } = await traceOf(receiver, 2)
  t.match(whole, { status: { code: 'unset' }, attributes: { 'gateway.outcome': 'ok', 'gateway.attempts': 2 } })
  t.match(clients, [
    { attributes: { 'gateway.target': 'a', 'gateway.rescue': false, 'error.type': 'reset' }, status: { code: 'error' } },
    { attributes: { 'gateway.target': 'b', 'gateway.rescue': true, 'gateway.outcome': 'success' }, status: { code: 'unset' } }
  ])
})

t.test('a caller\'s context that is none is ignored, and one that says not to sample is obeyed, and handed on', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: openaiAt(upstream) })
  await (await chat(url, HELLO, { headers: { traceparent: `00-${'0'.repeat(32)}-${CALLER}-01` } })).text()
  const { server } = await traceOf(receiver, 1)
  t.not(server.traceId, '0'.repeat(32))
  t.equal(server.parentSpanId, '')
  await (await chat(url, HELLO, { headers: { traceparent: `00-${TRACE}-${CALLER}-00` } })).text()
  const { headers } = await upstream.request(2)
  t.match(headers['traceparent'], new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  await (await chat(url, HELLO, { headers: { traceparent: TRACEPARENT } })).text()
  const spans = await receiver.until('the sampled one is there', spans => spans.filter(({ traceId }) => traceId === TRACE).length === 2)
  t.equal(spans.length, 4)
})

t.test('health checks and metrics are not traced', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: openaiAt(upstream) })
  for (const path of ['/healthz', '/readyz', '/metrics', '/metrics?again', '/v1/models']) await (await fetch(url + path)).text()
  await receiver.until('the last one is there', spans => spans.length > 0)
  t.same(receiver.spans.map(({ name }) => name), ['GET /v1/models'])
})

t.test('the standard variables say what is sent, and to whom', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver } = await build(t, { env: { ...openaiAt(upstream), OTEL_SERVICE_NAME: 'my-gateway', OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test,team=a%20b', OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=42,authorization=Basic%20abc' } })
  await (await chat(url)).text()
  const { server } = await traceOf(receiver, 1)
  t.match(server.resource, { 'service.name': 'my-gateway', 'deployment.environment.name': 'test', team: 'a b', 'telemetry.sdk.language': 'nodejs' })
  t.match(receiver.exports[0], { 'x-tenant': '42', authorization: 'Basic abc' })
})

t.test('where nothing is sampled nothing is sent, and where tracing is switched off providers get no context', async t => {
  const upstream = await scriptedUpstream(t)
  const none = await build(t, { env: { ...openaiAt(upstream), OTEL_TRACES_SAMPLER: 'always_off' } })
  const off = await build(t, { env: { ...openaiAt(upstream), OTEL_SDK_DISABLED: 'true' } })
  for (const { url } of [none, off]) await (await chat(url, HELLO, { headers: { traceparent: TRACEPARENT } })).text()
  const headers = [await upstream.request(1), await upstream.request(2)].map(({ headers }) => headers['traceparent'])
  t.match(headers[0], new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  t.equal(headers[1], undefined)
  await Promise.all([none, off].map(async ({ server }) => await server.close())) // exports what there is
  t.same([none, off].map(({ receiver }) => receiver.exports.length), [0, 0])
  t.ok(none.logged('request ended').every(line => line['trace_id'] === TRACE))
  t.notOk(off.logged('request ended').some(line => 'trace_id' in line))
})

t.test('what was recorded is exported before the server has closed', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver, server } = await build(t, { env: openaiAt(upstream) })
  await (await chat(url)).text()
  await server.close()
  t.equal(receiver.spans.length, 2)
})

t.test('a collector that refuses costs requests nothing: spans are lost, counted, and it is said once', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, receiver, logged } = await build(t, { env: openaiAt(upstream) })
  receiver.status = 400
  for (let round = 0; round < 2; round++) {
    t.equal((await chat(url)).status, 200)
    await until('they are counted', async () => (await scrape(url)).value('llm_gateway_spans_lost_total') === 2 * (round + 1), TRIES)
  }
  t.match(logged('traces cannot be exported: spans are lost'), [{ level: 40, code: 400 }])
  t.equal(logged('traces cannot be exported: spans are lost').length, 1)
  receiver.status = 200
  await (await chat(url)).text()
  await until('it is well again', () => logged('traces are exported again').length === 1, TRIES)
  await until('what was exported is counted', async () => (await scrape(url)).value('llm_gateway_spans_exported_total') === 2, TRIES)
})

t.test('targets of other kinds are told of the trace, too', async t => {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = status(500)
  const { url, receiver } = await build(t, {
    file: {
      targets: [
        targetAt(upstream, 'openai'),
        { name: 'azure', provider: 'azure-openai', options: { endpoint: upstream.origin, deployment: 'd', apiVersion: 'v', apiKey: 'k' } },
        { name: 'gemini', provider: 'gemini', options: { baseURL: upstream.origin, apiKey: 'k', model: 'g' } }
      ],
      models: { all: { targets: ['openai', 'azure', 'gemini'] } },
      default: 'all'
    }
  })
  await (await chat(url, STREAM, { headers: { traceparent: TRACEPARENT } })).text()
  const { server, clients } = await traceOf(receiver, 3)
  t.match(server, { status: { code: 'error' }, attributes: { 'http.response.status_code': 502, 'error.type': 'all_targets_failed' } })
  t.same(clients.map(({ attributes }) => attributes['gen_ai.provider.name']), ['openai', 'azure.ai.openai', 'gcp.gemini'])
  t.same(upstream.requests.map(({ headers }) => headers['traceparent']), clients.map(({ spanId }) => `00-${TRACE}-${spanId}-01`))
})
