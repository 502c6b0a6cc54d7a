import t from 'tap'
import { ADMIN_KEY, buildGateway, openaiAt } from '../support/build-gateway.ts'
import { bearer, errorOf, json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

// PostgreSQL refuses NUL in a text. A reason that holds one was taken, could not be stored, and blocked every later
// transition of its target: no other replica and no restart learned of them.
t.test('a reason that the database cannot store is refused, and the breaker can be changed afterwards', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, log } = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  const headers = { ...bearer(ADMIN_KEY), 'content-type': 'application/json' }
  const act = async (action: string, reason: string) => await fetch(`${url}/v1/targets/openai/breaker`, { method: 'POST', headers, body: JSON.stringify({ action, reason }) })
  const refused = await act('force_open', 'a\u0000b')
  t.equal(refused.status, 400)
  t.equal(errorOf(await json(refused))['param'], 'reason')
  t.equal((await act('shadow', 'half a \ud83d smile, \u{1F600}, "quotes" and \\')).status, 200)
  const stored = async () => await json(await fetch(`${url}/v1/audit?kind=transition`, { headers }))
  let page = await stored()
  while (JSON.stringify(page['data']) === '[]') page = await stored() // on a slow machine a write is tried again
  t.match(page, { data: [{ to: 'shadow', manual: { reason: /smile/ } }] })
  t.notMatch(log.join(''), /22021/, 'PostgreSQL\'s refusal')
})
