import t from 'tap'
import { buildGateway, fileOf } from '../support/build-gateway.ts'
import { chat, json } from '../support/chat-client.ts'
import { scriptedUpstream, status } from '../support/scripted-upstream.ts'

t.test('alive always; ready while some target can be tried', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url, server } = await buildGateway(t, { file: fileOf(upstreams) })
  const ready = async (code: number, body: object) => {
    const response = await fetch(`${url}/readyz`)
    t.equal(response.status, code)
    t.same(await json(response), { ...body, database: 'ok' })
    const alive = await fetch(`${url}/healthz`)
    t.equal(alive.status, 200)
    t.same(await json(alive), { status: 'ok' })
  }
  const by = { by: 'test', reason: 'test' }

  await ready(200, { status: 'ready', targets: { total: 2, available: 2 } })
  upstreams.a.next(status(401)) // opens at once, and for a minute
  await (await chat(url)).text()
  await ready(200, { status: 'ready', targets: { total: 2, available: 1 } })
  await server.breakers.override('b', 'force_open', by)
  await ready(503, { status: 'no_target', targets: { total: 2, available: 0 } })
  await server.breakers.override('a', 'force_closed', by)
  await ready(200, { status: 'ready', targets: { total: 2, available: 1 } })
  await server.breakers.override('b', 'reset', by)
  upstreams.b.next(status(429, {}, { 'retry-after': '60' }))
  await server.breakers.override('a', 'force_open', by)
  await (await chat(url)).text()
  await ready(503, { status: 'no_target', targets: { total: 2, available: 0 } })
  void server.drain.begin()
  await ready(503, { status: 'draining', targets: { total: 2, available: 0 } })
})
