import fastify from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import { GatewayError } from '../../errors/gateway-error.ts'
import type { Family } from '../../metrics/family.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import drain from '../../plugins/drain.ts'
import metrics from '../../plugins/metrics.ts'
import type { MetricsOptions } from '../../plugins/metrics.ts'
import type { RequestEnd } from '../../plugins/request-log.ts'
import { until } from '../support/gateway-process.ts'
import { PrometheusText } from '../support/prometheus-text.ts'

async function build (t: Test, options: MetricsOptions = {}) {
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(metrics, options)
  return { app, read: async () => new PrometheusText(await app.metrics.text()) }
}

t.test('works by itself: the process and its event loop are measured from the start on', async t => {
  const { app, read } = await build(t)
  await app.ready()
  const metrics = await read()
  for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'process_start_time_seconds', 'nodejs_heap_size_used_bytes', 'llm_gateway_workers', 'nodejs_version_info']) {
    t.ok(metrics.value(name) > 0, name)
  }
  t.same(metrics.samples('llm_gateway_event_loop_delay_seconds').map(({ labels }) => labels['stat']), ['p50', 'p99', 'max'])
  const utilization = metrics.value('llm_gateway_event_loop_utilization_ratio')
  t.ok(utilization >= 0 && utilization <= 1)
  t.notOk(metrics.families.has('llm_gateway_breaker_state'), 'and nothing of what is not there')
})

t.test('a loop that was held up shows in its delay, once', async t => {
  const { app, read } = await build(t)
  await app.ready()
  const turn = async () => await new Promise(resolve => { setTimeout(resolve, 150) })
  const max = async () => (await read()).value('llm_gateway_event_loop_delay_seconds', { stat: 'max' })
  await max()
  await turn() // the first measurement is what later ones are counted from
  const end = performance.now() + 400
  while (performance.now() < end);
  await turn()
  t.ok(await max() > 0.2)
  await until('a scrape tells of the time since the one before', async () => await max() < 0.2)
})

t.test('of breakers and the drain it reads what they are now', async t => {
  const { app, read } = await build(t)
  await app.register(circuitBreaker, { targets: ['a', 'b'], onEvent: event => app.metrics.counts.breakerEvent(event) })
  await app.register(drain, { graceMs: 0 })
  await app.ready()
  await app.breakers.override('b', 'force_open', { by: 'test', reason: 'test' })
  const admission = app.breakers.admit('a')
  if (admission.kind === 'permit') admission.permit.record({ class: 'cooldown', reason: 'rate_limited', retryAfterMs: 60_000 }, { status: 429 })
  const metrics = await read()
  const state = (target: string) => metrics.samples('llm_gateway_breaker_state', { target }).filter(({ value }) => value === 1).map(({ labels }) => labels['state'])
  t.same([state('a'), state('b')], [['closed'], ['forced_open']])
  t.equal(metrics.samples('llm_gateway_breaker_state').length, 12)
  const cooldown = metrics.value('llm_gateway_target_cooldown_seconds', { target: 'a' })
  t.ok(cooldown > 30 && cooldown <= 60)
  t.equal(metrics.value('llm_gateway_target_cooldown_seconds', { target: 'b' }), 0)
  t.equal(metrics.value('llm_gateway_breaker_transitions_total', { target: 'b', to: 'forced_open' }), 1)
  t.equal(metrics.value('llm_gateway_completions_running'), 0)
  t.equal(metrics.value('llm_gateway_breaker_store_failures_total'), 0)
})

t.test('how a request ended is told from its status and from what its caller was told', async t => {
  const { app, read } = await build(t)
  const { requestEnded } = app.metrics
  const end: RequestEnd = { route: '/x', status: 200, durationMs: 1, failure: null, completion: null }
  const failure = (status: number) => new GatewayError(status, 'x', { type: 'server_error', code: 'x' })
  requestEnded(end)
  requestEnded({ ...end, status: 400, failure: failure(400) })
  requestEnded({ ...end, status: 503, failure: failure(503) })
  requestEnded({ ...end, failure: failure(502) })
  requestEnded({ ...end, status: 499, failure: failure(499) })
  requestEnded({ ...end, route: null, status: 404 })
  const requests = (await read()).samples('llm_gateway_requests_total')
  t.same(requests.map(({ labels: { route, outcome, status } }) => [route, outcome, status]), [
    ['/x', 'ok', '200'], ['/x', 'refused', '400'], ['/x', 'failed', '503'], ['/x', 'broken', '502'], ['/x', 'left', '499'], ['unknown', 'refused', '404']
  ])
})

t.test('a host measures what it likes in the same place', async t => {
  const { app, read } = await build(t)
  app.metrics.registry.counter({ name: 'host_things_total', help: 'Things.', labelNames: ['kind'] }).add({ kind: 'a' }, 3)
  t.equal((await read()).value('host_things_total', { kind: 'a' }), 3)
})

t.test('of several processes it tells what all have measured', async t => {
  const all: Family[] = [{ kind: 'counter', together: 'sum', name: 'all_total', help: 'All.', labelNames: [], series: [{ labels: [], value: 7 }] }]
  const { app, read } = await build(t, { collectAll: async () => all })
  t.equal((await read()).value('all_total'), 7)
  t.notOk((await read()).families.has('llm_gateway_requests_total'))
  t.ok((await app.metrics.collect()).some(({ name }) => name === 'llm_gateway_requests_total'), 'and its own, when it is asked for that')
})
