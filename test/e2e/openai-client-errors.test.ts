/**
 * What the official `openai` client makes of the gateway's errors: which of its classes, and with which fields.
 */
import OpenAI, { APIError, APIUserAbortError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import t from 'tap'
import { ADMIN_KEY, CALLER_KEY, UPSTREAM_KEY, configFile, digestOf, targetAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { after, scriptedUpstream, status } from '../support/scripted-upstream.ts'

const upstream = await scriptedUpstream(t)
/** One target for each test, since each has a breaker to open. */
const TARGETS = ['good', 'complaining', 'refusing', 'limited', 'failing', 'opened', 'hanging']
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  GATEWAY_API_KEYS: digestOf(CALLER_KEY),
  ADMIN_API_KEYS: digestOf(ADMIN_KEY),
  GATEWAY_CONFIG: await configFile(t, { targets: TARGETS.map(name => targetAt(upstream, name)) })
})
const options = { baseURL: `${gateway.url}/v1`, maxRetries: 0 }
const client = new OpenAI({ ...options, apiKey: CALLER_KEY })
const messages = [{ role: 'user' as const, content: 'Hello' }]

/** The error of a request, streamed or not. */
async function errorOf (model: string, stream: boolean, by = client): Promise<APIError> {
  try {
    await by.chat.completions.create({ model, messages, stream })
  } catch (error) {
    if (error instanceof APIError) {
      t.notMatch(JSON.stringify(error.error), new RegExp(`127\\.0\\.0\\.1|${UPSTREAM_KEY}`), 'nothing of the upstream is told')
      return error
    }
    throw error
  }
  throw new Error('there was no error')
}

/** What a promise rejects with; undefined if it does not. */
async function rejection (promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(() => undefined, (error: unknown) => error)
}

for (const stream of [false, true]) {
  t.test(stream ? 'streamed' : 'whole', async t => {
    t.test('400: the request is invalid, and its field is named', async t => {
      const error = await rejection(client.chat.completions.create({ model: 'good', messages, temperature: 3, stream }))
      t.ok(error instanceof BadRequestError)
      t.match(error, { status: 400, type: 'invalid_request_error', param: 'temperature' })
    })

    t.test('400: the upstream says that the request is invalid', async t => {
      upstream.next(status(400, { error: { message: `too long; key ${UPSTREAM_KEY}`, type: 'invalid_request_error', code: 'context_length_exceeded', param: 'messages' } }))
      const error = await errorOf('complaining', stream)
      t.ok(error instanceof BadRequestError)
      t.match(error, { status: 400, code: 'context_length_exceeded', param: 'messages' })
    })

    t.test('401: a wrong key', async t => {
      const error = await errorOf('good', stream, new OpenAI({ ...options, apiKey: 'wrong' }))
      t.ok(error instanceof AuthenticationError)
      t.match(error, { status: 401, code: 'invalid_api_key' })
    })

    t.test('404: an unknown model', async t => {
      const error = await errorOf('nonesuch', stream)
      t.ok(error instanceof NotFoundError)
      t.match(error, { status: 404, code: 'model_not_found', param: 'model', type: 'invalid_request_error' })
    })

    t.test('429: rate limited, with the time to come back', async t => {
      if (!stream) upstream.next(status(429, undefined, { 'retry-after': '200' }))
      const error = await errorOf('limited', stream)
      t.ok(error instanceof RateLimitError)
      t.match(error, { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' })
      const seconds = Number(error.headers?.get('retry-after'))
      t.ok(seconds > 100 && seconds <= 200, `in ${seconds} s`)
    })

    t.test('502: the target failed, which is no fault of the caller', async t => {
      upstream.next(status(500))
      const error = await errorOf('failing', stream)
      t.ok(error instanceof InternalServerError)
      t.match(error, { status: 502, code: 'all_targets_failed', type: 'server_error' })
      t.equal(error.headers?.get('x-gateway-attempts'), '1')
    })

    t.test('503: the breaker is open, with the time to come back', async t => {
      upstream.next(...stream ? [] : [status(500), status(500), status(500)])
      if (!stream) for (let i = 0; i < 3; i++) t.equal((await errorOf('opened', stream)).status, 502)
      const error = await errorOf('opened', stream)
      t.ok(error instanceof InternalServerError)
      t.match(error, { status: 503, code: 'no_target_available' })
      t.ok(Number(error.headers?.get('retry-after')) >= 1)
    })

    t.test('an abort before the first token ends the request at the upstream', async t => {
      const count = upstream.requests.length
      upstream.next(after(new Promise(() => {}), status(200)))
      const aborter = new AbortController()
      const asked = client.chat.completions.create({ model: 'hanging', messages, stream }, { signal: aborter.signal })
      const request = await upstream.request(count + 1)
      aborter.abort()
      t.ok(await rejection(asked) instanceof APIUserAbortError)
      t.equal(await request.closed, 'aborted')
    })
  })
}

t.test('502: the upstream refuses the gateway\'s own key, which is never the caller\'s', async t => {
  upstream.next(status(401, { error: { message: 'Incorrect API key provided', type: 'invalid_request_error', code: 'invalid_api_key' } }))
  const error = await errorOf('refusing', true)
  t.match(error, { status: 502, code: 'all_targets_failed' })
  t.match(error.error, { attempts: [{ target: 'refusing', class: 'misconfigured' }] })
})

t.test('403: a caller on an admin route', async t => {
  t.ok(await rejection(client.get('/audit')) instanceof PermissionDeniedError)
  await t.resolves(new OpenAI({ ...options, apiKey: ADMIN_KEY }).get('/audit'))
})

t.test('the keys are in no log line', async t => {
  for (const key of [CALLER_KEY, ADMIN_KEY, UPSTREAM_KEY]) t.notOk(gateway.output.includes(key))
})
