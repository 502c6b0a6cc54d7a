/**
 * Requests that their callers have named by an `Idempotency-Key`: made once, at whichever replica they arrive.
 */
import t from 'tap'
import type { Test } from 'tap'
import { CALLER_KEY, buildGateway, digestOf, openaiAt } from '../support/build-gateway.ts'
import type { RunningGateway } from '../support/build-gateway.ts'
import { HELLO, bearer, chat, errorOf, json } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { DONE, finish, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

const STREAM = { ...HELLO, stream: true }

async function twoReplicas (t: Test, env: Record<string, string> = {}): Promise<{ a: RunningGateway, b: RunningGateway, upstream: ScriptedUpstream }> {
  const upstream = await scriptedUpstream(t)
  const options = { env: { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream), ...env } }
  return { a: await buildGateway(t, options), b: await buildGateway(t, options), upstream }
}

const named = (key: string) => ({ headers: { 'idempotency-key': key } })
const idOf = (response: Response) => response.headers.get('x-gateway-stream-id')

t.test('asked for several times at once, here and elsewhere, it is made once, and all get the same bytes', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  const [begin, more] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  upstream.next(streaming(role(), begin.promise, text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
  const asked = [a, b, a, b].map(async ({ url }) => await chat(url, STREAM, named('k1')))
  await upstream.request(1)
  begin.resolve()
  const responses = await Promise.all(asked)
  more.resolve()
  const texts = await Promise.all(responses.map(async response => await response.text()))
  t.match(texts[0], /"content":"lo"/)
  t.equal(new Set(texts).size, 1)
  t.equal(new Set(responses.map(idOf)).size, 1)
  t.equal(responses.filter(({ headers }) => headers.get('x-gateway-replayed') === 'true').length, 3)
  t.same(responses.map(({ headers }) => headers.get('x-gateway-target')), ['openai', 'openai', 'openai', 'openai'])
  t.equal(upstream.requests.length, 1)
})

t.test('asked for again after it has ended, the stream is there for RESUME_TTL_MS', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  const first = await chat(a.url, STREAM, named('k2'))
  const whole = await first.text()
  for (const { url } of [a, b]) {
    const again = await chat(url, STREAM, named('k2'))
    t.equal(again.headers.get('x-gateway-replayed'), 'true')
    t.equal(await again.text(), whole)
  }
  t.equal(upstream.requests.length, 1)
})

t.test('the same key for something else is a mistake; of another caller, or another key, it is another request', async t => {
  const OTHER = 'another-caller'
  const { a, b, upstream } = await twoReplicas(t, { GATEWAY_API_KEYS: `${digestOf(CALLER_KEY)},${digestOf(OTHER)}` })
  const as = (key: string, name = 'k3') => ({ headers: { ...bearer(key), 'idempotency-key': name } })
  await (await chat(a.url, STREAM, as(CALLER_KEY))).text()
  for (const { url } of [a, b]) {
    const mistaken = await chat(url, { ...STREAM, temperature: 1 }, as(CALLER_KEY))
    t.equal(mistaken.status, 422)
    t.match(errorOf(await json(mistaken)), { code: 'idempotency_key_reused', param: 'idempotency-key' })
  }
  await (await chat(b.url, STREAM, as(OTHER))).text()
  await (await chat(b.url, STREAM, as(CALLER_KEY, 'k4'))).text()
  t.equal(upstream.requests.length, 3)
})

t.test('one that failed, before output or in the middle, is made anew', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  upstream.next(status(400), streaming(role(), text('Hel')))
  t.equal((await chat(a.url, STREAM, named('k5'))).status, 400)
  t.match(await (await chat(b.url, STREAM, named('k5'))).text(), /"error"/)
  await until('its name is free', async () => {
    const response = await chat(a.url, STREAM, named('k5'))
    const text = await response.text()
    return text.endsWith('data: [DONE]\n\n')
  })
  t.equal(upstream.requests.length, 3)
})

t.test('a client that leaves before the first output finds its request again', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  const begin = Promise.withResolvers<void>()
  upstream.next(streaming(role(), begin.promise, text('Hello'), finish('stop'), DONE))
  const aborter = new AbortController()
  const left = chat(a.url, STREAM, { ...named('k6'), signal: aborter.signal })
  left.catch(() => {})
  await upstream.request(1)
  aborter.abort()
  await until('it has left', () => a.logged('request ended').length > 0)
  const again = chat(b.url, STREAM, named('k6'))
  begin.resolve()
  t.match(await (await again).text(), /"content":"Hello".*data: \[DONE\]\n\n$/s)
  t.equal(upstream.requests.length, 1)
})

t.test('what is no key is refused', async t => {
  const { a } = await twoReplicas(t)
  for (const key of ['', 'x'.repeat(256), 'with space']) {
    const refused = await chat(a.url, STREAM, named(key))
    t.equal(refused.status, 400, JSON.stringify(key.slice(0, 20)))
    t.equal(errorOf(await json(refused))['param'], 'idempotency-key')
  }
  t.equal((await chat(a.url, HELLO, named('a key'))).status, 200, 'for streams only')
})
