import t from 'tap'
import { ADMIN_KEY, buildGateway, openaiAt } from '../support/build-gateway.ts'
import { bearer, errorOf, json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

// PostgreSQL refuses NUL in a text; the query failed with it, and the caller got 500.
t.test('a filter that the database cannot compare with is the caller\'s fault', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  for (const field of ['target', 'request_id']) {
    const response = await fetch(`${url}/v1/audit?${field}=a%00b`, { headers: bearer(ADMIN_KEY) })
    t.equal(response.status, 400)
    t.equal(errorOf(await json(response))['param'], field)
  }
})
