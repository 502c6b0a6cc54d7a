/**
 * `ai` with `@ai-sdk/openai-compatible`: generateText and streamText, through each of the five targets.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { Fixture } from '@copilotkit/aimock'
import { generateText, streamText } from 'ai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { PIXEL } from '../support/pixel.ts'

const TEXT = 'Grüße 👋 aus der Ferne:\n“curly”, \\ and "straight".'
const THOUGHT = 'They greet me, so I greet back.'
const usage = { prompt_tokens: 11, completion_tokens: 7 }

const FIXTURES: readonly Fixture[] = [
  { match: { systemMessage: 'pirate', userMessage: 'who are you' }, response: { content: 'Arr, a pirate!' } },
  { match: { userMessage: 'greet me' }, response: { content: TEXT, usage }, chunkSize: 4 },
  { match: { userMessage: 'think first' }, response: { content: TEXT, reasoning: THOUGHT, usage }, chunkSize: 4 },
  { match: { userMessage: 'and its capital', turnIndex: 1 }, response: { content: 'Warsaw' } },
  { match: { userMessage: 'what is in the picture' }, response: { content: 'A pixel.' } }
]

const { targets, baseURL } = await fiveTargets(t, FIXTURES)
const gateway = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: CALLER_KEY, includeUsage: true })

for (const { name, upstream, wire } of targets) {
  const model = gateway(name)

  t.test(name, async t => {
    t.test('generateText gives the text, why it ended, usage and headers', async t => {
      const { text, finishReason, usage, response } = await generateText({ model, prompt: 'greet me' })
      t.equal(text, TEXT)
      t.equal(finishReason, 'stop')
      t.match(usage, { inputTokens: 11, outputTokens: 7, totalTokens: 18 })
      t.match(response.headers, { 'x-gateway-target': name, 'x-gateway-attempts': '1' })
    })

    t.test('streamText gives the same, in pieces', async t => {
      const result = streamText({ model, prompt: 'greet me' })
      const pieces: string[] = []
      for await (const piece of result.textStream) pieces.push(piece)
      t.equal(pieces.join(''), TEXT)
      t.ok(pieces.length > 5, 'in pieces')
      t.equal(await result.text, TEXT)
      t.equal(await result.finishReason, 'stop')
      t.match(await result.usage, { inputTokens: 11, outputTokens: 7, totalTokens: 18 })
      t.match((await result.response).headers, { 'x-gateway-target': name })
    })

    t.test('gives usage of a stream only if it is asked for', async t => {
      const silent = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: CALLER_KEY })
      const result = streamText({ model: silent(name), prompt: 'greet me' })
      t.equal(await result.text, TEXT)
      t.match(await result.usage, { inputTokens: undefined, outputTokens: undefined })
    })

    t.test('tells what the model thinks apart from what it says', async t => {
      const whole = await generateText({ model, prompt: 'think first' })
      t.equal(whole.reasoningText, THOUGHT)
      t.equal(whole.text, TEXT)
      let thought = ''
      let text = ''
      const kinds: string[] = []
      for await (const part of streamText({ model, prompt: 'think first' }).fullStream) {
        if (part.type === 'reasoning-delta') thought += part.text
        else if (part.type === 'text-delta') text += part.text
        else kinds.push(part.type)
      }
      t.equal(thought, THOUGHT)
      t.equal(text, TEXT)
      t.same(kinds, ['start', 'start-step', 'reasoning-start', 'reasoning-end', 'text-start', 'text-end', 'finish-step', 'finish'])
    })

    t.test('passes the instructions on as such', async t => {
      const { text } = await generateText({ model, instructions: 'You are a pirate.', prompt: 'who are you' })
      t.equal(text, 'Arr, a pirate!')
    })

    t.test('passes earlier turns on', async t => {
      const { text } = await generateText({
        model,
        messages: [{ role: 'user', content: 'name a country' }, { role: 'assistant', content: 'Poland' }, { role: 'user', content: 'and its capital' }]
      })
      t.equal(text, 'Warsaw')
    })

    t.test('passes an image on, every byte of it', async t => {
      const { text } = await generateText({
        model,
        messages: [{
          role: 'user',
          content: [{ type: 'text', text: 'what is in the picture' }, { type: 'file', data: Buffer.from(PIXEL, 'base64'), mediaType: 'image/png' }]
        }]
      })
      t.equal(text, 'A pixel.')
      t.match(upstream.requests.at(-1)?.body, wire.withImage(PIXEL))
    })
  })
}
