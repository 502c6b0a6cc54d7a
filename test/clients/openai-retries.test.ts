/**
 * `openai`: when it asks again by itself, and how long it waits before, through each of the five targets. Its waits are
 * seen, and cut short.
 */
import OpenAI, { APIError, BadRequestError, InternalServerError, RateLimitError } from 'openai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { holdTimers } from '../support/held-timers.ts'
import { rejectionOf } from '../support/rejection.ts'
import { CUT } from '../support/scripted-upstream.ts'

const { targets, baseURL, reset } = await fiveTargets(t)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY })
const messages = [{ role: 'user' as const, content: 'Hello' }]
const timers = holdTimers(t, 'openai')
/** The wait between two tries; what bounds a request is longer. */
const isPause = (ms: number) => ms <= 60_000
/** What it waits where it was not told: half a second, doubled each time, and less by up to a quarter. */
const isBackoff = (ms: number, tries: number) => ms <= 500 * 2 ** (tries - 1) && ms >= 375 * 2 ** (tries - 1)

for (const { name: model, upstream, wire } of targets) {
  t.test(model, async t => {
    t.afterEach(async () => await reset(model))

    for (const stream of [false, true]) {
      t.test(`429: asks again after as long as it is told, ${stream ? 'streamed' : 'whole'}`, async t => {
        upstream.next(wire.error(429, 'slow down', { 'retry-after': '7' }), stream ? wire.streaming(wire.text('Hello'), ...wire.end()) : wire.whole('Hello'))
        const count = upstream.requests.length
        const asked = client.chat.completions.create({ model, messages, stream })
        const pause = await timers.next(isPause)
        t.equal(pause.ms, 7000)
        t.equal(upstream.requests.length, count + 1)
        await reset(model) // seven seconds later
        pause.fire()
        const answer = await asked
        let content = ''
        if ('choices' in answer) content = answer.choices[0]?.message.content ?? ''
        else for await (const { choices } of answer) content += choices[0]?.delta.content ?? ''
        t.equal(content, 'Hello')
        t.equal(upstream.requests.length, count + 2)
      })
    }

    t.test('502: asks twice more, after a moment, and tells the last error', async t => {
      upstream.next(wire.error(500, 'out of order'), wire.error(500, 'out of order'), wire.error(500, 'out of order'))
      const count = upstream.requests.length
      const asked = rejectionOf(client.chat.completions.create({ model, messages }))
      for (const tries of [1, 2]) {
        const pause = await timers.next(isPause)
        t.ok(isBackoff(pause.ms, tries), `${pause.ms} ms`)
        pause.fire()
      }
      const error = await asked
      t.ok(error instanceof InternalServerError)
      t.match(error, { status: 502 })
      t.equal(upstream.requests.length, count + 3)
    })

    t.test('503: asks again when the breaker will let it', async t => {
      upstream.next(...Array.from({ length: 3 }, () => wire.error(500, 'out of order')), wire.whole('Hello'))
      for (let i = 0; i < 3; i++) t.match(await rejectionOf(client.chat.completions.create({ model, messages }, { maxRetries: 0 })), { status: 502 })
      const asked = client.chat.completions.create({ model, messages })
      const pause = await timers.next(isPause)
      t.ok(pause.ms >= 1000 && pause.ms <= 3000 && pause.ms % 1000 === 0, `${pause.ms} ms`)
      await reset(model)
      pause.fire()
      t.equal((await asked).choices[0]?.message.content, 'Hello')
    })

    t.test('400: does not ask again', async t => {
      upstream.next(wire.error(400, 'it is too long'))
      const count = upstream.requests.length
      t.ok(await rejectionOf(client.chat.completions.create({ model, messages })) instanceof BadRequestError)
      t.equal(upstream.requests.length, count + 1)
    })

    t.test('an error in the middle of a stream: does not ask again', async t => {
      upstream.next(wire.streaming(wire.text('Hel'), CUT))
      const count = upstream.requests.length
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      let content = ''
      const error = await rejectionOf((async () => { for await (const { choices } of stream) content += choices[0]?.delta.content ?? '' })())
      t.ok(error instanceof APIError)
      t.equal(content, 'Hel')
      t.equal(upstream.requests.length, count + 1)
    })
  })
}

t.test('429 for longer than a minute: does not wait so long, and is refused again', async t => {
  for (const { name: model, upstream, wire } of targets) {
    upstream.next(wire.error(429, 'slow down', { 'retry-after': '200' }))
    const count = upstream.requests.length
    const asked = rejectionOf(client.chat.completions.create({ model, messages }))
    for (const tries of [1, 2]) {
      const pause = await timers.next(isPause)
      t.ok(isBackoff(pause.ms, tries), `${pause.ms} ms`)
      pause.fire()
    }
    t.ok(await asked instanceof RateLimitError, model)
    t.equal(upstream.requests.length, count + 1, 'the provider is left alone')
    await reset(model)
  }
})
