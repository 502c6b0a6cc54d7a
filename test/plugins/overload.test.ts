import t from 'tap'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { HELLO, chat, errorOf, json } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { after, answering, scriptedUpstream } from '../support/scripted-upstream.ts'

t.test('what is too much waits for its turn; what is far too much is refused, and only completions are', async t => {
  const upstream = await scriptedUpstream(t)
  const hold = Promise.withResolvers<void>()
  upstream.otherwise = after(hold.promise, answering('Hello'))
  const { url, server } = await buildGateway(t, { env: { ...openaiAt(upstream), MAX_COMPLETIONS: '2', MAX_WAITING: '1', MAX_WAIT_MS: '60000' } })
  const running = [chat(url), chat(url)]
  await upstream.request(2)
  const waiting = chat(url)
  await until('it waits', () => server.overload.waiting === 1)
  const refused = await chat(url, { ...HELLO, stream: true })
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(errorOf(await json(refused)), { type: 'server_error', code: 'overloaded' })
  t.equal(upstream.requests.length, 2)
  for (const path of ['/healthz', '/readyz', '/v1/models', '/metrics']) t.equal((await fetch(`${url}${path}`)).status, 200, path)
  hold.resolve()
  for (const response of await Promise.all([...running, waiting])) t.equal(response.status, 200)
  t.equal(upstream.requests.length, 3)
  await until('all have left', () => server.overload.running === 0)
})

t.test('who waits too long is refused, and a client that leaves while it waits is never let in', async t => {
  const upstream = await scriptedUpstream(t)
  const hold = Promise.withResolvers<void>()
  upstream.otherwise = after(hold.promise, answering('Hello'))
  const { url, server } = await buildGateway(t, { env: { ...openaiAt(upstream), MAX_COMPLETIONS: '1', MAX_WAITING: '5', MAX_WAIT_MS: '200' } })
  const running = chat(url)
  await upstream.request(1)
  t.equal((await chat(url)).status, 503)
  const aborter = new AbortController()
  const left = chat(url, HELLO, { signal: aborter.signal })
  left.catch(() => {})
  await until('it waits', () => server.overload.waiting === 1)
  aborter.abort()
  await until('it has left', () => server.overload.waiting === 0)
  hold.resolve()
  t.equal((await running).status, 200)
  t.equal(upstream.requests.length, 1)
})

t.test('while the event loop is late no completion is let in, and all else is', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), MAX_EVENT_LOOP_DELAY_MS: '200' } })
  const block = () => { for (const until = performance.now() + 500; performance.now() < until;) { /* late */ } }
  const timer = setInterval(block, 510)
  t.teardown(() => clearInterval(timer))
  await until('it is noticed', async () => (await chat(url)).status === 503)
  t.equal((await fetch(`${url}/healthz`)).status, 200)
  clearInterval(timer)
  await until('it is over', async () => (await chat(url)).status === 200)
})
