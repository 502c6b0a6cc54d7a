import OpenAI from 'openai'
import t from 'tap'
import { buildGateway, fileOf, openaiAt, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { chat, errorOf, HELLO, json } from '../support/chat-client.ts'
import { after, answering, completion, hangUp, scriptedUpstream, status } from '../support/scripted-upstream.ts'

t.test('a whole answer is what the provider sent, byte for byte', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const answer = ` ${JSON.stringify({ ...completion('Ünï😀'), system_fingerprint: 'fp', x: [1.0, null] })}\n`
  upstream.next(status(200, answer), status(200, answer))
  for (const stream of [false, null]) {
    const response = await chat(url, { ...HELLO, stream })
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    t.equal(response.headers.get('x-gateway-target'), 'openai')
    t.equal(response.headers.get('x-gateway-attempts'), '1')
    t.equal(response.headers.get('x-gateway-stream-id'), null)
    t.equal(await response.text(), answer)
  }
  const { method, url: path, headers } = await upstream.request(1)
  t.match({ method, path, authorization: headers.authorization }, { method: 'POST', path: '/v1/chat/completions', authorization: `Bearer ${UPSTREAM_KEY}` })
})

t.test('x-request-id is echoed where it is fit to be, and made otherwise', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  for (const id of ['abc', 'req_1.2:3/4=5+6-7', 'a'.repeat(128)]) {
    t.equal((await chat(url, HELLO, { headers: { 'x-request-id': id } })).headers.get('x-request-id'), id)
    t.equal((await chat(url, {}, { headers: { 'x-request-id': id } })).headers.get('x-request-id'), id, 'on an error as well')
    t.equal((await fetch(`${url}/nowhere`, { headers: { 'x-request-id': id } })).headers.get('x-request-id'), id, 'and on unknown paths')
  }
  for (const id of ['', 'a b', 'a"b', 'a'.repeat(129), '<script>', 'ä']) {
    t.match((await chat(url, HELLO, { headers: { 'x-request-id': id } })).headers.get('x-request-id'), /^[0-9a-f]{8}-[0-9a-f-]{27}$/)
  }
})

t.test('targets are tried in order, and the answer says which one gave it and how many were tried', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t), c: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(503))
  upstreams.b.next(hangUp)
  upstreams.c.next(answering('from c'))
  const response = await chat(url)
  t.equal(response.status, 200)
  t.equal(response.headers.get('x-gateway-target'), 'c')
  t.equal(response.headers.get('x-gateway-attempts'), '3')
  t.match(await json(response), { choices: [{ message: { content: 'from c' } }] })
  t.same([upstreams.a, upstreams.b, upstreams.c].map(({ requests }) => requests[0]?.body['model']), ['a-model', 'b-model', 'c-model'])
})

t.test('every target failed: 502 with the class of each, and nothing more of it', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t), c: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(500))
  upstreams.b.next(status(429))
  upstreams.c.next(status(403))
  const response = await chat(url)
  t.equal(response.status, 502)
  t.equal(response.headers.get('x-gateway-attempts'), '3')
  t.equal(response.headers.get('x-gateway-target'), null)
  t.same((await json(response))['error'], {
    message: 'Every target failed.',
    type: 'server_error',
    code: 'all_targets_failed',
    param: null,
    attempts: [{ target: 'a', class: 'failure' }, { target: 'b', class: 'cooldown' }, { target: 'c', class: 'misconfigured' }]
  })
})

t.test('an invalid request is not tried elsewhere', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(400, { error: { message: 'too long', type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' } }))
  const response = await chat(url)
  t.equal(response.status, 400)
  t.equal(response.headers.get('x-gateway-attempts'), '1')
  t.match(errorOf(await json(response)), { message: 'too long', code: 'context_length_exceeded', param: 'messages' })
  t.same(upstreams.b.requests, [])
})

t.test('the request\'s deadline is 504, holds for all attempts together, and ends the upstream request', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), REQUEST_TIMEOUT_MS: '500' } })
  for (const stream of [false, true]) {
    upstream.next(after(new Promise(() => {}), status(200)))
    const response = await chat(url, { ...HELLO, stream })
    t.equal(response.status, 504)
    t.match(errorOf(await json(response)), { type: 'server_error', code: 'deadline_exceeded' })
    t.equal(await upstream.requests.at(-1)?.closed, 'aborted')
  }
})

t.test('a target that is slow to begin is left for the next one, on streams', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams, { firstTokenTimeoutMs: 500 }) })
  upstreams.a.next(after(new Promise(() => {}), status(200)))
  const response = await chat(url, { ...HELLO, stream: true })
  t.equal(response.headers.get('x-gateway-target'), 'b')
  t.equal(await upstreams.a.requests[0]?.closed, 'aborted')
  await response.body?.cancel()
})

t.test('a client that leaves before its whole answer takes the upstream with it', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(after(new Promise(() => {}), status(200)))
  const aborter = new AbortController()
  const response = chat(url, HELLO, { signal: aborter.signal })
  response.catch(() => {})
  const received = await upstream.request(1)
  aborter.abort()
  t.equal(await received.closed, 'aborted')
})

t.test('OpenAI\'s client gets its answer, and errors as its own classes', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 })
  const ask = async () => await client.chat.completions.create({ model: 'openai', messages: [{ role: 'user', content: 'Hi' }] })
  upstream.next(answering('Hello'), status(400, { error: { message: 'no', param: 'x' } }), status(429, {}, { 'retry-after': '60' }))
  t.equal((await ask()).choices[0]?.message.content, 'Hello')
  for (const kind of [OpenAI.BadRequestError, OpenAI.RateLimitError]) t.type(await ask().catch((error: unknown) => error), kind)
  t.equal((await client.models.list()).data[0]?.id, 'openai')
})
