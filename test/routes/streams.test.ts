/**
 * Streams that are joined again, at the replica that runs them and at another one on the same database.
 */
import t from 'tap'
import type { Test } from 'tap'
import { ADMIN_KEY, CALLER_KEY, buildGateway, digestOf, fileOf } from '../support/build-gateway.ts'
import type { RunningGateway } from '../support/build-gateway.ts'
import { FrameReader, HELLO, bearer, chat, contentOf, errorOf, framesOf, json, objectOf } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { joinAfter, reading } from '../support/resumable.ts'
import { DONE, finish, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

const STREAM = { ...HELLO, stream: true }
const RESUMABLE = { 'x-gateway-resumable': 'true' }

async function twoReplicas (t: Test, env: Record<string, string> = {}, keys = false): Promise<{ a: RunningGateway, b: RunningGateway, upstream: ScriptedUpstream }> {
  const upstream = await scriptedUpstream(t)
  const options = { env: { DATABASE_URL: await testDatabase(t), ...env }, file: fileOf({ a: upstream }), keys }
  return { a: await buildGateway(t, options), b: await buildGateway(t, options), upstream }
}

const idOf = (response: Response) => response.headers.get('x-gateway-stream-id') ?? ''

t.test('a stream that lost its client goes on, and is joined where it was, at either replica', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  for (const { url } of [a, b]) {
    const more = Promise.withResolvers<void>()
    upstream.next(streaming(role(), text('Hel'), text('lo'), more.promise, text(', '), text('wörld'), finish('stop'), DONE))
    const aborter = new AbortController()
    const response = await chat(a.url, STREAM, { headers: RESUMABLE, signal: aborter.signal })
    const reader = new FrameReader(response)
    const begun = [await reader.next(), await reader.next(), await reader.next()].flatMap(frame => frame ?? [])
    t.same(begun.map(({ id }) => id), ['1', '2', '3'])
    aborter.abort()
    const joined = await fetch(`${url}/v1/streams/${idOf(response)}`, { headers: { 'last-event-id': '3' } })
    t.match(Object.fromEntries(joined.headers), {
      'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', 'x-gateway-target': 'a', 'x-gateway-stream-id': idOf(response)
    })
    more.resolve()
    const rest = await framesOf(joined)
    t.same([...begun, ...rest].map(({ id }) => id), ['1', '2', '3', '4', '5', '6', '7'])
    t.equal(contentOf([...begun, ...rest]), 'Hello, wörld')
    t.equal(rest.at(-1)?.data, '[DONE]')
    const again = await joinAfter(url, idOf(response), 0)
    t.equal(again.text, [...begun, ...rest].map(({ id, data }) => `id: ${id}\ndata: ${data}\n\n`).join(''), 'from the start, byte by byte')
  }
})

t.test('several readers follow one stream, at both replicas', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('one'), more.promise, text(' two'), finish('stop'), DONE))
  const first = await chat(a.url, STREAM, { headers: RESUMABLE })
  const readers = [a, b, a, b].map(async ({ url }, n) => await joinAfter(url, idOf(first), n === 3 ? 1 : 0))
  more.resolve()
  const whole = await first.text()
  const texts = (await Promise.all(readers)).map(({ text }) => text)
  t.same(texts.slice(0, 3), [whole, whole, whole])
  t.equal(texts[3], whole.slice(whole.indexOf('id: 2\n')))
})

t.test('a stream that was not asked to be kept is nowhere, nor is one that a model keeps and its caller does not want kept', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { file: { ...fileOf({ a: upstream }), models: { plain: { targets: ['a'] }, kept: { targets: ['a'], resumable: true } }, default: 'plain' } })
  const cases: ReadonlyArray<readonly [string, Record<string, string>, number]> = [
    ['plain', {}, 404], ['plain', RESUMABLE, 200], ['kept', {}, 200], ['kept', { 'x-gateway-resumable': 'false' }, 404]
  ]
  for (const [model, headers, expected] of cases) {
    const response = await chat(url, { ...STREAM, model }, { headers })
    await response.text()
    const joined = await fetch(`${url}/v1/streams/${idOf(response)}`)
    t.equal(joined.status, expected, `${model} ${JSON.stringify(headers)}`)
    if (expected === 404) t.match(errorOf(await json(joined)), { type: 'invalid_request_error', code: 'stream_not_found' })
    else await joined.text()
  }
})

t.test('only the caller whose it is can join or delete it', async t => {
  const OTHER = 'another-caller'
  const { a, b } = await twoReplicas(t, { GATEWAY_API_KEYS: `${digestOf(CALLER_KEY)},${digestOf(OTHER)}`, ADMIN_API_KEYS: digestOf(ADMIN_KEY) })
  const response = await chat(a.url, STREAM, { headers: { ...RESUMABLE, ...bearer(CALLER_KEY) } })
  await response.text()
  for (const { url } of [a, b]) {
    const path = `${url}/v1/streams/${idOf(response)}`
    t.equal((await fetch(path)).status, 401)
    for (const method of ['GET', 'DELETE']) t.equal((await fetch(path, { method, headers: bearer(OTHER) })).status, 404)
    t.equal((await fetch(path, { headers: bearer(CALLER_KEY) })).status, 200)
  }
})

t.test('a position that is wrong is refused, and one that never was says what is left', async t => {
  const { a, b } = await twoReplicas(t)
  const response = await chat(a.url, STREAM, { headers: RESUMABLE })
  await response.text()
  for (const { url } of [a, b]) {
    for (const position of ['x', '-1', '1.5', '99999999999']) {
      const refused = await fetch(`${url}/v1/streams/${idOf(response)}`, { headers: { 'last-event-id': position } })
      t.equal(refused.status, 400)
      t.equal(errorOf(await json(refused))['param'], 'last-event-id')
    }
    const { text } = await joinAfter(url, idOf(response), 1000)
    t.match(text, /^data: \{"error":/)
    t.match(objectOf(text.slice(6)), { error: { code: 'frames_gone', message: 'Of this stream the frames 1 to 5 are left.' } })
  }
})

t.test('deleting it, at either replica, ends its upstream request and its readers; then it is gone', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  for (const [n, { url }] of [a, b].entries()) {
    const never = Promise.withResolvers<void>()
    upstream.next(streaming(role(), text('Hello'), never.promise))
    const response = await chat(a.url, STREAM, { headers: RESUMABLE })
    const elsewhere = await reading(b.url, idOf(response))
    const deleted = await fetch(`${url}/v1/streams/${idOf(response)}`, { method: 'DELETE' })
    t.same(await json(deleted), { id: idOf(response), object: 'stream', deleted: true })
    t.equal(await (await upstream.request(n + 1)).closed, 'aborted')
    const frames = await framesOf(response)
    t.match(objectOf(frames.at(-1)?.data ?? ''), { error: { code: 'stream_cancelled' } })
    t.notMatch((await elsewhere.whole).text, /DONE/)
    never.resolve()
    for (const { url } of [a, b]) {
      t.equal((await fetch(`${url}/v1/streams/${idOf(response)}`)).status, 404)
      t.equal((await fetch(`${url}/v1/streams/${idOf(response)}`, { method: 'DELETE' })).status, 404)
    }
  }
})

t.test('nobody comes back: after RESUME_TTL_MS its upstream request is ended, which says nothing of the target', async t => {
  const { a, upstream } = await twoReplicas(t, { RESUME_TTL_MS: '200' })
  const never = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hello'), never.promise))
  const aborter = new AbortController()
  await chat(a.url, STREAM, { headers: RESUMABLE, signal: aborter.signal })
  aborter.abort()
  t.equal(await (await upstream.request(1)).closed, 'aborted')
  never.resolve()
  await until('the attempt is logged', () => a.logged('attempt failed').length > 0)
  t.match(a.logged('attempt failed'), [{ class: 'neutral', reason: 'client_closed' }])
})

t.test('a client that leaves before anything was said leaves nothing running', async t => {
  const { a, upstream } = await twoReplicas(t)
  const never = Promise.withResolvers<void>()
  upstream.next(streaming(role(), never.promise))
  const aborter = new AbortController()
  const asked = chat(a.url, STREAM, { headers: RESUMABLE, signal: aborter.signal })
  asked.catch(() => {})
  const received = await upstream.request(1)
  aborter.abort()
  t.equal(await received.closed, 'aborted')
  never.resolve()
})

t.test('a stream that breaks has its error frame for those who join, too', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  upstream.next(streaming(role(), text('Hel')))
  const response = await chat(a.url, STREAM, { headers: RESUMABLE })
  const whole = await response.text()
  t.match(whole, /"code":"all_targets_failed"/)
  t.notMatch(whole, /DONE/)
  for (const { url } of [a, b]) t.equal((await joinAfter(url, idOf(response), 1)).text, whole.slice(whole.indexOf('id: 2\n')))
})

t.test('what cannot be streamed is answered as ever', async t => {
  const { a, upstream } = await twoReplicas(t)
  upstream.next(status(400))
  t.equal((await chat(a.url, STREAM, { headers: RESUMABLE })).status, 400)
  t.equal((await chat(a.url, HELLO, { headers: RESUMABLE })).status, 200)
})

t.test('answers are sealed in the database where there is a key for it', async t => {
  const { a, b } = await twoReplicas(t, { STREAM_LOG_KEY: 'ab'.repeat(32) })
  const response = await chat(a.url, STREAM, { headers: RESUMABLE })
  const whole = await response.text()
  t.equal((await joinAfter(b.url, idOf(response), 0)).text, whole)
})

t.test('a drain waits for a stream that has no client at the moment', async t => {
  const { a, b, upstream } = await twoReplicas(t)
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hello'), more.promise, finish('stop'), DONE))
  const aborter = new AbortController()
  const response = await chat(a.url, STREAM, { headers: RESUMABLE, signal: aborter.signal })
  aborter.abort()
  await until('its client has gone', () => a.logged('request ended').length > 0)
  const closed = a.server.close()
  t.equal(a.server.drain.running, 1)
  more.resolve()
  await closed
  t.match((await joinAfter(b.url, idOf(response), 0)).text, /data: \[DONE\]\n\n$/)
})
