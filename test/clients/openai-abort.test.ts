/**
 * `openai`: a caller that leaves, and one whose patience ends, through each of the five targets. The provider must not
 * go on generating for nobody.
 */
import OpenAI, { APIConnectionTimeoutError, APIUserAbortError } from 'openai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { holdTimers } from '../support/held-timers.ts'
import { after } from '../support/scripted-upstream.ts'

const { gateway, targets, baseURL } = await fiveTargets(t)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })
const messages = [{ role: 'user' as const, content: 'take your time' }]
const NEVER = new Promise<never>(() => {})
const TIMEOUT_MS = 5000

for (const { name: model, upstream, wire } of targets) {
  t.test(model, async t => {
    /** An answer that is not finished. */
    const begun = () => wire.streaming(wire.text('one '), wire.text('two '), NEVER)
    /** The request that is made next. */
    const nextRequest = async () => await upstream.request(upstream.requests.length + 1)

    t.test('aborted by its controller in the middle', async t => {
      upstream.next(begun())
      const asked = nextRequest()
      const stream = await client.chat.completions.create({ model, messages, stream: true })
      let content = ''
      for await (const { choices } of stream) {
        content += choices[0]?.delta.content ?? ''
        if (content === 'one two ') stream.controller.abort()
      }
      t.equal(content, 'one two ')
      t.equal(await (await asked).closed, 'aborted')
    })

    t.test('left by breaking out of the loop', async t => {
      upstream.next(begun())
      const asked = nextRequest()
      for await (const { choices } of await client.chat.completions.create({ model, messages, stream: true })) {
        if (choices[0]?.delta.content) break
      }
      t.equal(await (await asked).closed, 'aborted')
    })

    t.test('aborted through the helper', async t => {
      upstream.next(begun())
      const asked = nextRequest()
      const stream = client.chat.completions.stream({ model, messages })
      stream.on('content.delta', () => stream.abort())
      const error: unknown = await stream.finalContent().catch((error: unknown) => error)
      t.ok(error instanceof APIUserAbortError)
      t.equal(await (await asked).closed, 'aborted')
    })

    for (const stream of [false, true]) {
      const how = stream ? 'streamed' : 'whole'

      t.test(`aborted before the provider has answered, ${how}`, async t => {
        upstream.next(after(NEVER, wire.whole('too late')))
        const asked = nextRequest()
        const aborter = new AbortController()
        const answer = client.chat.completions.create({ model, messages, stream }, { signal: aborter.signal })
        const request = await asked
        aborter.abort()
        const error: unknown = await answer.catch((error: unknown) => error)
        t.ok(error instanceof APIUserAbortError)
        t.equal(await request.closed, 'aborted')
      })

      t.test(`timed out, ${how}`, async t => {
        upstream.next(after(NEVER, wire.whole('too late')))
        const asked = nextRequest()
        const timers = holdTimers(t, 'openai')
        const answer = client.chat.completions.create({ model, messages, stream }, { timeout: TIMEOUT_MS })
        const timeout = await timers.next(ms => ms === TIMEOUT_MS)
        const request = await asked
        timeout.fire()
        const error: unknown = await answer.catch((error: unknown) => error)
        t.ok(error instanceof APIConnectionTimeoutError)
        t.equal(await request.closed, 'aborted')
      })
    }

    t.test('aborted after the provider has begun, but said nothing yet', async t => {
      upstream.next(wire.streaming(NEVER))
      const asked = nextRequest()
      const aborter = new AbortController()
      const answer = client.chat.completions.create({ model, messages, stream: true }, { signal: aborter.signal })
      const request = await asked
      aborter.abort()
      const error: unknown = await answer.catch((error: unknown) => error)
      t.ok(error instanceof APIUserAbortError)
      t.equal(await request.closed, 'aborted')
    })

    t.test('none of it counts against the target', async t => {
      await gateway.logged('attempt failed', { target: model, reason: 'client_closed', class: 'neutral' })
      t.same(gateway.linesOf('attempt failed').filter(line => line['reason'] !== 'client_closed'), [])
      upstream.next(wire.whole('still here'))
      const { choices } = await client.chat.completions.create({ model, messages })
      t.equal(choices[0]?.message.content, 'still here')
    })
  })
}
