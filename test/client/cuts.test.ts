/**
 * Streams of the real gateway whose connections are lost, anywhere: their reader sees each chunk once, in order, and the end.
 */
import fc from 'fast-check'
import t from 'tap'
import { streamCompletion } from '../../client/index.ts'
import type { CompletionOptions } from '../../client/index.ts'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { cutFetch } from '../support/cut-fetch.ts'
import type { BodyCut } from '../support/cut-fetch.ts'
import { share } from '../support/nightly.ts'
import { cutAfter } from '../support/resumable.ts'
import { DONE, finish, role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'

const REQUEST: CompletionOptions['request'] = { messages: [{ role: 'user', content: 'Say hello' }] }
const WORDS = ['Hello', ', wörld 👍🏽']
/** Clients at once, each with a key of its own, so that it gets the same stream again and again. */
const CLIENTS = 4

/** Every chunk of a stream, as JSON. */
async function chunksOf (options: CompletionOptions): Promise<{ chunks: string[], rejoined: number }> {
  const stream = await streamCompletion({ reconnect: { minDelayMs: 0, maxDelayMs: 0, maxTries: 4 }, ...options })
  const chunks: string[] = []
  for await (const chunk of stream) chunks.push(JSON.stringify(chunk))
  return { chunks, rejoined: stream.rejoined }
}

t.test('cuts', async t => {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = streaming(role(), ...WORDS.map(text), finish('stop'), DONE)
  const { url } = await buildGateway(t, { env: openaiAt(upstream), logLevel: 'silent' })
  const baseURL = `${url}/v1`
  const whole = await cutAfter(`${url}/v1/chat/completions`, Infinity)
  const length = Buffer.byteLength(whole.text)
  const { chunks: expected } = await chunksOf({ baseURL, request: REQUEST })
  t.equal(expected.length, WORDS.length + 2)

  t.test('at every byte of a stream', async t => {
    const differing: number[] = []
    let rejoined = 0
    const asked = upstream.requests.length
    await Promise.all(Array.from({ length: CLIENTS }, async (_, client) => {
      for (let after = client; after <= length; after += CLIENTS) {
        const seen = await chunksOf({ baseURL, request: REQUEST, idempotencyKey: `client-${client}`, fetch: cutFetch(answer => ({ after: answer === 1 ? after : Infinity })) })
        rejoined += seen.rejoined
        if (JSON.stringify(seen.chunks) !== JSON.stringify(expected)) differing.push(after)
      }
    }))
    t.same(differing, [])
    t.ok(rejoined >= length - 3, `${rejoined} of ${length} cuts were joined`)
    t.equal(upstream.requests.length - asked, CLIENTS, 'each was paid for once')
  })

  t.test('at any bytes, again and again, in any pieces, with an end in order or without', async () => {
    const cut: fc.Arbitrary<BodyCut> = fc.record({ after: fc.nat(length), pieces: fc.integer({ min: 1, max: 100 }), inOrder: fc.boolean() })
    await fc.assert(fc.asyncProperty(fc.array(cut, { maxLength: 3 }), async cuts => {
      const fetch = cutFetch(answer => cuts[answer - 1] ?? { after: Infinity, pieces: 7 })
      const { chunks } = await chunksOf({ baseURL, request: REQUEST, idempotencyKey: 'any-bytes', fetch })
      return JSON.stringify(chunks) === JSON.stringify(expected)
    }), { numRuns: share(50, 5_000) })
  })
})
