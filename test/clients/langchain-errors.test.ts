/**
 * `@langchain/openai`: ChatOpenAI's errors, what it asks again for by itself and after how long, and a caller that
 * leaves, through each of the five targets. Its waits are seen, and cut short.
 */
import { ChatOpenAI } from '@langchain/openai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { holdTimers } from '../support/held-timers.ts'
import { rejectionOf } from '../support/rejection.ts'
import { CUT, after } from '../support/scripted-upstream.ts'
import type { Step } from '../support/scripted-upstream.ts'

const { targets, baseURL, reset } = await fiveTargets(t)
const options = { apiKey: CALLER_KEY, configuration: { baseURL } }
const NEVER = new Promise<never>(() => {})
const pauses = holdTimers(t, '@langchain/core')

for (const { name, upstream, wire } of targets) {
  const model = new ChatOpenAI({ ...options, model: name })
  const once = new ChatOpenAI({ ...options, model: name, maxRetries: 0 })

  t.test(name, async t => {
    t.afterEach(async () => await reset(name))

    t.test('400 is told in the provider\'s words, and not asked again', async t => {
      upstream.next(wire.error(400, 'it is too long'))
      const count = upstream.requests.length
      t.match(await rejectionOf(model.invoke('Hello')), { status: 400, type: 'invalid_request_error', message: /it is too long/ })
      t.equal(upstream.requests.length, count + 1)
    })

    t.test('429, 502 and 503 are told as such', async t => {
      upstream.next(wire.error(429, 'slow down', { 'retry-after': '200' }))
      const limited = await rejectionOf(once.invoke('Hello'))
      t.match(limited, { status: 429, code: 'rate_limit_exceeded', lc_error_code: 'MODEL_RATE_LIMIT' })
      await reset(name)
      upstream.next(...Array.from({ length: 3 }, () => wire.error(500, 'out of order')))
      for (let i = 0; i < 3; i++) t.match(await rejectionOf(once.invoke('Hello')), { status: 502, code: 'all_targets_failed' })
      t.match(await rejectionOf(once.invoke('Hello')), { status: 503, code: 'no_target_available' })
    })

    for (const stream of [false, true]) {
      t.test(`429: asks again after as long as it is told, ${stream ? 'streamed' : 'whole'}`, async t => {
        upstream.next(wire.error(429, 'slow down', { 'retry-after': '7' }), stream ? wire.streaming(wire.text('Hello'), ...wire.end()) : wire.whole('Hello'))
        const asked = stream ? textOf(model) : model.invoke('Hello').then(({ text }) => text)
        const pause = await pauses.next(() => true)
        t.equal(pause.ms, 7000)
        await reset(name) // seven seconds later
        pause.fire()
        t.equal(await asked, 'Hello')
      })
    }

    t.test('502: asks again after one to two seconds', async t => {
      upstream.next(wire.error(500, 'out of order'), wire.whole('Hello'))
      const asked = model.invoke('Hello')
      const pause = await pauses.next(() => true)
      t.ok(pause.ms >= 1000 && pause.ms <= 2000, `${pause.ms} ms`)
      pause.fire()
      t.equal((await asked).text, 'Hello')
    })

    t.test('an error in the middle of a stream is raised, after what came before, and not asked again', async t => {
      const breaks: Step[] = [CUT, wire.failure]
      for (const broken of breaks) {
        upstream.next(wire.streaming(wire.text('Hel'), wire.text('lo'), broken))
        const count = upstream.requests.length
        const pieces: string[] = []
        t.match(await rejectionOf(textOf(model, { onPiece: piece => pieces.push(piece) })), { code: 'all_targets_failed', type: 'server_error' })
        t.equal(pieces.join(''), 'Hello')
        t.equal(upstream.requests.length, count + 1)
        await reset(name)
      }
    })

    for (const stream of [false, true]) {
      t.test(`aborted before the provider has answered, ${stream ? 'streamed' : 'whole'}`, async t => {
        upstream.next(after(NEVER, wire.whole('too late')))
        const asked = upstream.request(upstream.requests.length + 1)
        const aborter = new AbortController()
        const { signal } = aborter
        const error = rejectionOf(stream ? textOf(once, { signal }) : once.invoke('Hello', { signal }))
        const request = await asked
        aborter.abort()
        t.match(await error, { name: 'AbortError' })
        t.equal(await request.closed, 'aborted')
      })
    }

    t.test('aborted in the middle of a stream', async t => {
      upstream.next(wire.streaming(wire.text('one '), wire.text('two '), NEVER))
      const asked = upstream.request(upstream.requests.length + 1)
      const aborter = new AbortController()
      const pieces: string[] = []
      const error = await rejectionOf(textOf(once, {
        signal: aborter.signal,
        onPiece: piece => {
          pieces.push(piece)
          if (piece === 'two ') aborter.abort()
        }
      }))
      t.ok(error instanceof Error)
      t.equal(pieces.join(''), 'one two ')
      t.equal(await (await asked).closed, 'aborted')
    })

    t.test('left by breaking out of the loop', async t => {
      upstream.next(wire.streaming(wire.text('one '), wire.text('two '), NEVER))
      const asked = upstream.request(upstream.requests.length + 1)
      for await (const { text } of await once.stream('Hello')) if (text !== '') break
      t.equal(await (await asked).closed, 'aborted')
    })
  })
}

t.test('429 for longer than a minute: is told, and not asked again', async t => {
  for (const { name, upstream, wire } of targets) {
    upstream.next(wire.error(429, 'slow down', { 'retry-after': '200' }))
    const error = await rejectionOf(new ChatOpenAI({ ...options, model: name }).invoke('Hello'))
    t.match(error, { status: 429, retryAfterMs: 200_000 }, name)
    await reset(name)
  }
})

t.test('401: a wrong key', async t => {
  const error = await rejectionOf(new ChatOpenAI({ ...options, apiKey: 'wrong', model: 'openai' }).invoke('Hello'))
  t.match(error, { status: 401, code: 'invalid_api_key', lc_error_code: 'MODEL_AUTHENTICATION' })
})

interface Reading {
  readonly signal?: AbortSignal
  readonly onPiece?: (text: string) => void
}

/** The text of a stream. */
async function textOf (model: ChatOpenAI, { signal, onPiece = () => {} }: Reading = {}): Promise<string> {
  let all = ''
  for await (const { text } of await model.stream('Hello', signal === undefined ? {} : { signal })) {
    all += text
    if (text !== '') onPiece(text)
  }
  return all
}
