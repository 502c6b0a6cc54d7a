import t from 'tap'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { chat, HELLO } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

// Every other optional field took null for "not set"; `model` refused it, though its route knew what it means.
t.test('a model of null is no model', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  t.equal((await chat(url, { ...HELLO, model: null })).status, 200)
  t.equal((await upstream.request(1)).body['model'], 'scripted')
})
