/**
 * Streams that were cut because the grace of a drain had passed counted as failures of their targets: a slow rollout
 * opened the breakers of healthy targets, for the whole fleet.
 */
import t from 'tap'
import { openaiAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'

t.test('a drain whose grace passes in the middle of many streams says nothing about their target', async t => {
  const DATABASE_URL = await testDatabase(t)
  const upstream = await scriptedUpstream(t)
  const gateway = await startGateway(t, { DATABASE_URL, ...openaiAt(upstream), SHUTDOWN_GRACE_MS: '50' })
  const streams = Array.from({ length: 6 }, async () => {
    upstream.next(streaming(role(), text('Hel'), new Promise(() => {})))
    const { status, body } = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stream: true, messages: [{ role: 'user', content: 'Hello' }] })
    })
    t.equal(status, 200)
    return body
  })
  await Promise.all(streams)
  gateway.child.kill('SIGTERM')
  t.same(await gateway.exited, { code: 0, signal: null })

  const next = await startGateway(t, { DATABASE_URL, ...openaiAt(upstream) })
  t.match(await (await fetch(`${next.url}/v1/targets`)).json(), { data: [{ name: 'openai', breaker: { state: 'closed', epoch: 0 } }] })
})
