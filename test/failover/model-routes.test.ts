import t from 'tap'
import { ModelRoutes } from '../../failover/model-routes.ts'
import type { ModelRoutesOptions } from '../../failover/model-routes.ts'

const TIMES = { firstTokenTimeoutMs: 1, idleTimeoutMs: 2, requestTimeoutMs: 3 }

function routes (options: Partial<ModelRoutesOptions> = {}): ModelRoutes {
  return new ModelRoutes({ targets: ['a', 'b', 'c'], ...TIMES, ...options })
}

/** The targets of a model, as `a`, or `a/model` where the model is replaced. */
function targetsOf (routes: ModelRoutes, model: string | null | undefined): readonly string[] | undefined {
  return routes.resolve(model)?.targets.map(({ name, model }) => model === undefined ? name : `${name}/${model}`)
}

t.test('with the variables alone, everything but a target means all targets in order', async t => {
  for (const [model, targets] of [
    [undefined, ['a', 'b', 'c']], [null, ['a', 'b', 'c']], ['', ['a', 'b', 'c']], ['auto', ['a', 'b', 'c']], ['gpt-4o', ['a', 'b', 'c']], ['x/gpt-4o', ['a', 'b', 'c']],
    ['b', ['b']], ['b/gpt-4o', ['b/gpt-4o']], ['b/org/model', ['b/org/model']], ['b/', ['a', 'b', 'c']], ['/b', ['a', 'b', 'c']], ['B', ['a', 'b', 'c']]
  ] as const) t.same(targetsOf(routes(), model), targets, String(model))
  t.same(routes().names, ['a', 'b', 'c'])
})

t.test('with a file, none and auto mean the default, and an unknown model is none', async t => {
  const strict = routes({ strict: true, models: { fast: { targets: ['c', 'a'] } }, defaultModel: 'fast' })
  for (const [model, targets] of [
    [undefined, ['c', 'a']], [null, ['c', 'a']], ['', ['c', 'a']], ['auto', ['c', 'a']], ['fast', ['c', 'a']], ['b', ['b']], ['b/x', ['b/x']],
    ['gpt-4o', undefined], ['x/y', undefined], ['b/', undefined], ['fast/x', undefined]
  ] as const) t.same(targetsOf(strict, model), targets, String(model))
  t.same(strict.names, ['fast', 'a', 'b', 'c'])
  t.same(targetsOf(routes({ strict: true, defaultModel: 'b' }), 'auto'), ['b'], 'the default may be a target')
  t.same(targetsOf(routes({ strict: true }), 'auto'), ['a', 'b', 'c'], 'without a default: all')
})

t.test('an alias goes before a target, and before target/model', async t => {
  const aliased = routes({ models: { b: { targets: ['a', 'c'] }, 'a/gpt-4o': { targets: ['c'] } } })
  t.same(targetsOf(aliased, 'b'), ['a', 'c'])
  t.same(targetsOf(aliased, 'a/gpt-4o'), ['c'])
  t.same(targetsOf(aliased, 'a/gpt-5'), ['a/gpt-5'])
  t.same(targetsOf(aliased, 'b/gpt-5'), ['b/gpt-5'], 'the target behind the alias is still there by target/model')
  t.same(aliased.names, ['b', 'a/gpt-4o', 'a', 'c'])
})

t.test('names of Object.prototype are no models', async t => {
  for (const model of ['constructor', '__proto__', 'toString']) t.equal(routes({ strict: true, models: {} }).resolve(model), undefined, model)
})

t.test('an alias sets its own times and way of failing over, and only those', async t => {
  const own = routes({ midstreamFailover: 'off', models: { slow: { targets: ['a'], firstTokenTimeoutMs: 10, midstreamFailover: 'continue' } } })
  t.match(own.resolve('slow'), { firstTokenTimeoutMs: 10, idleTimeoutMs: 2, requestTimeoutMs: 3, midstreamFailover: 'continue' })
  for (const model of ['a', 'a/x', 'auto', 'unknown']) t.match(own.resolve(model), { ...TIMES, midstreamFailover: 'off' }, model)
})

t.test('what fits into no URL\'s path is no model of a target', async t => {
  for (const model of ['a/\uD83D', 'a/.', 'a/..']) t.equal(routes({ strict: true }).resolve(model), undefined, JSON.stringify(model))
  for (const model of ['a/...', 'a/../b']) t.not(routes({ strict: true }).resolve(model), undefined, model)
})
