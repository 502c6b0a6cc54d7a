/**
 * A client that leaves before its request was sent to any target, or to the next one: in the middle of its body, in line for a
 * place among the completions, in line for a further target. Nothing is asked for it, and its place is free again.
 */
import t from 'tap'
import { BareClient, WAYS_TO_LEAVE } from '../support/bare-client.ts'
import { ADMIN_KEY, digestOf, openaiAt } from '../support/build-gateway.ts'
import { HELLO, bearer, chat } from '../support/chat-client.ts'
import { durations } from '../support/durations.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { PrometheusText } from '../support/prometheus-text.ts'
import { after, answering, scriptedUpstream, status } from '../support/scripted-upstream.ts'

const TRIES = share(20, 1_000)
/** On a busy machine all takes longer; nothing is measured by it. */
const LOOKS = 3_000
const PATIENT = { FIRST_TOKEN_TIMEOUT_MS: '600000', IDLE_TIMEOUT_MS: '600000', REQUEST_TIMEOUT_MS: '1200000', MAX_WAIT_MS: '600000' }

async function gauge ({ url }: GatewayProcess, name: string): Promise<number> {
  return new PrometheusText(await (await fetch(`${url}/metrics`)).text()).value(name)
}

/** Clients that wait and leave, one after another, by FIN and by RST. Says how long it took until the gauge had no more of them. */
async function waitAndLeave (gateway: GatewayProcess, name: string): Promise<string> {
  const took: number[] = []
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const client = new BareClient(gateway.url)
    await until('it waits', async () => await gauge(gateway, name) === 1, LOOKS)
    const leftAt = performance.now()
    client.leave(WAYS_TO_LEAVE[attempt % 2] ?? 'FIN')
    while (await gauge(gateway, name) !== 0);
    took.push(performance.now() - leftAt)
  }
  return durations(took)
}

t.test('in line for a place among the completions', { timeout: 600_000 }, async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await startGateway(t, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream), ...PATIENT, MAX_COMPLETIONS: '1', MAX_WAITING: '1' })
  const hold = Promise.withResolvers<void>()
  upstream.next(after(hold.promise, answering('Hello')))
  const running = chat(gateway.url)
  await upstream.request(1)
  // With one place in the line, the next one would be refused if the place of one that left stayed taken.
  t.comment(`its place in the line was free after ${await waitAndLeave(gateway, 'llm_gateway_completions_waiting')}`)
  hold.resolve()
  t.equal((await running).status, 200)
  t.equal(upstream.requests.length, 1, 'nothing was asked for those who left')
  t.equal((await chat(gateway.url)).status, 200, 'the place among the completions is free, too')
  await until('each has its line in the log', () => gateway.linesOf('request ended').filter(line => line['status'] === 499).length === TRIES, LOOKS)
  t.same(await gateway.stop(), { code: 0, signal: null })
})

t.test('in line for a further target', { timeout: 600_000 }, async t => {
  const [first, second] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  const gateway = await startGateway(t, {
    DATABASE_URL: await testDatabase(t), ...openaiAt(first), ...PATIENT, GEMINI_BASE_URL: second.origin, GEMINI_API_KEY: 'key', GEMINI_MODEL: 'gemini-test', ADMIN_API_KEYS: digestOf(ADMIN_KEY)
  })
  const forced = await fetch(`${gateway.url}/v1/targets/openai/breaker`, {
    method: 'POST', headers: { 'content-type': 'application/json', ...bearer(ADMIN_KEY) }, body: JSON.stringify({ action: 'force_closed', reason: 'it is to fail each time' })
  })
  t.equal(forced.status, 200)
  first.otherwise = status(500)
  const never = new Promise<void>(() => {})
  second.otherwise = after(never, answering('Hello'))
  // As many as may be at a further target at once, and none of them gets on.
  const holders = [1, 2, 3].map(() => new BareClient(gateway.url, { ...HELLO, stream: true }))
  await second.request(3)
  t.comment(`its place in the line was free after ${await waitAndLeave(gateway, 'llm_gateway_retries_waiting')}`)
  t.equal(second.requests.length, 3, 'nothing was asked of the next target for those who left')
  t.equal(first.requests.length, 3 + TRIES)
  for (const holder of holders) holder.leave('FIN')
  for (const { closed } of second.requests) t.equal(await closed, 'aborted')
  t.same(await gateway.stop(), { code: 0, signal: null })
})

t.test('in the middle of its body', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await startGateway(t, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) })
  const files = await gauge(gateway, 'process_open_fds')
  const clients = Array.from({ length: 20 }, () => new BareClient(gateway.url, { ...HELLO, stream: true }, 0.5))
  await until('they are connected', async () => await gauge(gateway, 'process_open_fds') >= files + clients.length, LOOKS)
  for (const [n, client] of clients.entries()) client.leave(WAYS_TO_LEAVE[n % 2] ?? 'FIN')
  await until('the gateway has let them go', async () => await gauge(gateway, 'process_open_fds') < files + clients.length, LOOKS)
  t.equal((await chat(gateway.url)).status, 200)
  t.equal(upstream.requests.length, 1, 'nothing was asked for those who left')
  t.equal(await gauge(gateway, 'llm_gateway_completions_running'), 0)
  t.notOk(gateway.logs.some(({ level }) => typeof level === 'number' && level >= 50), 'no error')
  t.same(await gateway.stop(), { code: 0, signal: null })
})
