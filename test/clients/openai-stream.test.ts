/**
 * `openai`: the helper `chat.completions.stream()`, its events and what it gives at the end, through each of the five
 * targets.
 */
import type { Fixture } from '@copilotkit/aimock'
import OpenAI, { APIError } from 'openai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { CUT } from '../support/scripted-upstream.ts'
import type { Step } from '../support/scripted-upstream.ts'
import { CITIES, DESCRIPTION, QUESTION, TOOL_NAME, WEATHER } from '../support/weather.ts'

const TEXT = 'Grüße 👋 aus der Ferne:\n“curly” and "straight".'
const GREETING: Fixture = { match: { userMessage: 'greet me' }, response: { content: TEXT, usage: { prompt_tokens: 11, completion_tokens: 7 } }, chunkSize: 4 }

const { targets, baseURL, reset } = await fiveTargets(t, [GREETING, ...WEATHER])
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })
const messages = [{ role: 'user' as const, content: 'greet me' }]

for (const { name: model, upstream, wire } of targets) {
  t.test(model, async t => {
    t.test('tells each piece of the text, and the whole of it', async t => {
      const deltas: string[] = []
      const snapshots: string[] = []
      const done: string[] = []
      const stream = client.chat.completions.stream({ model, messages })
        .on('content.delta', ({ delta, snapshot }) => {
          deltas.push(delta)
          snapshots.push(snapshot)
        })
        .on('content.done', ({ content }) => done.push(content))
      t.equal(await stream.finalContent(), TEXT)
      t.equal(deltas.join(''), TEXT)
      t.equal(snapshots.at(-1), TEXT)
      t.same(done, [TEXT], 'once')
      t.ok(deltas.length > 5, 'in pieces')
    })

    t.test('makes one completion of it, with usage', async t => {
      const stream = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
      const completion = await stream.finalChatCompletion()
      t.match(completion, {
        object: 'chat.completion',
        id: /./,
        choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: TEXT } }],
        usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
      })
      t.match(await stream.totalUsage(), { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 })
      t.match(await stream.finalMessage(), { role: 'assistant', content: TEXT })
    })

    t.test('can be iterated, chunk by chunk', async t => {
      let content = ''
      for await (const { choices } of client.chat.completions.stream({ model, messages })) content += choices[0]?.delta.content ?? ''
      t.equal(content, TEXT)
    })

    t.test('tells the arguments of each tool call, piece by piece and at its end', async t => {
      const tool = { type: 'function' as const, function: { name: TOOL_NAME, description: DESCRIPTION, parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
      const pieces = ['', '']
      const done: unknown[] = []
      const stream = client.chat.completions.stream({ model, messages: [{ role: 'user', content: QUESTION }], tools: [tool] })
        .on('tool_calls.function.arguments.delta', ({ index, arguments_delta: delta }) => { pieces[index] += delta })
        .on('tool_calls.function.arguments.done', ({ name, index, arguments: text }) => done.push([name, index, JSON.parse(text)]))
      const completion = await stream.finalChatCompletion()
      t.same(done, CITIES.map((city, index) => [TOOL_NAME, index, { city }]))
      t.same(pieces.map(text => JSON.parse(text)), CITIES.map(city => ({ city })))
      t.equal(completion.choices[0]?.finish_reason, 'tool_calls')
    })

    t.test('gives no answer if the stream breaks, or the provider gives up in it', async t => {
      const breaks: Step[] = [CUT, wire.failure]
      for (const broken of breaks) {
        upstream.next(wire.streaming(wire.text('Grü'), wire.text('ße'), broken))
        let content = ''
        const done: string[] = []
        const errors: unknown[] = []
        const stream = client.chat.completions.stream({ model, messages })
          .on('content.delta', ({ delta }) => { content += delta })
          .on('content.done', ({ content }) => done.push(content))
          .on('error', error => errors.push(error))
        const error: unknown = await stream.finalContent().catch((error: unknown) => error)
        t.ok(error instanceof APIError)
        t.match(error, { code: 'all_targets_failed', type: 'server_error' })
        t.same(errors, [error])
        t.equal(content, 'Grüße', 'what had come before is kept')
        t.same(done, [])
        await reset(model)
      }
    })
  })
}
