/**
 * The Responses API of the official `openai` client, of which nothing is set but base URL and key, through each of the
 * five targets, with mocks of their servers behind. That a request arrived at the provider as it was meant is seen by
 * the mock's answer: each is given for one kind of request only.
 */
import type { Fixture } from '@copilotkit/aimock'
import OpenAI from 'openai'
import { zodResponsesFunction, zodTextFormat } from 'openai/helpers/zod'
import { toResponseInputItems } from 'openai/lib/responses/ResponseInputItems'
import type { Response, ResponseCreateParamsNonStreaming, ResponseInput, ResponseStreamEvent } from 'openai/resources/responses/responses'
import t from 'tap'
import { z } from 'zod'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { PIXEL } from '../support/pixel.ts'
import { accumulated, checkOrder } from '../support/response-events.ts'

const TEXT = 'Grüße 👋 aus der Ferne: “curly”, \\ and "straight"\nand a second line.'
const CITY = '{"city":"Łódź 🏭"}'
const CALL_ID = 'call_abc123'

/** What the mocks answer; each entry to one kind of request, and nothing to any other. */
const FIXTURES: Fixture[] = [
  { match: { systemMessage: 'pirate', userMessage: 'who are you' }, response: { content: 'Arr, a pirate!' } },
  { match: { userMessage: 'greet me' }, response: { content: TEXT, usage: { prompt_tokens: 11, completion_tokens: 7, promptTokenCount: 11, candidatesTokenCount: 7, input_tokens: 11, output_tokens: 7 } }, chunkSize: 3 },
  { match: { toolResultContains: '21 degrees', toolCallId: CALL_ID }, response: { content: 'It is warm.' } },
  { match: { toolName: 'get_weather', userMessage: 'weather', hasToolResult: false }, response: { toolCalls: [{ id: CALL_ID, name: 'get_weather', arguments: CITY }] }, chunkSize: 4 },
  { match: { userMessage: 'and its capital', turnIndex: 1 }, response: { content: 'Warsaw' } },
  { match: { userMessage: 'as json' }, response: { content: CITY } },
  { match: { userMessage: 'what is in the picture' }, response: { content: 'A pixel.' } },
  { match: { userMessage: 'think first' }, response: { reasoning: 'Let me think.', content: 'Done.' }, chunkSize: 4 },
  { match: { userMessage: 'take your time' }, response: { content: 'x'.repeat(400) }, chunkSize: 1, latency: 50 }
]

type Question = Omit<ResponseCreateParamsNonStreaming, 'stream' | 'model'>

const City = z.object({ city: z.string() })
const TOOL = zodResponsesFunction({ name: 'get_weather', description: 'The weather now.', parameters: City })

const { gateway, targets, baseURL } = await fiveTargets(t, FIXTURES)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })

/** Asked whole and streamed; what both answered, and the events of the stream, which keep the rules. */
async function both (model: string, question: Question): Promise<{ whole: Response, streamed: Response, events: ResponseStreamEvent[] }> {
  const whole = await client.responses.create({ ...question, model })
  const events: ResponseStreamEvent[] = []
  for await (const event of await client.responses.create({ ...question, model, stream: true })) events.push(event)
  checkOrder(events)
  const { before, last } = accumulated(events)
  t.same(before?.output, last.output, 'the last event holds what the others added up to')
  return { whole, streamed: last, events }
}

/** The text of an answer that no client has looked at. */
function textOf ({ output }: Response): string {
  return output.flatMap(item => item.type === 'message' ? item.content : []).map(part => part.type === 'output_text' ? part.text : '').join('')
}

const user = (content: string) => ({ role: 'user' as const, content })

for (const { name: target } of targets) {
  t.test(target, async t => {
    t.test('answers with every character of the text, whole and streamed, and counts tokens', async t => {
      const { whole, streamed, events } = await both(target, { input: 'greet me' })
      t.equal(whole.output_text, TEXT)
      t.equal(textOf(streamed), TEXT)
      t.ok(events.length > 20, 'in many pieces')
      for (const answer of [whole, streamed]) {
        t.match(answer, { object: 'response', status: 'completed', error: null, incomplete_details: null })
        t.match(answer.usage, { input_tokens: 11, output_tokens: 7, total_tokens: 18 })
      }
    })

    t.test('calls tools, takes their results, and goes on', async t => {
      const question: Question = { input: [user('what is the weather?')], tools: [TOOL] }
      const { whole, streamed } = await both(target, question)
      for (const { output } of [whole, streamed]) {
        const [call] = output
        if (call?.type !== 'function_call') throw new Error('there is no call')
        t.match(call, { name: 'get_weather', status: 'completed', id: /^fc_/ })
        t.same(JSON.parse(call.arguments), JSON.parse(CITY))
      }
      const callId = whole.output.find(item => item.type === 'function_call')?.call_id ?? ''
      const input: ResponseInput = [user('what is the weather?'), ...toResponseInputItems(whole.output), { type: 'function_call_output', call_id: callId, output: '21 degrees' }]
      const answer = await both(target, { tools: [TOOL], input })
      t.equal(answer.whole.output_text, 'It is warm.')
      t.equal(textOf(answer.streamed), 'It is warm.')
    })

    t.test('parses what the client declared by zod, whole and streamed', async t => {
      const text = { format: zodTextFormat(City, 'city') }
      const parsed = await client.responses.parse({ model: target, input: 'as json', text })
      t.same(parsed.output_parsed, JSON.parse(CITY))
      const final = await client.responses.stream({ model: target, input: 'as json', text }).finalResponse()
      t.same(final.output_parsed, JSON.parse(CITY))
      const called = await client.responses.parse({ model: target, input: 'what is the weather?', tools: [TOOL] })
      const [call] = called.output
      t.same(call?.type === 'function_call' && call.parsed_arguments, JSON.parse(CITY))
    })

    t.test('answers in JSON of any shape', async t => {
      const { whole, streamed } = await both(target, { input: 'as json', text: { format: { type: 'json_object' } } })
      t.same(JSON.parse(whole.output_text), JSON.parse(CITY))
      t.same(JSON.parse(textOf(streamed)), JSON.parse(CITY))
    })

    t.test('passes instructions and earlier turns on', async t => {
      const pirate = await both(target, { instructions: 'You are a pirate.', input: 'who are you' })
      t.equal(pirate.whole.output_text, 'Arr, a pirate!')
      t.equal(textOf(pirate.streamed), 'Arr, a pirate!')
      const turns = await both(target, { input: [user('name a country'), { role: 'assistant', content: 'Poland' }, user('and its capital')] })
      t.equal(turns.whole.output_text, 'Warsaw')
    })

    t.test('takes an image by data URL', async t => {
      const { whole, streamed } = await both(target, {
        input: [{ role: 'user', content: [{ type: 'input_text', text: 'what is in the picture' }, { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}`, detail: 'auto' }] }]
      })
      t.equal(whole.output_text, 'A pixel.')
      t.equal(textOf(streamed), 'A pixel.')
    })

    t.test('shows reasoning as the content of an item, or as its summary where one is asked for', async t => {
      const plain = await both(target, { input: 'think first' })
      const summed = await both(target, { input: 'think first', reasoning: { summary: 'auto' } })
      for (const { output } of [plain.whole, plain.streamed]) t.match(output, [{ type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Let me think.' }] }, { type: 'message' }])
      for (const { output } of [summed.whole, summed.streamed]) t.match(output, [{ type: 'reasoning', summary: [{ type: 'summary_text', text: 'Let me think.' }] }, { type: 'message' }])
      t.equal(plain.whole.output_text, 'Done.')
    })

    t.test('helps the client\'s own helper, event by event', async t => {
      const deltas: string[] = []
      let snapshot = ''
      const stream = client.responses.stream({ model: target, input: 'greet me' })
      stream.on('response.output_text.delta', event => {
        deltas.push(event.delta)
        snapshot = event.snapshot
      })
      const final = await stream.finalResponse()
      t.equal(deltas.join(''), TEXT)
      t.equal(snapshot, TEXT)
      t.equal(final.output_text, TEXT)
      t.equal(final.status, 'completed')
    })

    t.test('lets the client abort in the middle, without counting it against the target', async t => {
      const stream = await client.responses.create({ model: target, input: 'take your time', stream: true })
      let deltas = 0
      for await (const { type } of stream) {
        if (type === 'response.output_text.delta' && ++deltas === 2) stream.controller.abort()
      }
      t.ok(deltas < 100, 'it stopped early')
      await gateway.logged('attempt failed', { target, reason: 'client_closed', class: 'neutral' })
    })
  })
}
