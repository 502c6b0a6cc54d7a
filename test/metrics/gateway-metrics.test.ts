import t from 'tap'
import type { BreakerEvent } from '../../breaker/events.ts'
import type { StateName } from '../../breaker/state.ts'
import { GatewayMetrics } from '../../metrics/gateway-metrics.ts'
import type { EndedRequest } from '../../metrics/gateway-metrics.ts'
import { Registry } from '../../metrics/registry.ts'
import { textOf } from '../../metrics/text-format.ts'
import { attemptRecord } from '../support/attempts.ts'
import { PrometheusText } from '../support/prometheus-text.ts'

function gatewayMetrics () {
  const registry = new Registry()
  return { counts: new GatewayMetrics(registry), read: async () => new PrometheusText(textOf(await registry.collect())) }
}

const REQUEST: EndedRequest = { route: '/v1/chat/completions', model: 'chat', outcome: 'ok', status: 200, durationMs: 1200, firstOutputMs: 300 }

t.test('a request is counted with what its caller was told, and timed by its model', async t => {
  const { counts, read } = gatewayMetrics()
  counts.request(REQUEST)
  counts.request({ ...REQUEST, firstOutputMs: null })
  counts.request({ ...REQUEST, outcome: 'broken', status: 502, durationMs: 40 })
  counts.request({ ...REQUEST, route: '/healthz', model: null, firstOutputMs: null })
  const metrics = await read()
  t.same(metrics.samples('llm_gateway_requests_total').map(({ labels, value }) => [...Object.values(labels), value]), [
    ['/v1/chat/completions', 'chat', 'ok', '200', 2],
    ['/v1/chat/completions', 'chat', 'broken', '502', 1],
    ['/healthz', 'none', 'ok', '200', 1]
  ])
  const of = (le: string) => metrics.value('llm_gateway_request_duration_seconds_bucket', { outcome: 'ok', le })
  t.same([of('1'), of('2.5'), of('+Inf')], [0, 2, 2])
  t.equal(metrics.value('llm_gateway_request_duration_seconds_sum', { outcome: 'ok' }), 2.4)
  t.equal(metrics.value('llm_gateway_request_duration_seconds_count'), 3, 'of completions only')
  t.equal(metrics.value('llm_gateway_request_time_to_first_output_seconds_count', { model: 'chat' }), 2, 'of streams that had one')
  t.equal(metrics.value('llm_gateway_request_time_to_first_output_seconds_sum', { model: 'chat' }), 0.6)
})

t.test('an attempt is counted with its class and reason, its times, and its tokens', async t => {
  const { counts, read } = gatewayMetrics()
  counts.attempt(attemptRecord({ firstOutputMs: 100, durationMs: 1060, promptTokens: 10, completionTokens: 49 }))
  const metrics = await read()
  t.match(metrics.samples('llm_gateway_attempts_total'), [{ labels: { target: 'a', provider: 'openai', class: 'success', reason: 'none' }, value: 1 }])
  t.equal(metrics.value('llm_gateway_attempt_duration_seconds_sum', { target: 'a', class: 'success' }), 1.06)
  t.equal(metrics.value('llm_gateway_time_to_first_output_seconds_sum', { target: 'a' }), 0.1)
  t.equal(metrics.value('llm_gateway_time_per_output_token_seconds_sum', { target: 'a' }), 0.02, '0.96 s for 48 tokens after the first')
  t.equal(metrics.value('llm_gateway_tokens_total', { target: 'a', kind: 'prompt', source: 'reported' }), 10)
  t.equal(metrics.value('llm_gateway_tokens_total', { target: 'a', kind: 'completion', source: 'reported' }), 49)
})

t.test('an attempt that was refused has neither tokens nor a first output', async t => {
  const { counts, read } = gatewayMetrics()
  counts.attempt(attemptRecord({ class: 'cooldown', reason: 'rate_limited', status: 429, firstOutputMs: null, promptTokens: null, completionTokens: null, totalTokens: null, usageSource: null }))
  const metrics = await read()
  t.match(metrics.samples('llm_gateway_attempts_total'), [{ labels: { class: 'cooldown', reason: 'rate_limited' }, value: 1 }])
  t.equal(metrics.value('llm_gateway_attempt_duration_seconds_count', { class: 'cooldown' }), 1)
  for (const name of ['time_to_first_output_seconds_count', 'time_per_output_token_seconds_count', 'tokens_total']) t.same(metrics.samples(`llm_gateway_${name}`), [], name)
})

t.test('the time per token is that of complete streams of several tokens', async t => {
  const { counts, read } = gatewayMetrics()
  counts.attempt(attemptRecord({ class: 'failure', reason: 'reset', usageSource: 'partial' }))
  counts.attempt(attemptRecord({ completionTokens: 1 }))
  counts.attempt(attemptRecord({ completionTokens: 0 }))
  counts.attempt(attemptRecord({ stream: false, firstOutputMs: null }))
  t.same((await read()).samples('llm_gateway_time_per_output_token_seconds_count'), [])
})

t.test('a failover is counted for the target that failed, a hedge for the one that is slow', async t => {
  const { counts, read } = gatewayMetrics()
  counts.expect('a', 'openai')
  t.match((await read()).samples('llm_gateway_failovers_total'), [{ labels: { target: 'a' }, value: 0 }], 'and shows before there is one')
  counts.another('a', false)
  counts.another('a', false)
  counts.another('a', true)
  t.equal((await read()).value('llm_gateway_failovers_total', { target: 'a' }), 2)
  t.equal((await read()).value('llm_gateway_hedges_total', { target: 'a' }), 1)
})

t.test('a breaker\'s transitions are counted where they are made', async t => {
  const { counts, read } = gatewayMetrics()
  const transition = (from: StateName, to: StateName, adopted = false): BreakerEvent => ({
    kind: 'transition',
    adopted,
    alert: false,
    transition: { target: 'a', fromEpoch: 0, epoch: 1, from, to, cause: 'connect', status: null, openForMs: 2000, openCount: 1, lease: null, manual: null }
  })
  counts.breakerEvent(transition('closed', 'open'))
  counts.breakerEvent(transition('open', 'half_open', true))
  counts.breakerEvent({ kind: 'would_have_opened', target: 'a', cause: 'connect', status: null })
  const metrics = await read()
  t.match(metrics.samples('llm_gateway_breaker_transitions_total'), [{ labels: { target: 'a', to: 'open' }, value: 1 }])
  t.equal(metrics.samples('llm_gateway_breaker_transitions_total').length, 1)
  t.equal(metrics.value('llm_gateway_breaker_shadow_openings_total', { target: 'a' }), 1)
})

t.test('the breakers\' store is up until it is lost, and again when it is back', async t => {
  const { counts, read } = gatewayMetrics()
  const up = async () => (await read()).value('llm_gateway_breaker_store_up')
  t.equal(await up(), 1)
  counts.breakerEvent({ kind: 'store_lost', operation: 'load', error: new Error('gone') })
  t.equal(await up(), 0)
  counts.breakerEvent({ kind: 'store_back', failures: 3 })
  t.equal(await up(), 1)
})

t.test('what became of streams that broke is counted by the target that broke them', async t => {
  const { counts, read } = gatewayMetrics()
  const rescue = { requestId: 'r1', from: 'a', reason: 'reset' } as const
  counts.rescue({ ...rescue, kind: 'rescued', to: 'b', how: 'prefix' })
  counts.rescue({ ...rescue, kind: 'failed', to: null, how: null })
  const metrics = await read()
  t.same(metrics.samples('llm_gateway_rescues_total').map(({ labels, value }) => [...Object.values(labels), value]), [['a', 'rescued', 'prefix', 1], ['a', 'failed', 'none', 1]])
})
