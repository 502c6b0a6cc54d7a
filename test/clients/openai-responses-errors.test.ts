/**
 * What the Responses API of the official `openai` client makes of errors, before and in the middle of a stream.
 */
import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, RateLimitError } from 'openai'
import t from 'tap'
import { CALLER_KEY, UPSTREAM_KEY, configFile, digestOf, targetAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { rejectionOf } from '../support/rejection.ts'
import { after, answering, CUT, DONE, finish, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

const upstream = await scriptedUpstream(t)
/** One target for each test, since each has a breaker to open. */
const TARGETS = ['good', 'complaining', 'limited', 'failing', 'hanging', 'breaking', 'helping', 'cutting']
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  GATEWAY_API_KEYS: digestOf(CALLER_KEY),
  GATEWAY_CONFIG: await configFile(t, { targets: TARGETS.map(name => targetAt(upstream, name)) })
})
const options = { baseURL: `${gateway.url}/v1`, maxRetries: 0 }
const client = new OpenAI({ ...options, apiKey: CALLER_KEY })

for (const stream of [false, true]) {
  t.test(stream ? 'streamed' : 'whole', async t => {
    t.test('400: the request is invalid, or asks for what is not there', async t => {
      const invalid = await rejectionOf(client.responses.create({ model: 'good', input: 'Hi', temperature: 3, stream }))
      t.ok(invalid instanceof BadRequestError)
      t.match(invalid, { status: 400, type: 'invalid_request_error', param: 'temperature' })
      const unsupported = await rejectionOf(client.responses.create({ model: 'good', input: 'Hi', tools: [{ type: 'web_search' }], stream }))
      t.ok(unsupported instanceof BadRequestError)
      t.match(unsupported, { code: 'unsupported_parameter', param: 'tools[0].type' })
    })

    t.test('400: the upstream says that the request is invalid', async t => {
      upstream.next(status(400, { error: { message: `too long; key ${UPSTREAM_KEY}`, type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' } }))
      const error = await rejectionOf(client.responses.create({ model: 'complaining', input: 'Hi', stream }))
      t.ok(error instanceof BadRequestError)
      t.match(error, { code: 'context_length_exceeded' })
      t.notMatch(JSON.stringify(error), UPSTREAM_KEY)
    })

    t.test('401, 404: a wrong key, an unknown model', async t => {
      t.ok(await rejectionOf(new OpenAI({ ...options, apiKey: 'wrong' }).responses.create({ model: 'good', input: 'Hi', stream })) instanceof AuthenticationError)
      const error = await rejectionOf(client.responses.create({ model: 'nonesuch', input: 'Hi', stream }))
      t.ok(error instanceof NotFoundError)
      t.match(error, { code: 'model_not_found', param: 'model' })
    })

    t.test('429, 502: the target is limited, or fails', async t => {
      if (!stream) upstream.next(status(429, undefined, { 'retry-after': '200' }))
      t.ok(await rejectionOf(client.responses.create({ model: 'limited', input: 'Hi', stream })) instanceof RateLimitError)
      upstream.next(status(500))
      const error = await rejectionOf(client.responses.create({ model: 'failing', input: 'Hi', stream }))
      t.ok(error instanceof InternalServerError)
      t.match(error, { status: 502, code: 'all_targets_failed' })
    })

    t.test('an abort before the first token ends the request at the upstream', async t => {
      const count = upstream.requests.length
      upstream.next(after(new Promise(() => {}), status(200)))
      const aborter = new AbortController()
      const asked = client.responses.create({ model: 'hanging', input: 'Hi', stream }, { signal: aborter.signal })
      const request = await upstream.request(count + 1)
      aborter.abort()
      t.ok(await rejectionOf(asked) instanceof APIUserAbortError)
      t.equal(await request.closed, 'aborted')
    })
  })
}

t.test('a stream that breaks in the middle is an exception, after what came before it', async t => {
  upstream.next(streaming(role(), text('Hel'), CUT))
  let said = ''
  const seen: string[] = []
  const error = await rejectionOf((async () => {
    for await (const event of await client.responses.create({ model: 'breaking', input: 'Hi', stream: true })) {
      seen.push(event.type)
      if (event.type === 'response.output_text.delta') said += event.delta
    }
  })())
  t.ok(error instanceof APIError)
  t.match(error, { code: 'all_targets_failed', type: 'server_error' })
  t.equal(said, 'Hel')
  t.notOk(seen.some(type => type.endsWith('.done') || type.endsWith('.completed') || type.endsWith('.incomplete')), 'and nothing was said to be whole')
})

t.test('and so it is for those who only wait for the whole answer', async t => {
  upstream.next(streaming(role(), text('Hel'), CUT))
  t.ok(await rejectionOf(client.responses.stream({ model: 'helping', input: 'Hi' }).finalResponse()) instanceof APIError)
})

t.test('an answer that was cut off by its limit is incomplete, and no exception', async t => {
  upstream.next(streaming(role(), text('Hel'), finish('length'), usage(), DONE), streaming(role(), text('Hel'), finish('content_filter'), usage(), DONE))
  for (const reason of ['max_output_tokens', 'content_filter']) {
    const final = await client.responses.stream({ model: 'cutting', input: 'Hi' }).finalResponse()
    t.match(final, { status: 'incomplete', incomplete_details: { reason }, output_text: 'Hel' })
  }
  upstream.next(answering('Hello'))
  t.match(await client.responses.create({ model: 'cutting', input: 'Hi' }), { status: 'completed' })
})
