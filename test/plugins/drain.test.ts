import t from 'tap'
import { ADMIN_KEY, buildGateway, openaiAt } from '../support/build-gateway.ts'
import { bearer, chat, contentOf, errorOf, FrameReader, HELLO, json } from '../support/chat-client.ts'
import { after, answering, DONE, finish, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

const STREAM = { ...HELLO, stream: true }

t.test('a running stream and a running answer finish; new ones are refused; then the server is closed', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, server } = await buildGateway(t, { env: openaiAt(upstream) })
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hel'), more.promise, text('lo'), finish('stop'), DONE), after(more.promise, answering('whole')))
  const reader = new FrameReader(await chat(url, STREAM))
  const begun = [await reader.next(), await reader.next()].filter(frame => frame !== undefined)
  const whole = chat(url)
  await upstream.request(2)
  t.equal(server.drain.running, 2)

  let closed = false
  const closing = server.close().then(() => { closed = true })
  for (const stream of [true, false]) {
    const refused = await chat(url, { ...HELLO, stream })
    t.equal(refused.status, 503)
    t.equal(refused.headers.get('retry-after'), '1')
    t.equal(refused.headers.get('connection'), 'close')
    t.match(errorOf(await json(refused)), { type: 'server_error', code: 'draining', param: null })
  }
  const ready = await fetch(`${url}/readyz`)
  t.equal(ready.status, 503)
  t.match(await json(ready), { status: 'draining' })
  t.equal((await fetch(`${url}/healthz`)).status, 200)
  t.equal(upstream.requests.length, 2)
  t.notOk(closed, 'it waits')

  more.resolve()
  const rest = await reader.rest()
  t.equal(contentOf([...begun, ...rest]), 'Hello')
  t.equal(rest.at(-1)?.data, '[DONE]')
  t.match(await json(await whole), { choices: [{ message: { content: 'whole' } }] })
  await closing
  t.equal(server.drain.running, 0)
  await t.rejects(fetch(`${url}/healthz`), 'nobody listens any more')
})

t.test('what is still running when the grace is over is cut, and its upstream with it', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, server, logged } = await buildGateway(t, { env: { ...openaiAt(upstream), SHUTDOWN_GRACE_MS: '50' } })
  upstream.next(streaming(role(), text('Hel'), new Promise(() => {})))
  const reader = new FrameReader(await chat(url, STREAM))
  await reader.next()
  const cut = t.rejects(reader.rest(), 'the client sees a broken connection, not an end')
  await server.close()
  await cut
  t.equal(await upstream.requests[0]?.closed, 'aborted')
  t.equal(logged('the grace has passed: the rest is cut').length, 1)
})

t.test('with nothing running it is over at once', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, server, logged } = await buildGateway(t, { env: openaiAt(upstream) })
  await (await chat(url)).text()
  await server.close()
  t.equal(logged('draining').length, 0)
})

t.test('what ended in any way is not waited for', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, server } = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  const headers = bearer(ADMIN_KEY)
  await (await chat(url, HELLO, { headers })).text()
  await (await chat(url, {}, { headers })).text()
  await (await chat(url, HELLO)).text()
  upstream.next(status(400), streaming(role(), text('Hel'), new Promise(() => {})))
  await (await chat(url, HELLO, { headers })).text()
  const aborter = new AbortController()
  const left = await chat(url, STREAM, { headers, signal: aborter.signal })
  await new FrameReader(left).next()
  aborter.abort()
  t.equal(await (await upstream.request(3)).closed, 'aborted')
  t.equal(server.drain.running, 0)
  await server.drain.begin()
  t.ok(server.drain.draining)
  const refused = await chat(url, HELLO, { headers })
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('connection'), 'close', 'also before the server itself is closing')
})
