/**
 * `openai`: what it makes of errors, its classes and their fields: those of the gateway itself, and those that begin at
 * the provider, through each of the five targets.
 */
import OpenAI, { APIError, AuthenticationError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError } from 'openai'
import t from 'tap'
import { ADMIN_KEY, CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { CUT, hangUp } from '../support/scripted-upstream.ts'
import type { Step } from '../support/scripted-upstream.ts'

const { gateway, targets, baseURL, reset } = await fiveTargets(t)
const options = { baseURL, maxRetries: 0 }
const client = new OpenAI({ ...options, apiKey: CALLER_KEY })
const messages = [{ role: 'user' as const, content: 'Hello' }]
const upstreamKeys = targets.map(({ key }) => key)

/** What a promise rejects with; anything but an error of the client's own is a failure. */
async function errorOf (promise: Promise<unknown>): Promise<APIError> {
  const error: unknown = await promise.then(() => new Error('there was no error'), (error: unknown) => error)
  if (!(error instanceof APIError)) throw error
  t.notMatch(JSON.stringify(error.error), new RegExp(['127\\.0\\.0\\.1', ...upstreamKeys].join('|')), 'nothing of the upstream is told')
  return error
}

for (const stream of [false, true]) {
  t.test(stream ? 'streamed' : 'whole', async t => {
    const ask = async (model: string, by = client) => await errorOf(by.chat.completions.create({ model, messages, stream }))

    t.test('400: the request is invalid, and its field is named', async t => {
      const error = await errorOf(client.chat.completions.create({ model: 'openai', messages, temperature: 3, stream }))
      t.ok(error instanceof BadRequestError)
      t.match(error, { status: 400, type: 'invalid_request_error', code: 'invalid_value', param: 'temperature' })
    })

    t.test('401: a wrong key', async t => {
      const error = await ask('openai', new OpenAI({ ...options, apiKey: 'wrong' }))
      t.ok(error instanceof AuthenticationError)
      t.match(error, { status: 401, code: 'invalid_api_key' })
    })

    t.test('404: an unknown route', async t => {
      const error = await errorOf(client.get('/nonesuch'))
      t.ok(error instanceof NotFoundError)
      t.match(error, { status: 404, code: 'route_not_found' })
    })

    for (const { name: model, upstream, wire, key } of targets) {
      t.test(model, async t => {
        t.afterEach(async () => await reset(model))

        t.test('400: the provider says that the request is invalid', async t => {
          upstream.next(wire.error(400, `it is too long; your key is ${key}`))
          const error = await ask(model)
          t.ok(error instanceof BadRequestError)
          t.match(error, { status: 400, type: 'invalid_request_error', message: /it is too long/ })
        })

        t.test('429: rate limited, with the time to come back', async t => {
          upstream.next(wire.error(429, 'slow down', { 'retry-after': '200' }))
          for (const error of [await ask(model), await ask(model)]) {
            t.ok(error instanceof RateLimitError)
            t.match(error, { status: 429, type: 'rate_limit_error', code: 'rate_limit_exceeded' })
            const seconds = Number(error.headers?.get('retry-after'))
            t.ok(seconds > 100 && seconds <= 200, `in ${seconds} s`)
          }
        })

        t.test('502: the provider failed, or hung up, which is no fault of the caller', async t => {
          for (const failing of [wire.error(500, 'out of order'), hangUp]) {
            upstream.next(failing)
            const error = await ask(model)
            t.ok(error instanceof InternalServerError)
            t.match(error, { status: 502, code: 'all_targets_failed', type: 'server_error' })
            t.match(error.error, { attempts: [{ target: model, class: 'failure' }] })
            t.equal(error.headers?.get('x-gateway-attempts'), '1')
          }
        })

        t.test('502: the provider refuses the gateway\'s own key, which is never the caller\'s', async t => {
          for (const status of [401, 403]) {
            upstream.next(wire.error(status, 'who are you?'))
            const error = await ask(model)
            t.ok(error instanceof InternalServerError)
            t.match(error, { status: 502, code: 'all_targets_failed' })
            t.match(error.error, { attempts: [{ target: model, class: 'misconfigured' }] })
            await reset(model)
          }
        })

        t.test('503: the breaker is open, with the time to come back', async t => {
          upstream.next(wire.error(503, 'busy'), wire.error(503, 'busy'), wire.error(503, 'busy'))
          for (let i = 0; i < 3; i++) t.equal((await ask(model)).status, 502)
          const count = upstream.requests.length
          const error = await ask(model)
          t.ok(error instanceof InternalServerError)
          t.match(error, { status: 503, code: 'no_target_available' })
          t.ok(Number(error.headers?.get('retry-after')) >= 1)
          t.equal(upstream.requests.length, count, 'the provider was not asked')
        })
      })
    }
  })
}

for (const { name: model, upstream, wire } of targets) {
  t.test(`${model}: an error in the middle of a stream is raised, after what came before it`, async t => {
    const breaks: Step[] = [CUT, wire.failure]
    for (const broken of breaks) {
      upstream.next(wire.streaming(wire.text('Hel'), wire.text('lo'), broken))
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      let content = ''
      const finishReasons: string[] = []
      const error = await errorOf((async () => {
        for await (const { choices } of stream) {
          content += choices[0]?.delta.content ?? ''
          if (choices[0]?.finish_reason != null) finishReasons.push(choices[0].finish_reason)
        }
      })())
      t.match(error, { type: 'server_error', code: 'all_targets_failed' })
      t.match(error.error, { attempts: [{ target: model, class: 'failure' }] })
      t.equal(content, 'Hello')
      t.same(finishReasons, [], 'it does not look complete')
      await reset(model)
    }
  })
}

t.test('a stream that ends without its end is an error too', async t => {
  for (const { name: model, upstream, wire } of targets) {
    upstream.next(wire.streaming(wire.text('Hello')))
    const stream = await client.chat.completions.create({ model, messages, stream: true })
    const error = await errorOf((async () => { for await (const chunk of stream) t.equal(chunk.object, 'chat.completion.chunk') })())
    t.match(error, { code: 'all_targets_failed' }, model)
    await reset(model)
  }
})

t.test('403: a caller on an admin route', async t => {
  t.ok(await errorOf(client.get('/audit')) instanceof PermissionDeniedError)
  await t.resolves(new OpenAI({ ...options, apiKey: ADMIN_KEY }).get('/audit'))
})

t.test('the keys are in no log line', async t => {
  for (const key of [CALLER_KEY, ADMIN_KEY, ...upstreamKeys]) t.notOk(gateway.output.includes(key))
})
