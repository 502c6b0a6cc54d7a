import fastify from 'fastify'
import t from 'tap'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import targets from '../../plugins/targets.ts'
import type { TargetsOptions } from '../../plugins/targets.ts'
import type { TargetConfig } from '../../schemas/gateway-config.ts'

const target = (name: string): TargetConfig => ({ name, provider: 'openai', options: { baseURL: 'http://localhost:1/v1', model: `${name}-model` } })
const TIMEOUTS = { firstTokenTimeoutMs: 1, idleTimeoutMs: 2, requestTimeoutMs: 3 }

async function build (options: Partial<TargetsOptions> = {}) {
  const app = fastify()
  await app.register(circuitBreaker)
  await app.register(targets, { targets: [target('a'), target('b')], ...TIMEOUTS, ...options })
  await app.ready()
  t.teardown(async () => await app.close())
  return app
}

t.test('each target has a provider and a breaker', async t => {
  const app = await build()
  t.same([...app.providers].map(([name, { kind, model }]) => [name, kind, model]), [['a', 'openai', 'a-model'], ['b', 'openai', 'b-model']])
  t.same((await app.breakers.list()).map(({ target }) => target), ['a', 'b'])
})

t.test('what a model means', async t => {
  const { models } = await build({ models: { fast: { targets: ['b'], firstTokenTimeoutMs: 10, midstreamFailover: 'continue' }, a: { targets: ['b', 'a'] } } })
  const targetsOf = (model: string | null | undefined) => models.resolve(model)?.targets.map(({ name, model }) => [name, model])
  const all = [['a', undefined], ['b', undefined]]
  for (const model of [undefined, null, '', 'auto', 'unknown', 'c/gpt-4o', '/gpt-4o', 'b/', '__proto__']) t.same(targetsOf(model), all, String(model))
  t.same(targetsOf('fast'), [['b', undefined]])
  t.same(targetsOf('a'), [['b', undefined], ['a', undefined]], 'an alias comes before a target of its name')
  t.same(targetsOf('b'), [['b', undefined]])
  t.same(targetsOf('a/org/gpt-4o'), [['a', 'org/gpt-4o']])
  t.match(models.resolve('fast'), { firstTokenTimeoutMs: 10, idleTimeoutMs: 2, requestTimeoutMs: 3, midstreamFailover: 'continue' })
  t.match(models.resolve('b/x'), { firstTokenTimeoutMs: 1, midstreamFailover: 'off' })
  t.same(models.names, ['fast', 'a', 'b'])
})

t.test('strict: an unknown model means nothing; the default may be an alias or a target', async t => {
  const { models } = await build({ strict: true, defaultModel: 'b', models: { all: { targets: ['a', 'b'] } } })
  t.equal(models.resolve('unknown'), undefined)
  t.equal(models.resolve('c/gpt-4o'), undefined)
  t.same(models.resolve('auto')?.targets, [{ name: 'b', model: undefined }])
})

t.test('needs the circuit-breaker plugin', async t => {
  const app = fastify()
  app.register(targets, { targets: [target('a')], ...TIMEOUTS })
  await t.rejects(async () => await app.ready(), /'circuit-breaker'/)
})
