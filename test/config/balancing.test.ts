import t from 'tap'
import { parseGatewayConfigFile } from '../../config/file.ts'
import { ConfigurationError } from '../../config/gateway-config.ts'
import { ModelRoutes } from '../../failover/model-routes.ts'

const openai = (name: string) => ({ name, provider: 'openai', options: { model: 'm', apiKey: 'k' } })
const fileWith = (model: object) => JSON.stringify({ targets: [openai('a'), openai('b')], models: { chat: { targets: ['a', 'b'], ...model } } })

function faultsOf (model: object): readonly string[] {
  try {
    parseGatewayConfigFile(fileWith(model), {})
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines
  }
  return []
}

t.test('an alias is balanced as its file says; by default in order', async t => {
  for (const [model, expected] of [
    [{}, { kind: 'order' }],
    [{ balancing: 'fastest' }, { kind: 'fastest' }],
    [{ balancing: 'weighted', weights: { a: 3 } }, { kind: 'weighted', weights: new Map([['a', 3]]) }],
    [{ balancing: 'least_busy' }, { kind: 'least_busy', weights: new Map() }]
  ] as const) {
    const { models } = parseGatewayConfigFile(fileWith(model), {})
    const routes = new ModelRoutes({ targets: ['a', 'b'], models, firstTokenTimeoutMs: 1, idleTimeoutMs: 1, requestTimeoutMs: 1 })
    t.same(routes.resolve('chat')?.balancing, expected)
    t.same(routes.resolve('a')?.balancing, { kind: 'order' })
    t.same(routes.resolve('a/other')?.balancing, { kind: 'order' })
  }
})

t.test('weights that mean nothing are faults, each named', async t => {
  t.same(faultsOf({ weights: { a: 1 } }), ['GATEWAY_CONFIG: models.chat.weights: only balancing "weighted" and "least_busy" use them'])
  t.same(faultsOf({ balancing: 'weighted', weights: { nobody: 1 } }), ['GATEWAY_CONFIG: models.chat.weights.nobody: is none of its targets'])
  t.same(faultsOf({ balancing: 'least_busy', weights: { a: 0 } }), ['GATEWAY_CONFIG: models.chat.weights: must be above 0 for "least_busy"'])
  t.match(faultsOf({ balancing: 'weighted', weights: { a: -1 } }), [/models\.chat\.weights\.a/])
  t.match(faultsOf({ balancing: 'quickest' }), [/models\.chat\.balancing/])
})
