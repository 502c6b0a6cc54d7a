import fastify from 'fastify'
import t from 'tap'
import { MemoryBreakerStore } from '../../breaker/memory-store.ts'
import type { Outcome } from '../../breaker/outcome.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import type { CircuitBreakerOptions } from '../../plugins/circuit-breaker.ts'

const FAILURE: Outcome = { class: 'failure', reason: 'connect' }

async function build (options: CircuitBreakerOptions = {}) {
  const lines: Array<Record<string, unknown>> = []
  const app = fastify({ logger: { level: 'debug', stream: { write: line => { lines.push(JSON.parse(line)) } } } })
  app.register(circuitBreaker, { targets: ['payments'], ...options })
  app.get('/pay', async (_request, reply) => {
    const admission = app.breakers.admit('payments')
    if (admission.kind === 'refused') return await reply.code(503).header('retry-after', Math.ceil(admission.retryAfterMs / 1_000)).send()
    admission.permit.record(FAILURE, { status: 500 })
    return await reply.code(502).send()
  })
  await app.ready()
  t.teardown(async () => await app.close())
  return { app, lines }
}

function record (app: Awaited<ReturnType<typeof build>>['app'], outcome: Outcome, status?: number): void {
  const admission = app.breakers.admit('payments')
  if (admission.kind !== 'permit') throw new Error('refused')
  admission.permit.record(outcome, status === undefined ? {} : { status })
}

t.test('guards any call of any Fastify service, without a database', async t => {
  const { app, lines } = await build()
  const statuses = []
  for (let n = 0; n < 4; n++) statuses.push((await app.inject('/pay')).statusCode)
  t.same(statuses, [502, 502, 502, 503])
  t.match(await app.breakers.list(), [{ target: 'payments', state: 'open', status: 500 }])
  const logged = lines.filter(line => line['epoch'] === 1)
  t.match(logged, [{ level: 40, target: 'payments', from: 'closed', to: 'open', epoch: 1, cause: 'connect', status: 500 }])
})

t.test('refused credentials are logged as an error, other changes as information', async t => {
  const { app, lines } = await build()
  record(app, { class: 'misconfigured', reason: 'unauthorized' }, 401)
  await app.breakers.override('payments', 'shadow', { by: 'ada', reason: 'look' })
  for (let n = 0; n < 3; n++) record(app, FAILURE)
  record(app, { class: 'cooldown', reason: 'rate_limited', retryAfterMs: 100 }, 429)
  t.match(lines.filter(line => line['target'] === 'payments'), [
    { level: 50, to: 'open', cause: 'unauthorized', status: 401 },
    { level: 30, to: 'shadow', by: 'ada', reason: 'look' },
    { level: 40, cause: 'connect' },
    { level: 30, forMs: 100, cause: 'rate_limited' }
  ])
})

t.test('stored states are loaded before the server is ready; a policy and a listener can be given', async t => {
  const store = new MemoryBreakerStore()
  const kinds: string[] = []
  const first = await build({ store, policy: { consecutiveFailures: 1 }, onEvent: event => kinds.push(event.kind) })
  record(first.app, FAILURE)
  t.same(kinds, ['transition'])
  await first.app.close()
  const second = await build({ store })
  t.match(second.app.breakers.admit('payments'), { kind: 'refused', why: 'open' })
})

t.test('with a shared store, what other replicas stored is looked up now and then', async t => {
  const store = new MemoryBreakerStore()
  const first = await build({ store })
  const learned = Promise.withResolvers<void>()
  const second = await build({ store, refreshMs: 5, onEvent: event => { if (event.kind === 'transition' && event.adopted) learned.resolve() } })
  // The timer alone keeps no process alive; a server that listens does.
  await second.app.listen({ port: 0, host: '127.0.0.1' })
  await first.app.breakers.override('payments', 'force_open', { by: 'ada', reason: '' })
  await learned.promise
  t.match(second.app.breakers.admit('payments'), { kind: 'refused', why: 'forced_open' })
  t.match(second.lines.filter(line => line['target'] === 'payments'), [{ level: 20, to: 'forced_open' }])
})

t.test('a store that does not work is logged once, without what it was asked', async t => {
  const broken = new MemoryBreakerStore()
  broken.load = async () => { throw new Error('password is hunter2') }
  const { app, lines } = await build({ store: broken })
  t.match(app.breakers.admit('payments'), { kind: 'permit' })
  t.match(lines.filter(line => line['operation'] !== undefined), [{ level: 40, operation: 'load', error: 'Error' }])
  t.notMatch(JSON.stringify(lines), /hunter2/)
})
