import t from 'tap'
import { ADMIN_KEY, buildGateway, CALLER_KEY, fileOf, openaiAt, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { bearer, chat, FrameReader, framesOf, HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { scrape } from '../support/prometheus-text.ts'
import type { PrometheusText } from '../support/prometheus-text.ts'
import { answering, CUT, DONE, finish, hangUp, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

/** A loaded machine takes its time. */
const TRIES = 3000
const STREAM = { ...HELLO, stream: true }
/** What may wait for a client, in bytes. */
const FULL = 64 * 1024

/** Scrapes until it is so: what is counted when a response is closed may follow its last byte. */
async function scrapeUntil (url: string, what: string, isSo: (metrics: PrometheusText) => boolean): Promise<PrometheusText> {
  let metrics = await scrape(url)
  await until(what, async () => {
    metrics = await scrape(url)
    return isSo(metrics)
  }, TRIES)
  return metrics
}

t.test('a stream that failed over is two attempts, one failover, and one request that is well', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(503))
  upstreams.b.next(answering('one two three'))
  await framesOf(await chat(url, { ...STREAM, model: 'chat' }))
  const metrics = await scrapeUntil(url, 'the request is counted', metrics => metrics.value('llm_gateway_requests_total', { model: 'chat' }) === 1)
  const attempts = (target: string) => metrics.samples('llm_gateway_attempts_total', { target }).filter(({ value }) => value > 0)
  t.match(attempts('a'), [{ labels: { provider: 'openai', class: 'failure', reason: 'upstream_error' }, value: 1 }])
  t.match(attempts('b'), [{ labels: { provider: 'openai', class: 'success', reason: 'none' }, value: 1 }])
  t.same([attempts('a').length, attempts('b').length], [1, 1])
  t.same(['a', 'b'].map(target => metrics.value('llm_gateway_failovers_total', { target })), [1, 0])
  t.same(['a', 'b'].map(target => metrics.value('llm_gateway_time_to_first_output_seconds_count', { target })), [0, 1])
  t.equal(metrics.value('llm_gateway_request_time_to_first_output_seconds_count', { model: 'chat' }), 1)
  t.same(['prompt', 'completion'].map(kind => metrics.value('llm_gateway_tokens_total', { target: 'b', kind, source: 'reported' })), [3, 5])
  t.equal(metrics.value('llm_gateway_time_per_output_token_seconds_count', { target: 'b' }), 1)
  t.match(metrics.samples('llm_gateway_requests_total', { model: 'chat' }), [{ labels: { route: '/v1/chat/completions', outcome: 'ok', status: '200' }, value: 1 }])
  t.match(metrics.samples('llm_gateway_target_info'), [{ labels: { target: 'a', provider: 'openai', model: 'a-model' } }, { labels: { target: 'b', model: 'b-model' } }])
})

t.test('requests end as their callers saw it', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const never = new Promise<void>(() => {})
  upstream.next(answering('whole'), streaming(role(), text('Hel'), CUT), hangUp, status(400, { error: { message: 'no' } }), streaming(role(), text('Hel'), never))
  await (await chat(url, HELLO)).text()
  await framesOf(await chat(url, STREAM))
  await (await chat(url, HELLO)).text()
  await (await chat(url, HELLO)).text()
  const aborter = new AbortController()
  await new FrameReader(await chat(url, STREAM, { signal: aborter.signal })).next()
  aborter.abort()
  await (await chat(url, '{')).text()
  await (await fetch(`${url}/nothing`)).text()
  await (await fetch(`${url}/v1/models`)).text()
  const expected = [
    ['unknown', 'none', 'refused', '404'],
    ['/v1/chat/completions', 'auto', 'broken', '502'],
    ['/v1/chat/completions', 'auto', 'failed', '502'],
    ['/v1/chat/completions', 'auto', 'left', '499'],
    ['/v1/chat/completions', 'auto', 'ok', '200'],
    ['/v1/chat/completions', 'auto', 'refused', '400'],
    ['/v1/chat/completions', 'none', 'refused', '400'],
    ['/v1/models', 'none', 'ok', '200']
  ].sort()
  const requestsOf = (metrics: PrometheusText) => metrics.samples('llm_gateway_requests_total').filter(({ labels }) => labels['route'] !== '/metrics')
  const metrics = await scrapeUntil(url, 'all are counted', metrics => requestsOf(metrics).length === expected.length && metrics.value('llm_gateway_attempts_total', { reason: 'client_closed' }) === 1)
  t.same(requestsOf(metrics).map(({ labels: { route, model, outcome, status } }) => [route, model, outcome, status]).sort(), expected)
  t.ok(requestsOf(metrics).every(({ value }) => value === 1))
  t.equal(metrics.value('llm_gateway_attempts_total', { class: 'neutral' }), 2, 'the invalid request, and the client that left')
})

t.test('an open stream shows, and so does what waits for a client that does not read', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const long = 'x'.repeat(4000)
  // More than what the sockets between the gateway and the client can hold.
  upstream.next(streaming(role(), ...Array.from({ length: 6000 }, () => text(long)), finish('stop'), usage(), DONE))
  const reader = new FrameReader(await chat(url, STREAM))
  await reader.next()
  const full = await scrapeUntil(url, 'the queue is full', metrics => metrics.value('llm_gateway_stream_queue_bytes', { target: 'openai' }) > FULL - 4 * long.length)
  t.equal(full.value('llm_gateway_streams_open', { target: 'openai' }), 1)
  t.equal(full.value('llm_gateway_completions_running'), 1)
  t.equal(full.value('llm_gateway_attempts_running', { target: 'openai' }), 1)
  const bytes = full.value('llm_gateway_stream_queue_bytes', { target: 'openai' })
  t.ok(bytes <= FULL)
  const chunks = full.value('llm_gateway_stream_queue_chunks', { target: 'openai' })
  t.ok(chunks > 1 && chunks * long.length < bytes, `${chunks} chunks of ${bytes} bytes`)
  t.equal((await reader.rest()).at(-1)?.data, '[DONE]')
  const after = await scrapeUntil(url, 'the stream is over', metrics => metrics.value('llm_gateway_streams_open') === 0)
  t.same(['stream_queue_chunks', 'stream_queue_bytes'].map(name => after.value(`llm_gateway_${name}`)), [0, 0])
  t.equal(after.samples('llm_gateway_streams_open').length, 1, 'and the target still shows')
})

t.test('requests and streams under way show by model: each alias and target, and words for the rest', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  const names = ['chat', 'a', 'b', 'auto', 'other']
  const under = (metrics: PrometheusText, what: string) => names.map(model => metrics.value(`llm_gateway_model_${what}`, { model })).join()
  const of = (metrics: PrometheusText) => [under(metrics, 'completions_running'), under(metrics, 'streams_open')]
  t.same(of(await scrape(url)), ['0,0,0,0,0', '0,0,0,0,0'])
  const [begins, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  upstreams.a.otherwise = streaming(begins.promise, role(), text('Hel'), ends.promise, finish('stop'), DONE)
  const asked = ['chat', 'chat', 'a', 'a/what-the-caller-typed'].map(async model => await chat(url, { ...STREAM, model }))
  await scrapeUntil(url, 'all are asked', metrics => under(metrics, 'completions_running') === '2,1,0,0,1')
  t.equal(under(await scrape(url), 'streams_open'), '0,0,0,0,0', 'none has begun')
  begins.resolve()
  const responses = await Promise.all(asked)
  const open = await scrapeUntil(url, 'all are open', metrics => under(metrics, 'streams_open') === '2,1,0,0,1')
  t.same(open.samples('llm_gateway_model_streams_open').map(({ labels }) => labels['model']).sort(), names.toSorted())
  ends.resolve()
  await Promise.all(responses.map(framesOf))
  await scrapeUntil(url, 'all are over', metrics => of(metrics).every(values => values === '0,0,0,0,0'))
  t.equal((await chat(url, { ...STREAM, model: 'nowhere' })).status, 404)
  t.same((await scrape(url)).samples('llm_gateway_model_completions_running').map(({ labels }) => labels['model']).sort(), names.toSorted())
})

t.test('a resumable stream whose client leaves is no request any more, and still a stream', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { file: fileOf({ a: upstream }, { resumable: true }) })
  const ends = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hel'), ends.promise, finish('stop'), DONE))
  const aborter = new AbortController()
  await new FrameReader(await chat(url, { ...STREAM, model: 'chat' }, { signal: aborter.signal })).next()
  aborter.abort()
  const left = await scrapeUntil(url, 'its client has left', metrics => metrics.value('llm_gateway_model_completions_running', { model: 'chat' }) === 0)
  t.equal(left.value('llm_gateway_model_streams_open', { model: 'chat' }), 1)
  ends.resolve()
  await scrapeUntil(url, 'it is over', metrics => metrics.value('llm_gateway_model_streams_open', { model: 'chat' }) === 0)
})

t.test('a stream whose client leaves is open no more', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(streaming(role(), text('Hel'), new Promise<void>(() => {})))
  const aborter = new AbortController()
  await new FrameReader(await chat(url, STREAM, { signal: aborter.signal })).next()
  t.equal((await scrape(url)).value('llm_gateway_streams_open'), 1)
  aborter.abort()
  await scrapeUntil(url, 'the stream is over', metrics => metrics.value('llm_gateway_streams_open') === 0)
})

t.test('an attempt is under way before its target has begun to answer, and until its stream has ended', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  const running = (metrics: PrometheusText) => ['a', 'b'].map(target => metrics.value('llm_gateway_attempts_running', { target })).join()
  t.equal(running(await scrape(url)), '0,0')
  const [begins, ends] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  upstreams.a.next(status(503))
  upstreams.b.next(streaming(begins.promise, role(), text('Hel'), ends.promise, finish('stop'), DONE))
  const response = chat(url, { ...STREAM, model: 'chat' })
  await scrapeUntil(url, 'the second is asked', metrics => running(metrics) === '0,1')
  begins.resolve()
  const reader = new FrameReader(await response)
  await reader.next()
  t.equal(running(await scrape(url)), '0,1')
  ends.resolve()
  await reader.rest()
  await scrapeUntil(url, 'it is over', metrics => running(metrics) === '0,0')
})

t.test('a thousand model names of callers make no series', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const ask = async (model: string) => await (await chat(url, { ...HELLO, model })).text()
  for (const model of ['any', 'openai', 'auto', 'openai/any']) await ask(model)
  const requests = (count: number) => (metrics: PrometheusText) => metrics.value('llm_gateway_requests_total', { route: '/v1/chat/completions' }) === count
  await scrapeUntil(url, 'the first are counted', requests(4))
  const before = await scrape(url)
  for (let round = 0; round < 50; round++) {
    await Promise.all(Array.from({ length: 20 }, async (_, index) => await ask(`${index % 2 === 0 ? '' : 'openai/'}model-${round}-${index}`)))
  }
  const after = await scrapeUntil(url, 'all are counted', requests(1004))
  t.equal(after.size, before.size)
  t.same([...new Set(after.samples('llm_gateway_requests_total', { route: '/v1/chat/completions' }).map(({ labels }) => labels['model']))].sort(), ['auto', 'openai', 'other'])
})

t.test('it is open like the health checks, holds no secrets, prompts or answers, and is a line of the log at debug only', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  upstream.next(answering('answer-of-the-model'))
  await (await chat(gateway.url, { messages: [{ role: 'user', content: 'prompt-of-the-caller' }], user: 'user-of-the-caller' }, { headers: bearer(CALLER_KEY) })).text()
  const response = await fetch(`${gateway.url}/metrics`)
  t.equal(response.status, 200)
  t.ok(response.headers.get('x-request-id'))
  const body = await response.text()
  for (const secret of [CALLER_KEY, ADMIN_KEY, UPSTREAM_KEY, 'answer-of-the-model', 'prompt-of-the-caller', 'user-of-the-caller', upstream.origin]) t.notOk(body.includes(secret))
  await until('it is logged', () => gateway.logged('request ended').some(line => line['path'] === '/metrics'), TRIES)
  t.ok(gateway.logged('request ended').filter(line => line['path'] === '/metrics').every(line => line['level'] === 20))
})

t.test('two gateways in one process count apart', async t => {
  const upstream = await scriptedUpstream(t)
  const [one, other] = [await buildGateway(t, { env: openaiAt(upstream) }), await buildGateway(t, { env: openaiAt(upstream) })]
  await (await chat(one.url)).text()
  await scrapeUntil(one.url, 'it is counted', metrics => metrics.value('llm_gateway_requests_total', { model: 'auto' }) === 1)
  t.equal((await scrape(other.url)).value('llm_gateway_requests_total', { model: 'auto' }), 0)
})
