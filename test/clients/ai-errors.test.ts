/**
 * `ai` with `@ai-sdk/openai-compatible`: its errors, what it asks again for by itself and after how long, and a caller
 * that leaves, through each of the five targets. Its waits are seen, and cut short.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { APICallError, RetryError, generateText, streamText } from 'ai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { holdTimers } from '../support/held-timers.ts'
import { rejectionOf } from '../support/rejection.ts'
import { CUT, after } from '../support/scripted-upstream.ts'
import type { Step } from '../support/scripted-upstream.ts'

const { targets, baseURL, reset } = await fiveTargets(t)
const gateway = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: CALLER_KEY })
const stranger = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: 'wrong' })
const prompt = 'Hello'
const NEVER = new Promise<never>(() => {})
const pauses = holdTimers(t, '@ai-sdk/provider-utils')

/** The error of a call that is not made again. */
async function callErrorOf (promise: PromiseLike<unknown>): Promise<APICallError> {
  const error = await rejectionOf(promise)
  if (!APICallError.isInstance(error)) throw error
  return error
}

for (const { name, upstream, wire } of targets) {
  const model = gateway(name)
  const once = { model, prompt, maxRetries: 0 }

  t.test(name, async t => {
    t.afterEach(async () => await reset(name))

    t.test('400 is told in the provider\'s words, and not asked again', async t => {
      upstream.next(wire.error(400, 'it is too long'))
      const count = upstream.requests.length
      const error = await callErrorOf(generateText({ model, prompt }))
      t.match(error, { statusCode: 400, isRetryable: false, message: /it is too long/, data: { error: { type: 'invalid_request_error' } } })
      t.equal(upstream.requests.length, count + 1)
    })

    t.test('429, 502 and 503 say that they may be asked again, and when', async t => {
      upstream.next(wire.error(429, 'slow down', { 'retry-after': '200' }))
      const limited = await callErrorOf(generateText(once))
      t.match(limited, { statusCode: 429, isRetryable: true, responseHeaders: { 'retry-after': '200' }, data: { error: { code: 'rate_limit_exceeded' } } })
      await reset(name)
      upstream.next(...Array.from({ length: 3 }, () => wire.error(500, 'out of order')))
      for (let i = 0; i < 3; i++) t.match(await callErrorOf(generateText(once)), { statusCode: 502, isRetryable: true, data: { error: { code: 'all_targets_failed' } } })
      t.match(await callErrorOf(generateText(once)), { statusCode: 503, isRetryable: true, responseHeaders: { 'retry-after': /^[1-3]$/ } })
    })

    t.test('an error before a stream begins is part of it', async t => {
      upstream.next(wire.error(400, 'it is too long'))
      const kinds: string[] = []
      const errors: unknown[] = []
      const result = streamText({ ...once, onError: () => {} })
      for await (const part of result.fullStream) {
        if (part.type === 'error') errors.push(part.error)
        else kinds.push(part.type)
      }
      t.ok(APICallError.isInstance(errors[0]))
      t.match(errors, [{ statusCode: 400, isRetryable: false }])
      t.notOk(kinds.includes('text-start'))
      t.ok(await rejectionOf(result.text) instanceof Error)
    })

    for (const stream of [false, true]) {
      t.test(`asks again after as long as it is told, ${stream ? 'streamed' : 'whole'}`, async t => {
        upstream.next(wire.error(429, 'slow down', { 'retry-after': '7' }), stream ? wire.streaming(wire.text('Hello'), ...wire.end()) : wire.whole('Hello'))
        const text = stream ? streamText({ model, prompt }).text : generateText({ model, prompt }).then(({ text }) => text)
        const pause = await pauses.next(() => true)
        t.equal(pause.ms, 7000)
        await reset(name) // seven seconds later
        pause.fire()
        t.equal(await text, 'Hello')
      })
    }

    t.test('asks twice more where it is not told when, after 2 and 4 s', async t => {
      upstream.next(...Array.from({ length: 3 }, () => wire.error(500, 'out of order')))
      const asked = rejectionOf(generateText({ model, prompt }))
      for (const ms of [2000, 4000]) {
        const pause = await pauses.next(() => true)
        t.equal(pause.ms, ms)
        pause.fire()
      }
      const error = await asked
      t.ok(RetryError.isInstance(error))
      t.match(error, { reason: 'maxRetriesExceeded', errors: [{ statusCode: 502 }, { statusCode: 502 }, { statusCode: 502 }] })
    })

    t.test('an error in the middle of a stream is part of it, after what came before, and not asked again', async t => {
      const breaks: Step[] = [CUT, wire.failure]
      for (const broken of breaks) {
        upstream.next(wire.streaming(wire.text('Hel'), wire.text('lo'), broken))
        const count = upstream.requests.length
        let text = ''
        const errors: unknown[] = []
        const finishReasons: string[] = []
        const result = streamText({ model, prompt, onError: () => {} })
        for await (const part of result.fullStream) {
          if (part.type === 'text-delta') text += part.text
          else if (part.type === 'error') errors.push(part.error)
          else if (part.type === 'finish') finishReasons.push(part.finishReason)
        }
        t.equal(text, 'Hello')
        t.match(errors, [{ code: 'all_targets_failed', type: 'server_error' }])
        t.same(finishReasons, ['error'], 'it does not look complete')
        t.equal(await result.finishReason, 'error')
        t.equal(upstream.requests.length, count + 1)
        await reset(name)
      }
    })

    for (const stream of [false, true]) {
      t.test(`aborted before the provider has answered, ${stream ? 'streamed' : 'whole'}`, async t => {
        upstream.next(after(NEVER, wire.whole('too late')))
        const asked = upstream.request(upstream.requests.length + 1)
        const aborter = new AbortController()
        const call = { model, prompt, abortSignal: aborter.signal, onError: () => {} }
        const error = rejectionOf(stream ? streamText(call).text : generateText(call))
        const request = await asked
        aborter.abort()
        t.match(await error, stream ? Error : { name: 'AbortError' })
        t.equal(await request.closed, 'aborted')
      })
    }

    t.test('aborted in the middle of a stream', async t => {
      upstream.next(wire.streaming(wire.text('one '), wire.text('two '), NEVER))
      const asked = upstream.request(upstream.requests.length + 1)
      const aborter = new AbortController()
      let text = ''
      const ends: string[] = []
      for await (const part of streamText({ model, prompt, abortSignal: aborter.signal }).fullStream) {
        if (part.type === 'text-delta') text += part.text
        if (part.type === 'abort' || part.type === 'finish' || part.type === 'error') ends.push(part.type)
        if (text === 'one two ') aborter.abort()
      }
      t.equal(text, 'one two ')
      t.same(ends, ['abort'])
      t.equal(await (await asked).closed, 'aborted')
    })
  })
}

t.test('401: a wrong key', async t => {
  const error = await callErrorOf(generateText({ model: stranger('openai'), prompt }))
  t.match(error, { statusCode: 401, isRetryable: false, data: { error: { code: 'invalid_api_key' } } })
})
