/**
 * A rolling deployment under load: replicas are taken out of rotation, told to end, and replaced, one after the other. No
 * request fails and no stream breaks off.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { openaiAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { roundRobin } from '../support/round-robin.ts'
import { DONE, completion, finish, role, scriptedUpstream, status, text, usage } from '../support/scripted-upstream.ts'
import type { Script } from '../support/scripted-upstream.ts'
import { SteadyLoad } from '../support/steady-load.ts'

const REPLICAS = 3
const RESTARTS = share(3, 20)
/** Streams take longer than it takes to tell a replica to end. */
const PAUSE_MS = 20
const PARTS = 15

const slowly: Script = async (response, request) => {
  if (request.body['stream'] !== true) return await status(200, completion('Hello'))(response, request)
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (const step of [role(), ...Array.from({ length: PARTS }, (_, n) => text(` ${n}`)), finish('stop'), usage()]) {
    response.write(`data: ${JSON.stringify(step)}\n\n`)
    await delay(PAUSE_MS)
  }
  response.end(DONE)
}

t.test('replicas restart one after the other, and nobody notices', { timeout: 600_000 }, async t => {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = slowly
  const env = { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) }
  let replicas = await Promise.all(Array.from({ length: REPLICAS }, async () => await startGateway(t, env)))
  const front = await roundRobin(t)
  front.rotate(replicas.map(({ url }) => url))
  const load = new SteadyLoad([front.url], 20)
  t.teardown(async () => await load.stop())
  let cut = 0
  for (let restart = 1; restart <= RESTARTS; restart++) {
    await load.answered(20)
    const [oldest, ...others] = replicas
    if (oldest === undefined) throw new Error('there is always one')
    const next = startGateway(t, env)
    front.rotate(others.map(({ url }) => url))
    const { code } = await oldest.stop()
    if (code !== 0) cut++
    replicas = [...others, await next]
    front.rotate(replicas.map(({ url }) => url))
  }
  await load.answered(20)
  await load.stop()
  t.same(load.failures, [])
  t.equal(cut, 0, 'each ended with 0')
  t.comment(`${RESTARTS} restarts, ${load.sent} requests, ${load.failures.length} failed; ${load.times('before')}`)
})
