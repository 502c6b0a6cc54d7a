import t from 'tap'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { errorOf, objectOf } from '../support/chat-client.ts'
import { rawHttp } from '../support/raw-http.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

// The framework's own handler answered in another format, and logged the raw packet (at trace): authorization, prompt
// and all.
t.test('what is not HTTP is answered in the same format, and not a byte of it is logged', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, log, logged } = await buildGateway(t, { env: openaiAt(upstream) })
  const head = 'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer hunter2\r\ncontent-type: application/json\r\n'
  const cases: ReadonlyArray<readonly [number, string]> = [
    [400, 'hunter2 hunter2\r\n\r\n'],
    [400, `${head}content-length: hunter2\r\n\r\n`],
    [400, `${head}content-length: 5\r\ncontent-length: 6\r\n\r\nhunter2`],
    [400, `${head}transfer-encoding: chunked\r\n\r\nhunter2\r\n`],
    [400, `FLY / HTTP/1.1\r\nauthorization: Bearer hunter2\r\n\r\n${head}`],
    [431, `GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${'hunter2'.repeat(4000)}\r\n\r\n`]
  ]
  for (const [status, text] of cases) {
    const answer = await rawHttp(url, text)
    t.equal(answer.status, status, text.slice(0, 20))
    t.match(answer.head.toLowerCase(), /connection: close/)
    t.match(errorOf(objectOf(answer.body)), { type: 'invalid_request_error', code: String, param: null })
  }
  // A body longer than it said: the rest is taken for the next request, which is none.
  const tooLong = await rawHttp(url, `${head}content-length: 2\r\n\r\n{}hunter2`)
  t.equal(tooLong.status, 400)
  t.ok(logged('not a valid HTTP request').length >= cases.length - 1)
  // As text, and as the numbers of a Buffer.
  t.notMatch(log.join(''), /hunter2|104,117,110,116,101,114,50/)
})
