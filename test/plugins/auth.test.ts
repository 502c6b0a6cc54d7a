import t from 'tap'
import { ADMIN_KEY, buildGateway, CALLER_KEY, digestOf, openaiAt } from '../support/build-gateway.ts'
import { bearer, chat, errorOf, HELLO, json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const CALLER_ROUTES = [['POST', '/v1/chat/completions'], ['GET', '/v1/models'], ['GET', '/v1/targets']] as const
const ADMIN_ROUTES = [['GET', '/v1/audit'], ['POST', '/v1/targets/openai/breaker']] as const
const OPEN_ROUTES = [['GET', '/healthz'], ['GET', '/readyz']] as const
const BODIES: Readonly<Record<string, unknown>> = { '/v1/chat/completions': HELLO, '/v1/targets/openai/breaker': { action: 'reset', reason: 'test' } }

async function call (url: string, [method, path]: readonly [string, string], headers: Record<string, string> = {}): Promise<Response> {
  const body = BODIES[path]
  return await fetch(url + path, body === undefined ? { method, headers } : { method, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
}

t.test('without gateway keys everyone may call, also with a key that nobody knows; admin routes are closed to all', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  for (const headers of [{}, bearer('whatever')]) {
    for (const route of [...CALLER_ROUTES, ...OPEN_ROUTES]) t.equal((await call(url, route, headers)).status, 200, route.join(' '))
    for (const route of ADMIN_ROUTES) {
      const response = await call(url, route, headers)
      t.equal(response.status, 403, route.join(' '))
      t.match(errorOf(await json(response)), { type: 'permission_error', code: 'forbidden', param: null, message: /no admin key is configured/ })
    }
  }
})

t.test('with keys', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, log } = await buildGateway(t, { env: openaiAt(upstream), keys: true })

  await t.test('no key is 401 in OpenAI\'s words, and asks for one', async t => {
    for (const route of [...CALLER_ROUTES, ...ADMIN_ROUTES]) {
      const response = await call(url, route)
      t.equal(response.status, 401, route.join(' '))
      t.equal(response.headers.get('www-authenticate'), 'Bearer')
      t.ok(response.headers.get('x-request-id'))
      t.match(errorOf(await json(response)), { type: 'authentication_error', code: 'missing_api_key', param: null, message: String })
    }
    t.same(upstream.requests, [], 'and no upstream is asked')
  })

  await t.test('a key that is wrong in any way is 401', async t => {
    const wrong = [`Bearer ${CALLER_KEY}x`, `Bearer ${CALLER_KEY.slice(1)}`, `Bearer ${digestOf(CALLER_KEY)}`, `Basic ${CALLER_KEY}`, CALLER_KEY, 'Bearer', 'Bearer ', `Bearer ${CALLER_KEY} ${CALLER_KEY}`]
    for (const authorization of wrong) {
      for (const route of [...CALLER_ROUTES, ...ADMIN_ROUTES]) {
        const response = await call(url, route, { authorization })
        t.equal(response.status, 401, authorization)
        t.equal(response.headers.get('www-authenticate'), 'Bearer')
        t.match(errorOf(await json(response)), { type: 'authentication_error', code: 'invalid_api_key' })
      }
    }
  })

  await t.test('the key is looked at before the body', async t => {
    t.equal((await chat(url, '{"broken')).status, 401)
    t.equal((await chat(url, '{"broken', { headers: bearer(CALLER_KEY) })).status, 400)
  })

  await t.test('as x-api-key, too, as Anthropic\'s clients send it, unless there is an authorization header', async t => {
    for (const route of CALLER_ROUTES) {
      t.equal((await call(url, route, { 'x-api-key': CALLER_KEY })).status, 200)
      for (const headers of [{ 'x-api-key': 'wrong' }, { 'x-api-key': CALLER_KEY, ...bearer('wrong') }]) {
        const response = await call(url, route, headers)
        t.equal(response.status, 401)
        t.match(errorOf(await json(response)), { code: 'invalid_api_key' })
      }
    }
  })

  await t.test('a caller\'s key opens the callers\' routes and is 403 at the admins\'', async t => {
    for (const authorization of [`Bearer ${CALLER_KEY}`, `bearer  ${CALLER_KEY}`]) {
      for (const route of CALLER_ROUTES) t.equal((await call(url, route, { authorization })).status, 200, route.join(' '))
    }
    for (const route of ADMIN_ROUTES) {
      const response = await call(url, route, bearer(CALLER_KEY))
      t.equal(response.status, 403)
      t.equal(response.headers.get('www-authenticate'), null)
      t.match(errorOf(await json(response)), { type: 'permission_error', code: 'forbidden', message: /not an admin key/ })
    }
  })

  await t.test('an admin\'s key opens everything', async t => {
    for (const route of [...CALLER_ROUTES, ...ADMIN_ROUTES]) t.equal((await call(url, route, bearer(ADMIN_KEY))).status, 200, route.join(' '))
  })

  await t.test('health needs no key', async t => {
    for (const route of OPEN_ROUTES) t.equal((await call(url, route)).status, 200)
  })

  await t.test('no key is ever sent to an upstream or logged', async t => {
    for (const { headers } of upstream.requests) t.notMatch(JSON.stringify(headers), /caller-key|admin-key/)
    t.notMatch(log.join(''), /caller-key|admin-key|authorization/i)
  })
})

t.test('admin keys alone leave the gateway open to callers', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), ADMIN_API_KEYS: digestOf(ADMIN_KEY) } })
  for (const route of CALLER_ROUTES) t.equal((await call(url, route)).status, 200)
  for (const route of ADMIN_ROUTES) {
    t.equal((await call(url, route)).status, 401)
    t.equal((await call(url, route, bearer(ADMIN_KEY))).status, 200)
  }
})

t.test('any of several keys will do', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), GATEWAY_API_KEYS: ['one', 'two', 'three'].map(digestOf).join(', ').toUpperCase() } })
  for (const key of ['one', 'two', 'three']) t.equal((await chat(url, HELLO, { headers: bearer(key) })).status, 200)
  t.equal((await chat(url, HELLO, { headers: bearer('four') })).status, 401)
})
