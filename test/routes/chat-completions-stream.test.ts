import OpenAI from 'openai'
import t from 'tap'
import { buildGateway, fileOf, openaiAt } from '../support/build-gateway.ts'
import { chat, contentOf, errorOf, FrameReader, framesOf, HELLO, json, objectOf } from '../support/chat-client.ts'
import { after, answering, chunk, CUT, DONE, finish, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

const STREAM = { ...HELLO, stream: true }

t.test('a stream has exactly the headers of the contract, and frames numbered from 1 that end in [DONE]', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(answering('one two three'))
  const response = await chat(url, STREAM, { headers: { 'accept-encoding': 'gzip, br' } })
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(response.headers.get('cache-control'), 'no-cache, no-transform')
  t.equal(response.headers.get('x-accel-buffering'), 'no')
  t.equal(response.headers.get('content-encoding'), null)
  t.equal(response.headers.get('x-gateway-target'), 'openai')
  t.equal(response.headers.get('x-gateway-attempts'), '1')
  t.match(response.headers.get('x-gateway-stream-id'), /^[\w-]{16,}$/)
  t.match(response.headers.get('x-request-id'), /^[0-9a-f-]{36}$/)
  const frames = await framesOf(response)
  t.same(frames.map(({ id }) => id), frames.map((_, index) => String(index + 1)))
  t.equal(frames.at(-1)?.data, '[DONE]')
  t.equal(contentOf(frames), 'one two three')
})

t.test('chunks reach the client as the provider wrote them, unknown fields included', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const odd = { ...chunk({ content: 'x', reasoning_content: 'y' }), system_fingerprint: 'fp_1', obfuscation: 'aaaa' }
  upstream.next(streaming(role(), odd, finish('stop'), DONE))
  const frames = await framesOf(await chat(url, STREAM))
  t.same(frames.map(({ data }) => data), [role(), odd, finish('stop')].map(each => JSON.stringify(each)).concat('[DONE]'))
})

t.test('usage is a chunk of its own after the last content, for those who ask for it only', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const asked = await framesOf(await chat(url, { ...STREAM, stream_options: { include_usage: true } }))
  t.same(objectOf(asked.at(-2)?.data ?? ''), usage())
  for (const without of [STREAM, { ...STREAM, stream_options: { include_usage: false } }, { ...STREAM, stream_options: null }]) {
    const frames = await framesOf(await chat(url, without))
    t.notMatch(frames.map(({ data }) => data).join(), /"usage"/)
    t.equal(frames.length, asked.length - 1)
  }
  t.match(upstream.requests.map(({ body }) => body['stream_options']), Array.from({ length: 4 }, () => ({ include_usage: true })), 'the provider is always asked for it')
})

t.test('status and headers wait for the first real output: a failure before it is a status, with its attempts', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(streaming(role(), CUT))
  upstreams.b.next(status(401))
  const response = await chat(url, STREAM)
  t.equal(response.status, 502)
  t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(response.headers.get('x-gateway-attempts'), '2')
  t.equal(response.headers.get('x-gateway-stream-id'), null)
  t.match(response.headers.get('x-request-id'), /^[0-9a-f-]{36}$/)
  const error = errorOf(await json(response))
  t.match(error, { type: 'server_error', code: 'all_targets_failed', param: null, message: String })
  t.same(error['attempts'], [{ target: 'a', class: 'failure' }, { target: 'b', class: 'misconfigured' }])
})

t.test('a failed target before output leaves no trace in the stream but the count of attempts', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(streaming(role(), finish('')), status(500))
  upstreams.b.next(answering('from b'), answering('again from b'))
  for (const content of ['from b', 'again from b']) {
    const response = await chat(url, STREAM)
    t.equal(response.headers.get('x-gateway-target'), 'b')
    t.equal(response.headers.get('x-gateway-attempts'), '2')
    const frames = await framesOf(response)
    t.equal(contentOf(frames), content)
    t.equal(frames[0]?.id, '1')
  }
})

t.test('a stream that breaks after output ends in one error frame and never in [DONE]', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const endings = {
    cut: streaming(role(), text('Hel'), CUT),
    'no terminal event': streaming(role(), text('Hel')),
    'an error in the stream': streaming(role(), text('Hel'), { error: { message: 'boom at http://10.0.0.1/', type: 'server_error', code: null } }),
    'no JSON': streaming(role(), text('Hel'), 'data: {"choi\n\n')
  }
  for (const [name, script] of Object.entries(endings)) {
    upstream.next(script)
    const response = await chat(url, STREAM)
    t.equal(response.status, 200, name)
    const frames = await framesOf(response)
    t.equal(contentOf(frames.slice(0, -1)), 'Hel')
    t.match(errorOf(objectOf(frames.at(-1)?.data ?? '')), { type: 'server_error', code: 'all_targets_failed', param: null, attempts: [{ target: 'openai', class: 'failure' }] })
    t.equal(frames.filter(({ data }) => data.startsWith('{"error"')).length, 1)
    t.equal(frames.at(-1)?.id, String(frames.length))
    t.notMatch(JSON.stringify(frames), /boom|10\.0\.0\.1|\[DONE\]/)
    await (await chat(url, HELLO)).text() // a success between them keeps the breaker closed
  }
})

t.test('frames leave as they come, not when the stream is over', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('first'), more.promise, text('second'), finish('stop'), DONE))
  const reader = new FrameReader(await chat(url, STREAM))
  t.equal(contentOf([await reader.next(), await reader.next()].filter(frame => frame !== undefined)), 'first')
  more.resolve()
  t.equal(contentOf(await reader.rest()), 'second')
})

t.test('a client that leaves takes the upstream with it, before its headers and in the middle of a stream', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const never = new Promise<void>(() => {})
  for (const [index, script] of [after(never, status(200)), streaming(role(), never), streaming(role(), text('Hel'), never)].entries()) {
    upstream.next(script)
    const aborter = new AbortController()
    const response = chat(url, STREAM, { signal: aborter.signal })
    response.catch(() => {})
    const received = await upstream.request(index + 1)
    if (index === 2) await new FrameReader(await response).next()
    aborter.abort()
    t.equal(await received.closed, 'aborted')
  }
})

t.test('a stall after output is cut by the idle timeout, and told in the stream', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), IDLE_TIMEOUT_MS: '50' } })
  upstream.next(streaming(role(), text('Hel'), new Promise(() => {})))
  const frames = await framesOf(await chat(url, STREAM))
  t.equal(contentOf(frames.slice(0, -1)), 'Hel')
  t.match(errorOf(objectOf(frames.at(-1)?.data ?? '')), { code: 'all_targets_failed' })
  t.equal(await upstream.requests[0]?.closed, 'aborted')
})

t.test('OpenAI\'s client reads the stream, its usage, and an error in the middle of it', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 })
  const ask = async () => await client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'Hi' }], stream: true, stream_options: { include_usage: true } })
  upstream.next(answering('one two three'), streaming(role(), text('Hel'), CUT))
  let content = ''
  let tokens = 0
  for await (const part of await ask()) {
    content += part.choices[0]?.delta.content ?? ''
    tokens += part.usage?.completion_tokens ?? 0
  }
  t.equal(content, 'one two three')
  t.equal(tokens, 5)
  await t.rejects(async () => {
    for await (const part of await ask()) content += part.choices[0]?.delta.content ?? ''
  }, { code: 'all_targets_failed', type: 'server_error' })
  t.equal(content, 'one two threeHel')
})
