import { connect } from 'node:net'
import t from 'tap'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { role, room, scriptedUpstream, text } from '../support/scripted-upstream.ts'

t.test('a client that never reads its stream is cut; its upstream request ends, and that says nothing about the target', async t => {
  const upstream = await scriptedUpstream(t)
  // Much, and no end: as fast as it is taken.
  upstream.next(async response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify(role())}\n\n`)
    while (!response.destroyed) {
      if (!response.write(`data: ${JSON.stringify(text('much '.repeat(10_000)))}\n\n`)) await room(response)
    }
  })
  const { url, logged } = await buildGateway(t, { env: { ...openaiAt(upstream), SLOW_CLIENT_TIMEOUT_MS: '100' } })
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => client.destroy())
  client.on('error', () => {})
  client.pause()
  const body = JSON.stringify({ ...HELLO, stream: true })
  client.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`)
  t.equal(await (await upstream.request(1)).closed, 'aborted')
  await until('both are logged', () => logged('attempt failed').length > 0 && logged('request ended').length > 0)
  t.match(logged('attempt failed'), [{ class: 'neutral', reason: 'client_closed' }])
  t.match(logged('request ended'), [{ status: 499 }])
})
