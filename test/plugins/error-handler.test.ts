import t from 'tap'
import { ADMIN_KEY, buildGateway, fileOf, openaiAt, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { bearer, chat, errorOf, HELLO, json, objectOf } from '../support/chat-client.ts'
import { hangUp, scriptedUpstream, status } from '../support/scripted-upstream.ts'

/** What must be in no body: stacks, files, addresses, what the framework calls itself. */
const TELLTALE = /\.ts\b|\bat .*:\d+|node_modules|127\.0\.0\.1|localhost|https?:|FST_|statusCode/

t.test('errors before a route or a provider is asked', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, log } = await buildGateway(t, { env: openaiAt(upstream), keys: false })
  const post = async (body: string | undefined, headers: Record<string, string> = {}, path = '/v1/chat/completions') =>
    await fetch(url + path, { method: 'POST', headers, ...(body === undefined ? {} : { body }) })
  const JSON_TYPE = { 'content-type': 'application/json' }
  const secret = '{"messages": [{"role": "user", "content": "hunter2'

  const cases: ReadonlyArray<readonly [name: string, status: number, code: string | null, ask: () => Promise<Response>]> = [
    ['broken JSON', 400, 'invalid_json', async () => await post(secret, JSON_TYPE)],
    ['an empty body', 400, 'invalid_json', async () => await post('', JSON_TYPE)],
    ['no body', 400, 'invalid_value', async () => await post(undefined)],
    ['text', 415, 'unsupported_media_type', async () => await post(JSON.stringify(HELLO), { 'content-type': 'text/plain' })],
    ['a form', 415, 'unsupported_media_type', async () => await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' })],
    ['no JSON by its type', 415, 'unsupported_media_type', async () => await post('{}', { 'content-type': 'nonsense' })],
    ['a body of 10 MB', 413, 'body_too_large', async () => await post(JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(10_000_000) }] }), JSON_TYPE)],
    ['an unknown path', 404, 'route_not_found', async () => await fetch(`${url}/v1/nothing?key=hunter2`)],
    ['another method', 404, 'route_not_found', async () => await fetch(`${url}/v1/chat/completions`)],
    ['an unknown path with a broken body', 400, 'invalid_json', async () => await post(secret, JSON_TYPE, '/v1/completions')],
    ['an unknown path with a body of 10 MB', 413, 'body_too_large', async () => await post('x'.repeat(10_000_000), JSON_TYPE, '/v1/completions')],
    ['a path that cannot be decoded', 400, 'invalid_url', async () => await fetch(`${url}/v1/targets/%zz/breaker`)],
    ['an admin route', 403, 'forbidden', async () => await post('{}', JSON_TYPE, '/v1/targets/nobody/breaker')]
  ]
  for (const [name, status, code, ask] of cases) {
    const response = await ask()
    const text = await response.text()
    t.equal(response.status, status, name)
    t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8', name)
    t.match(response.headers.get('x-request-id'), /^[\w-]+$/, name)
    t.match(errorOf(objectOf(text)), { message: String, type: String, code, param: null }, name)
    t.notMatch(text, TELLTALE, name)
    t.notMatch(text, /hunter2/, name)
  }
  t.same(upstream.requests, [])
  t.notMatch(log.join(''), /hunter2/)
})

t.test('keys in the JSON that would poison prototypes are 400, and poison nothing', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const messages = '"messages": [{"role": "user", "content": "Hi"}]'
  for (const poison of ['"__proto__": {"polluted": 1}', '"metadata": {"__proto__": {"polluted": 1}}', '"constructor": {"prototype": {"polluted": 1}}', '"\\u005f_proto__": {"polluted": 1}']) {
    const response = await chat(url, `{${messages}, ${poison}}`)
    t.equal(response.status, 400, poison)
    t.match(errorOf(await json(response)), { type: 'invalid_request_error', code: 'invalid_json' })
  }
  t.notOk('polluted' in {})
  t.same(upstream.requests, [])
})

t.test('what providers say reaches the caller only where the caller is at fault, and without keys or addresses', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream), keys: false })
  const message = `Wrong value of temperature; your key is ${UPSTREAM_KEY}, ask https://internal.example/help or 10.1.2.3:8080`
  const cases: ReadonlyArray<readonly [upstream: number, status: number, expected: Record<string, unknown>]> = [
    [400, 400, { type: 'invalid_request_error', code: 'bad', param: 'temperature', message: /Wrong value of temperature/ }],
    [422, 422, { type: 'invalid_request_error', code: 'bad', param: 'temperature', message: /Wrong value of temperature/ }],
    [401, 502, { type: 'server_error', code: 'all_targets_failed', param: null, attempts: [{ target: 'openai', class: 'misconfigured' }] }]
  ]
  for (const [from, to, expected] of cases) {
    upstream.next(status(from, { error: { message, type: 'x', code: 'bad', param: 'temperature' } }))
    const response = await chat(url)
    const text = await response.text()
    t.equal(response.status, to)
    t.match(errorOf(objectOf(text)), expected)
    t.notMatch(text, new RegExp(`${UPSTREAM_KEY}|internal\\.example|10\\.1\\.2\\.3|${upstream.origin}`))
    t.equal(response.headers.get('x-gateway-attempts'), '1')
    t.equal(response.headers.get('x-gateway-target'), null)
  }
})

t.test('retry-after: seconds rounded up, at least one, on 429 and 503 only', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url, server } = await buildGateway(t, { file: fileOf(upstreams), keys: true })
  const ask = async () => await chat(url, HELLO, { headers: bearer(ADMIN_KEY) })
  upstreams.a.next(hangUp)
  upstreams.b.next(hangUp)
  const failed = await ask()
  t.equal(failed.status, 502)
  t.equal(failed.headers.get('retry-after'), null)
  upstreams.a.next(status(429, {}, { 'retry-after-ms': '90100' }))
  upstreams.b.next(status(429, {}, { 'retry-after': '30' }))
  const limited = await ask()
  t.equal(limited.status, 429)
  t.match(errorOf(await json(limited)), { type: 'rate_limit_error', code: 'rate_limit_exceeded' })
  t.match(limited.headers.get('retry-after'), /^([1-9]|[12]\d|30)$/, 'the soonest return')
  t.equal(limited.headers.get('x-gateway-attempts'), '2')
  const still = await ask()
  t.equal(still.status, 429, 'while both cool down nobody is asked')
  t.match(still.headers.get('retry-after'), /^([1-9]|[12]\d|30)$/)
  t.equal(upstreams.a.requests.length, 2)
  for (const name of ['a', 'b']) await server.breakers.override(name, 'force_open', { by: 'test', reason: 'test' })
  const closed = await ask()
  t.equal(closed.status, 503)
  t.match(closed.headers.get('retry-after'), /^[1-9]\d*$/)
  t.match(errorOf(await json(closed)), { type: 'server_error', code: 'no_target_available', param: null })
})
