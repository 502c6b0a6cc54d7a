import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import gateway from '../app.ts'
import { sendNotFound } from '../plugins/error-handler.ts'
import { configAt } from './support/build-gateway.ts'
import { chat, contentOf, errorOf, framesOf, HELLO, json } from './support/chat-client.ts'
import { answering, scriptedUpstream, status } from './support/scripted-upstream.ts'

/** A service with conventions of its own. */
function host (): FastifyInstance {
  const app = fastify({ forceCloseConnections: true })
  app.setErrorHandler(async (error, _request, reply) => await reply.code(418).send({ host: error instanceof Error ? error.message : 'error' }))
  app.setNotFoundHandler(async (_request, reply) => await reply.code(404).send({ host: 'nothing here' }))
  return app
}

t.test('mounted under a prefix of another service', async t => {
  const upstream = await scriptedUpstream(t)
  const config = await configAt(t, upstream) // first: torn down last, after what uses its database
  const app = host()
  t.teardown(async () => await app.close())
  app.post('/own', { schema: { body: { type: 'object', properties: { n: { type: 'integer' }, d: { type: 'string', default: 'filled in' } }, additionalProperties: false } } }, async request => request.body)
  app.post('/text', async request => ({ text: request.body }))
  app.get('/throws', async () => { throw new Error('of the host') })
  await app.register(gateway, { config, prefix: '/llm' })
  app.get('/after', async () => ({ after: true }))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const base = `${url}/llm`
  const post = async (path: string, body: string, type = 'application/json') => await fetch(url + path, { method: 'POST', headers: { 'content-type': type }, body })

  await t.test('all of the gateway works there, and nothing of it at the root', async t => {
    upstream.next(answering('one two'))
    const stream = await chat(base, { ...HELLO, stream: true })
    t.equal(stream.headers.get('content-type'), 'text/event-stream; charset=utf-8')
    t.ok(stream.headers.get('x-request-id'))
    t.equal(contentOf(await framesOf(stream)), 'one two')
    t.equal((await chat(base)).status, 200)
    for (const path of ['/v1/models', '/v1/targets', '/healthz', '/readyz']) {
      t.equal((await fetch(base + path)).status, 200, path)
      t.equal((await fetch(url + path)).status, 404, path)
    }
    t.equal((await fetch(`${base}/v1/audit`)).status, 403)
  })

  await t.test('its errors are in its format', async t => {
    const invalid = await chat(base, { ...HELLO, temperature: '1' })
    t.equal(invalid.status, 400)
    t.equal(errorOf(await json(invalid))['param'], 'temperature')
    const unknown = await chat(base, { ...HELLO, model: 'nobody' })
    t.match(errorOf(await json(unknown)), { code: 'model_not_found' })
    upstream.next(status(400, { error: { message: 'no' } }))
    t.match(errorOf(await json(await chat(base))), { code: 'invalid_request' })
    t.equal((await post('/llm/v1/chat/completions', 'x', 'text/plain')).status, 415)
    t.match(errorOf(await json(await post('/llm/v1/chat/completions', '{'))), { code: 'invalid_json' })
  })

  await t.test('the host\'s routes keep the host\'s ways', async t => {
    t.same(await json(await post('/own', '{"n": "5", "x": 1}')), { n: 5, d: 'filled in' }, 'values are coerced, filled in and removed')
    t.same(await json(await post('/own', '{"n": "x"}')), { host: 'body/n must be integer' })
    t.same(await json(await post('/text', 'plain', 'text/plain')), { text: 'plain' })
    t.match(await json(await post('/own', '{')), { host: String })
    const thrown = await fetch(`${url}/throws`)
    t.equal(thrown.status, 418)
    t.same(await json(thrown), { host: 'of the host' })
    t.equal(thrown.headers.get('x-request-id'), null)
    for (const path of ['/nothing', '/llm/nothing', '/v1/chat/completions']) t.same(await json(await fetch(url + path)), { host: 'nothing here' }, path)
    t.same(await json(await fetch(`${url}/after`)), { after: true })
  })

  await t.test('the host can use what the gateway is made of', async t => {
    t.same(app.models.names, ['a'])
    t.equal(app.providers.get('a')?.kind, 'openai')
    t.equal(app.breakers.admit('a').kind, 'permit')
    t.notOk(app.drain.draining)
  })
})

t.test('two gateways in one process share nothing', async t => {
  const upstreams = [await scriptedUpstream(t), await scriptedUpstream(t)] as const
  const apps = [host(), host()] as const
  const urls: string[] = []
  for (const [index, app] of apps.entries()) {
    const upstream = upstreams[index]
    if (upstream === undefined) throw new Error('one for each')
    const config = await configAt(t, upstream)
    t.teardown(async () => await app.close())
    await app.register(gateway, { config })
    urls.push(await app.listen({ host: '127.0.0.1', port: 0 }))
  }
  const [first = '', second = ''] = urls
  await apps[0].breakers.override('a', 'force_open', { by: 'test', reason: 'test' })
  t.same([(await chat(first)).status, (await chat(second)).status], [503, 200])
  t.same([upstreams[0].requests.length, upstreams[1].requests.length], [0, 1])
  await apps[0].close()
  t.equal((await chat(second)).status, 200, 'closing one leaves the other')
})

t.test('whoever owns the root can have unknown paths answered in the gateway\'s format', async t => {
  const upstream = await scriptedUpstream(t)
  const config = await configAt(t, upstream)
  const app = fastify({ forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(gateway, { config })
  app.setNotFoundHandler(sendNotFound)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  t.match(errorOf(await json(await fetch(`${url}/nothing`))), { code: 'route_not_found' })
})
