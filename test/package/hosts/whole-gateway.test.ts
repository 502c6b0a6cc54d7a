/**
 * A service that has the whole gateway under a prefix, beside routes of its own.
 * Its process ends by itself when its servers are closed, so nothing is left open.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import gateway, { MissingPackageError, gatewayConfig } from 'llm-stream-gateway'
import type { GivenConfig } from 'llm-stream-gateway'
import { GatewayError, joinCompletion, streamCompletion } from 'llm-stream-gateway/client'
import config from 'llm-stream-gateway/plugins/config'
import { upstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

const { DATABASE_URL, OTHER_DATABASE_URL } = process.env
const REQUEST = { messages: [{ role: 'user' as const, content: 'Hello!' }] }

/** The service. */
function service (): FastifyInstance {
  const app = Fastify({ forceCloseConnections: true, pluginTimeout: 60_000 })
  app.get('/', async () => ({ service: 'host' }))
  app.get('/v1/models', async () => ({ models: 'of the host' }))
  return app
}

function configAt ({ baseURL }: Upstream, given: Partial<GivenConfig> = {}) {
  return gatewayConfig({
    targets: [{ name: 'primary', provider: 'openai', options: { baseURL, model: 'gpt' } }],
    database: { url: DATABASE_URL, dataDir: 'memory://' },
    ...given
  })
}

async function listening (t: TestContext, app: FastifyInstance): Promise<string> {
  t.after(async () => await app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

async function textOf (baseURL: string): Promise<{ id: string, content: string }> {
  const stream = await streamCompletion({ baseURL, request: REQUEST, reconnect: { maxTries: 1 } })
  let content = ''
  for await (const { choices } of stream) content += choices[0]?.delta.content ?? ''
  return { id: stream.id, content }
}

test('its routes are under the prefix, and those of the host stay as they are', async t => {
  const app = service()
  await app.register(gateway, { config: configAt(await upstream(t)), prefix: '/llm' })
  const url = await listening(t, app)
  const { id, content } = await textOf(`${url}/llm/v1`)
  assert.equal(content, 'Hello, world')
  const joined = await joinCompletion({ baseURL: `${url}/llm/v1`, id, lastEventId: 3 })
  assert.equal((await joined.next()).value?.choices[0]?.finish_reason, 'stop')
  await joined.return()
  assert.deepEqual(await (await fetch(url)).json(), { service: 'host' })
  assert.deepEqual(await (await fetch(`${url}/v1/models`)).json(), { models: 'of the host' })
  assert.match(await (await fetch(`${url}/llm/v1/models`)).text(), /"primary"/)
  assert.match(await (await fetch(`${url}/llm/openapi.json`)).text(), /"\/llm\/v1\/chat\/completions"/)
  assert.equal((await fetch(`${url}/llm/docs/`)).status, 200)
  assert.match(await (await fetch(`${url}/llm/schemas/gateway-config.json`)).text(), /"plugin"/)
  assert.match(await (await fetch(`${url}/llm/metrics`)).text(), /^# HELP/)
  assert.deepEqual(await (await fetch(`${url}/nowhere`)).json(), { message: 'Route GET:/nowhere not found', error: 'Not Found', statusCode: 404 })
})

test('two in one process share nothing', async t => {
  const [up, down] = [await upstream(t), await upstream(t)]
  down.status = 500
  const [first, second] = [service(), service()]
  await first.register(gateway, { config: configAt(up), prefix: '/llm' })
  await second.register(gateway, { config: configAt(down, { database: { url: OTHER_DATABASE_URL, dataDir: 'memory://' } }), prefix: '/llm' })
  const [a, b] = [await listening(t, first), await listening(t, second)]
  for (let n = 0; n < 20; n++) await assert.rejects(textOf(`${b}/llm/v1`), GatewayError)
  assert.match(await (await fetch(`${b}/llm/v1/targets`)).text(), /"state":"open"/)
  assert.match(await (await fetch(`${a}/llm/v1/targets`)).text(), /"state":"closed"/)
  assert.equal((await textOf(`${a}/llm/v1`)).content, 'Hello, world')
  assert.doesNotMatch(await (await fetch(`${a}/llm/metrics`)).text(), /class="failure"[^\n]* [1-9]/)
  await second.close()
  assert.equal((await textOf(`${a}/llm/v1`)).content, 'Hello, world', 'the one goes on when the other is closed')
})

test('the configuration by variables, with the defaults', async t => {
  const app = service()
  const { baseURL } = await upstream(t)
  await app.register(config, { env: { OPENAI_BASE_URL: baseURL, OPENAI_MODEL: 'gpt', DATABASE_URL } })
  const { targets, ...byVariables } = app.config
  const { targets: _, ...byHand } = gatewayConfig({ targets, database: { url: DATABASE_URL, dataDir: '.data' } })
  assert.deepEqual(byHand, byVariables)
  await app.close()
})

test('packages that are not installed are named', async t => {
  const cases = [
    { config: { targets: [{ name: 'a', provider: 'openai', options: { baseURL: 'http://127.0.0.1:1', model: 'x' } }] }, packages: ['@electric-sql/pglite'] },
    { config: { targets: [{ name: 'a', provider: 'gemini', options: { apiKey: 'x', model: 'x' } }], database: { url: DATABASE_URL, dataDir: '' } }, packages: ['@google/generative-ai'] },
    { config: { targets: [{ name: 'a', provider: 'bedrock', options: { modelId: 'x', region: 'x' } }], database: { url: DATABASE_URL, dataDir: '' } }, packages: ['@aws-sdk/client-bedrock-runtime', '@smithy/node-http-handler'] },
    { config: { targets: [], tracing: { url: 'http://127.0.0.1:1', headers: {}, resource: {}, sampling: { parentBased: true, ratio: 1 } } }, packages: ['@fastify/otel', '@opentelemetry/exporter-trace-otlp-proto', '@opentelemetry/resources', '@opentelemetry/sdk-trace'] }
  ] satisfies ReadonlyArray<{ config: GivenConfig, packages: string[] }>
  for (const { config, packages } of cases) {
    const app = service()
    t.after(async () => await app.close())
    const failed = await app.register(gateway, { config: gatewayConfig(config) }).then(() => undefined, (error: unknown) => error)
    assert.ok(failed instanceof MissingPackageError)
    assert.equal(failed.code, 'MISSING_PACKAGE')
    assert.deepEqual(failed.packages, packages)
    assert.ok(failed.message.endsWith(`: npm install ${packages.join(' ')}`), failed.message)
  }
})

test('a plugin that is none, or not there, is named', async t => {
  for (const [plugin, message] of [['./nowhere.js', /target a: its plugin cannot be loaded/], ['node:os', /target a: the default export of its plugin is no Fastify plugin/]] as const) {
    const app = service()
    t.after(async () => await app.close())
    await assert.rejects(async () => await app.register(gateway, { config: gatewayConfig({ targets: [{ name: 'a', plugin }], database: { url: DATABASE_URL, dataDir: '' } }) }), { code: 'PROVIDER_PLUGIN', message })
  }
})
