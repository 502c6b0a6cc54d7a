/**
 * Several processes on one port: whichever is scraped tells of all of them.
 */
import t from 'tap'
import { openaiAt } from '../support/build-gateway.ts'
import { chat, HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { scrape } from '../support/prometheus-text.ts'
import type { PrometheusText } from '../support/prometheus-text.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { startWorkers, untilWorkers } from '../support/workers.ts'

const TRIES = 3000
const APART = { headers: { connection: 'close' } }

t.test('two workers', async t => {
  const upstream = await scriptedUpstream(t)
  const { gateway, workers } = await startWorkers(t, 2, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) })
  const scraped = async () => await scrape(gateway.url, APART)
  const completions = (metrics: PrometheusText) => metrics.value('llm_gateway_requests_total', { route: '/v1/chat/completions', outcome: 'ok' })
  const attempts = (metrics: PrometheusText) => metrics.value('llm_gateway_attempts_total', { target: 'openai', class: 'success' })
  let asked = 0

  await t.test('requests of both are in every scrape, whoever answers it', async t => {
    const answered = new Set<unknown>()
    await until('both have answered', async () => {
      const response = await chat(gateway.url, HELLO, APART)
      await response.text()
      asked++
      answered.add((await gateway.logged('request ended', { reqId: response.headers.get('x-request-id') ?? '' }))['pid'])
      return answered.size === 2
    }, TRIES)
    await until('all are counted', async () => completions(await scraped()) === asked, TRIES)
    for (let scrapes = 0; scrapes < 4; scrapes++) {
      const metrics = await scraped()
      t.same([completions(metrics), attempts(metrics)], [asked, asked])
      t.equal(metrics.value('llm_gateway_workers'), 2)
    }
  })

  await t.test('states are those of one process, memory that of all', async t => {
    const metrics = await scraped()
    t.match(metrics.samples('llm_gateway_breaker_state', { state: 'closed' }), [{ labels: { target: 'openai' }, value: 1 }])
    t.match(metrics.samples('llm_gateway_target_info'), [{ value: 1 }])
    t.ok(metrics.value('process_resident_memory_bytes') > process.memoryUsage.rss() / 4)
    t.equal(metrics.samples('process_cpu_seconds_total').length, 1)
  })

  await t.test('what a killed worker has counted stays, and the next one adds to it', async t => {
    const [killed = 0] = workers
    process.kill(killed, 'SIGKILL')
    await gateway.logged('worker ended: another takes its place', { worker: killed })
    t.equal(completions(await scraped()), asked)
    await untilWorkers(gateway, 2)
    await until('both are counted', async () => (await scraped()).value('llm_gateway_workers') === 2, TRIES)
    await (await chat(gateway.url, HELLO, APART)).text()
    asked++
    await until('it is counted', async () => completions(await scraped()) === asked, TRIES)
    t.pass('nothing was lost or counted twice')
  })

  await t.test('a worker that hangs is not waited for, and takes nothing away', async t => {
    const [, frozen = 0] = workers
    process.kill(frozen, 'SIGSTOP')
    try {
      // The frozen one may be handed a connection as well; nobody answers on that before it goes on.
      const metrics = await Promise.any(Array.from({ length: 4 }, async () => await scraped()))
      t.equal(completions(metrics), asked)
      t.equal(metrics.value('llm_gateway_workers'), 1)
    } finally {
      process.kill(frozen, 'SIGCONT')
    }
    await until('both are counted', async () => (await scraped()).value('llm_gateway_workers') === 2, TRIES)
  })

  await t.test('it ends as ever', async t => {
    t.same(await gateway.stop(), { code: 0, signal: null })
    t.same(gateway.errors, [])
  })
})
