import { Validator } from '@seriousme/openapi-schema-validator'
import swagger from '@fastify/swagger'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fastify from 'fastify'
import t from 'tap'
import gateway from '../../app.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { buildGateway, CALLER_KEY, configAt, fileOf, openaiAt } from '../support/build-gateway.ts'
import { chat, json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

/** What stands at a path of objects; an empty one where nothing does. */
const at = (value: unknown, ...path: string[]): JsonObject => {
  const inner = path.reduce<unknown>((outer, step) => isJsonObject(outer) ? outer[step] : undefined, value)
  return isJsonObject(inner) ? inner : {}
}
/** `GET /path`, with the operation. */
const operationsOf = (document: JsonObject) =>
  Object.entries(at(document, 'paths')).flatMap(([path, methods]) => Object.entries(at(methods)).map(([method, operation]) => [`${method.toUpperCase()} ${path}`, at(operation)] as const))
const namesOf = (object: JsonObject) => Object.keys(object).sort()

t.test('the description', async t => {
  const upstream = await scriptedUpstream(t)
  // Ajv compiles here in the gateway's own process, which on a busy machine would then refuse requests for a while.
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), MAX_EVENT_LOOP_DELAY_MS: '0' }, keys: true })
  const response = await fetch(`${url}/openapi.json`)
  const document = await json(response)
  const operations = new Map<string, JsonObject>(operationsOf(document))

  await t.test('is valid OpenAPI 3.1, and open to everyone', async t => {
    t.equal(response.status, 200)
    t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
    const validator = new Validator()
    t.match(await validator.validate(document), { valid: true })
    t.equal(validator.version, '3.1')
    t.same(await json(await fetch(`${url}/openapi.json`)), document, 'and the same each time')
  })

  await t.test('has words for everything', async t => {
    const tags = Array.isArray(document['tags']) ? document['tags'].map(tag => at(tag)['name']) : []
    for (const [name, { summary, operationId, tags: own }] of operations) {
      t.match({ summary, operationId }, { summary: String, operationId: String }, name)
      t.ok(Array.isArray(own) && own.length === 1 && own.every(tag => tags.includes(tag)), name)
    }
    t.equal(new Set([...operations.values()].map(({ operationId }) => operationId)).size, operations.size)
  })

  await t.test('says what else a route answers, by who may ask it and what it takes', async t => {
    const statuses = (name: string) => namesOf(at(operations.get(name), 'responses'))
    t.same(statuses('POST /v1/chat/completions'), ['200', '400', '401', '404', '413', '415', '422', '429', '500', '502', '503', '504'])
    t.same(statuses('POST /v1/messages'), ['200', '400', '401', '404', '413', '415', '422', '429', '500', '502', '503', '504'])
    t.same(statuses('POST /v1/targets/{name}/breaker'), ['200', '400', '401', '403', '404', '413', '415', '500'])
    t.same(statuses('GET /v1/audit'), ['200', '400', '401', '403', '500', '503'])
    t.same(statuses('GET /v1/models'), ['200', '401', '500'])
    for (const method of ['GET', 'DELETE']) t.same(statuses(`${method} /v1/streams/{id}`), ['200', '400', '401', '404', '500', '503'])
    t.same(statuses('GET /readyz'), ['200', '500', '503'])
    t.same(at(operations.get('GET /healthz'))['security'], [])
    for (const [name, operation] of operations) {
      for (const [status, answer] of Object.entries(at(operation, 'responses'))) {
        t.ok('x-request-id' in at(answer, 'headers'), `${name} ${status}`)
        if (Number(status) >= 400 && name !== 'GET /readyz') t.match(at(answer, 'content', 'application/json', 'schema'), { $ref: String })
      }
      t.equal('401' in at(operation, 'responses'), Array.isArray(operation['security']) && operation['security'].length > 0, name)
    }
    t.equal(at(operations.get('GET /v1/audit'))['parameters'] instanceof Array, true)
    t.match(operations.get('GET /v1/audit'), { parameters: [{ name: 'target', required: false }, {}, {}, {}, {}, {}, {}, { name: 'limit', required: false, schema: { default: 100 } }] })
  })

  await t.test('has completions whole and streamed, with their headers, and examples that are right', async t => {
    const operation = operations.get('POST /v1/chat/completions')
    const answers = at(operation, 'responses', '200', 'content')
    t.same(namesOf(answers), ['application/json', 'text/event-stream'])
    t.same(namesOf(at(operation, 'responses', '200', 'headers')), ['x-gateway-attempts', 'x-gateway-replayed', 'x-gateway-stream-id', 'x-gateway-target', 'x-request-id'])
    for (const path of ['chat/completions', 'responses', 'messages']) {
      t.match(operations.get(`POST /v1/${path}`), { parameters: [{ name: 'x-gateway-resumable', in: 'header', required: false }, { name: 'idempotency-key', in: 'header', required: false }] }, path)
    }
    for (const status of ['429', '503']) t.ok('retry-after' in at(operation, 'responses', status, 'headers'), status)
    const ajv = new Ajv2020({ strict: false }).addSchema({ $id: 'document', ...document })
    const isA = (name: string, value: unknown) => ajv.validate({ $ref: `document#/components/schemas/${name}` }, value)
    for (const [name, example] of Object.entries(at(operation, 'requestBody', 'content', 'application/json', 'examples'))) t.ok(isA('ChatCompletionRequest', at(example)['value']), name)
    for (const [name, example] of Object.entries(at(answers, 'application/json', 'examples'))) t.ok(isA('ChatCompletion', at(example)['value']), name)
    for (const [name, example] of Object.entries(at(answers, 'text/event-stream', 'examples'))) {
      for (const [, data = ''] of String(at(example)['value']).matchAll(/^data: (.*)$/gm)) t.ok(data === '[DONE]' || isA('ChatCompletionChunk', JSON.parse(data)) || isA('Error', JSON.parse(data)), name)
    }
    t.ok(isA('ChatCompletion', await json(await chat(url, undefined, { headers: { authorization: `Bearer ${CALLER_KEY}` } }))), 'a real answer as well')
  })
})

t.test('the page comes with everything that it is made of', async t => {
  const { url } = await buildGateway(t, { env: openaiAt(await scriptedUpstream(t)) })
  for (const path of ['/docs', '/docs/']) {
    const page = await fetch(url + path)
    t.equal(page.status, 200)
    t.match(page.headers.get('content-type'), 'text/html')
    t.match(page.headers.get('x-request-id'), /./)
    t.match(page.headers.get('content-security-policy'), "default-src 'self'")
    const html = await page.text()
    const parts = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, part = '']) => new URL(part, url + path))
    t.ok(parts.length > 4)
    for (const part of parts) {
      t.equal(part.origin, url)
      const response = await fetch(part)
      t.equal(response.status, 200, part.pathname)
      await response.arrayBuffer()
    }
  }
  t.same(await json(await fetch(`${url}/docs/json`)), await json(await fetch(`${url}/openapi.json`)))
  t.match(await json(await fetch(`${url}/docs/static/nothing`)), { error: { code: 'route_not_found' } })
})

t.test('the configuration file\'s schema takes such a file', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const response = await fetch(`${url}/schemas/gateway-config.json`)
  t.equal(response.headers.get('content-type'), 'application/schema+json; charset=utf-8')
  const validate = new Ajv2020({ strict: false }).compile(await json(response))
  t.ok(validate(fileOf({ a: upstream })))
  t.notOk(validate({ targets: [{ name: 'a', provider: 'nobody', options: {} }] }))
})

t.test('mounted under a prefix of a service that describes itself', async t => {
  const upstream = await scriptedUpstream(t)
  const config = await configAt(t, upstream)
  const app = fastify({ forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await app.register(swagger, { openapi: { info: { title: 'Host', version: '7' } } })
  const registered: string[] = []
  const answers = new Map<string, unknown>()
  app.addHook('onRoute', ({ method, url, schema }) => {
    if (method === 'HEAD' || schema?.hide === true) return
    registered.push(`${String(method)} ${url.replace(/:(\w+)/g, '{$1}')}`)
    answers.set(url, schema?.response)
  })
  await app.register(gateway, { config, prefix: '/llm' })
  const own = [...registered]
  app.get('/own', { schema: { summary: 'The host\'s' } }, async () => ({}))
  const url = await app.listen({ host: '127.0.0.1', port: 0 })

  await t.test('the gateway describes its own routes, all of them, with the prefix', async t => {
    const document = await json(await fetch(`${url}/llm/openapi.json`))
    t.same(operationsOf(document).map(([name]) => name).sort(), own.sort())
    t.ok(own.length > 8 && own.every(name => name.includes(' /llm/')))
    t.equal((await fetch(`${url}/openapi.json`)).status, 404)
  })

  await t.test('the page is there as well', async t => {
    const html = await (await fetch(`${url}/llm/docs`)).text()
    t.match(html, 'src="/llm/docs/static/swagger-ui-bundle.js"')
    t.equal((await fetch(`${url}/llm/docs/static/swagger-ui.css`)).status, 200)
  })

  await t.test('the host\'s own description is none of it', async t => {
    const document = at(JSON.parse(JSON.stringify(app.swagger())))
    t.match(document, { info: { title: 'Host' }, paths: { '/own': { get: { summary: 'The host\'s' } } } })
    t.ok('/llm/v1/chat/completions' in at(document, 'paths'))
  })

  await t.test('no serializer is made for completions', async t => {
    t.ok(answers.has('/llm/v1/chat/completions'))
    t.equal(answers.get('/llm/v1/chat/completions'), undefined)
  })
})
