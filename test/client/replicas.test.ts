/**
 * Two replicas behind what deals requests out in turn, and connections that break on the way: each join lands at another
 * replica than the connection before.
 */
import t from 'tap'
import { GatewayError, joinCompletion, streamCompletion } from '../../client/index.ts'
import type { CompletionOptions } from '../../client/index.ts'
import { CALLER_KEY, buildGateway, fileOf } from '../support/build-gateway.ts'
import type { RunningGateway } from '../support/build-gateway.ts'
import { faultProxy } from '../support/fault-proxy.ts'
import { until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { roundRobin } from '../support/round-robin.ts'
import { DONE, finish, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import type { Test } from 'tap'

const REQUEST: CompletionOptions['request'] = { messages: [{ role: 'user', content: 'Say hello' }] }
const WORDS = Array.from({ length: 40 }, (_, n) => n % 7 === 0 ? ` wörd👍${n}` : ` word${n}`)
const AT_ONCE = { minDelayMs: 10, maxDelayMs: 10 }

async function replicas (t: Test): Promise<{ gateways: readonly [RunningGateway, RunningGateway], upstream: ScriptedUpstream }> {
  const upstream = await scriptedUpstream(t)
  const options = { env: { DATABASE_URL: await testDatabase(t) }, file: fileOf({ a: upstream }), keys: true }
  return { gateways: [await buildGateway(t, options), await buildGateway(t, options)], upstream }
}

t.test('a stream whose connections are reset goes on at the other replica, and is whole', { timeout: 120_000 }, async t => {
  const { gateways, upstream } = await replicas(t)
  const proxies = await Promise.all(gateways.map(async ({ url }) => await faultProxy(t, url)))
  const front = await roundRobin(t)
  front.rotate(proxies.map(({ origin }) => origin))
  let answers = 0
  // The head is some 400 bytes; every third connection lasts.
  for (const proxy of proxies) proxy.faultOf = () => ++answers % 3 === 0 ? { kind: 'none' } : { kind: 'reset', after: 350 + (answers * 7919) % 3_000 }
  upstream.otherwise = async (response, request) => {
    const paced = WORDS.flatMap(word => [new Promise(resolve => { setImmediate(resolve) }), text(word)])
    await streaming(role(), ...paced, finish('stop'), DONE)(response, request)
  }
  let rejoined = 0
  for (let n = 0; n < 20; n++) {
    const stream = await streamCompletion({ baseURL: `${front.url}/v1`, apiKey: CALLER_KEY, request: REQUEST, reconnect: AT_ONCE })
    let content = ''
    for await (const { choices } of stream) content += choices[0]?.delta.content ?? ''
    t.equal(content, WORDS.join(''))
    t.equal(stream.target, 'a')
    rejoined += stream.rejoined
  }
  t.ok(rejoined > 5, `${rejoined} joins`)
  t.equal(upstream.requests.length, 20, 'each was asked for once')
})

t.test('a loop that is left ends the upstream request, whichever replica is told', async t => {
  const { gateways, upstream } = await replicas(t)
  const front = await roundRobin(t)
  front.rotate(gateways.map(({ url }) => url))
  const never = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hello'), never.promise))
  for await (const { choices } of await streamCompletion({ baseURL: `${front.url}/v1`, apiKey: CALLER_KEY, request: REQUEST })) if (choices[0]?.delta.content === 'Hello') break
  t.equal(await (await upstream.request(1)).closed, 'aborted')
  never.resolve()
})

t.test('an abort before the first output ends the upstream request when that comes', async t => {
  const { gateways: [{ url }], upstream } = await replicas(t)
  const more = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  upstream.next(streaming(role(), more.promise, text('Hello'), never.promise))
  const aborter = new AbortController()
  const asked = streamCompletion({ baseURL: `${url}/v1`, apiKey: CALLER_KEY, request: REQUEST, signal: aborter.signal })
  const received = await upstream.request(1)
  aborter.abort()
  await t.rejects(asked, { name: 'AbortError' })
  more.resolve()
  t.equal(await received.closed, 'aborted')
  never.resolve()
})

t.test('one that is left running is joined from another place, and its end is the same', async t => {
  const { gateways: [a, b], upstream } = await replicas(t)
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
  const here = await streamCompletion({ baseURL: `${a.url}/v1`, apiKey: CALLER_KEY, request: REQUEST, leaveRunning: true })
  await here.next()
  await here.next()
  await here.return()
  await until('its reader has gone', () => a.logged('request ended').length > 0)
  const there = await joinCompletion({ baseURL: `${b.url}/v1`, apiKey: CALLER_KEY, id: here.id, lastEventId: here.lastEventId })
  more.resolve()
  let content = ''
  for await (const { choices } of there) content += choices[0]?.delta.content ?? ''
  t.equal(content, 'lo')
})

t.test('errors are the gateway\'s: refused, every target failed, and in the middle', async t => {
  const { gateways: [{ url }], upstream } = await replicas(t)
  const options = { baseURL: `${url}/v1`, apiKey: CALLER_KEY, request: REQUEST }
  await t.rejects(streamCompletion({ ...options, apiKey: 'another' }), { name: 'GatewayError', status: 401, code: 'invalid_api_key' })
  await t.rejects(streamCompletion({ ...options, request: { messages: [] } }), { name: 'GatewayError', status: 400, param: 'messages' })
  await t.rejects(joinCompletion({ ...options, id: 'nowhere', reconnect: AT_ONCE }), { name: 'GatewayError', status: 404, code: 'stream_not_found' })
  upstream.next(status(500))
  await t.rejects(streamCompletion(options), { name: 'GatewayError', status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] })
  upstream.next(streaming(role(), text('Hel')))
  const stream = await streamCompletion(options)
  const chunks: unknown[] = []
  try {
    for await (const chunk of stream) chunks.push(chunk)
    t.fail('it ended')
  } catch (error) {
    t.ok(error instanceof GatewayError)
    t.match(error, { code: 'all_targets_failed', status: undefined, streamId: stream.id })
  }
  t.equal(chunks.length, 2)
})
