import t from 'tap'
import { buildGateway, openaiAt } from './support/build-gateway.ts'
import { errorOf, json } from './support/chat-client.ts'
import { scriptedUpstream } from './support/scripted-upstream.ts'

// They are outside of the gateway's scope: errors there came in the framework's format, and none of them was logged.
t.test('what no route answers is answered and logged like the rest', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, logged } = await buildGateway(t, { env: openaiAt(upstream) })
  const cases: ReadonlyArray<readonly [status: number, code: string, path: string, init: RequestInit]> = [
    [404, 'route_not_found', '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }],
    [400, 'invalid_json', '/chat/completions', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' }],
    [404, 'route_not_found', '/chat/completions', { method: 'POST', headers: { 'content-type': 'a/b' }, body: '{' }],
    [400, 'invalid_url', '/%zz', {}]
  ]
  for (const [index, [status, code, path, init]] of cases.entries()) {
    const response = await fetch(url + path, { ...init, headers: { ...init.headers, 'x-request-id': `r${index}` } })
    t.equal(response.status, status)
    t.equal(response.headers.get('x-request-id'), `r${index}`)
    t.match(errorOf(await json(response)), { type: 'invalid_request_error', code, param: null })
    while (logged('request ended').length <= index) await new Promise(resolve => { setImmediate(resolve) })
  }
  t.match(logged('request ended'), cases.map(([status, error], index) => ({ reqId: `r${index}`, status, error, path: null })))
  t.equal(logged('request ended').length, cases.length)
})
