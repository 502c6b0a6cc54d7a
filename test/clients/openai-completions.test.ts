/**
 * `openai`: `chat.completions.create` whole and streamed, with nothing set but base URL and key, through each of the
 * five targets.
 */
import type { Fixture } from '@copilotkit/aimock'
import OpenAI, { BadRequestError } from 'openai'
import type { ChatCompletion, ChatCompletionChunk, ChatCompletionCreateParamsNonStreaming, ChatCompletionTool } from 'openai/resources/chat/completions'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { PIXEL } from '../support/pixel.ts'

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
  { match: { userMessage: 'what is in the picture' }, response: { content: 'A pixel.' } }
]

type Question = Omit<ChatCompletionCreateParamsNonStreaming, 'stream' | 'model'>

const TOOL: ChatCompletionTool = {
  type: 'function',
  function: { name: 'get_weather', description: 'The weather now.', parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }
}

const CITY_FORMAT: Question['response_format'] = {
  type: 'json_schema',
  json_schema: { name: 'city', strict: true, schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } }
}

const { targets, baseURL } = await fiveTargets(t, FIXTURES)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })

/** Asked whole and streamed; what both answered. */
async function both (model: string, question: Question): Promise<{ whole: ChatCompletion, streamed: Streamed }> {
  const whole = await client.chat.completions.create({ ...question, model })
  const stream = await client.chat.completions.create({ ...question, model, stream: true, stream_options: { include_usage: true } })
  const chunks: ChatCompletionChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return { whole, streamed: joined(chunks) }
}

interface Streamed {
  readonly chunks: readonly ChatCompletionChunk[]
  readonly content: string
  readonly calls: ReadonlyArray<{ id: string, name: string, arguments: string }>
  readonly finishReasons: readonly string[]
}

function joined (chunks: readonly ChatCompletionChunk[]): Streamed {
  const calls: Array<{ id: string, name: string, arguments: string }> = []
  let content = ''
  const finishReasons: string[] = []
  for (const choice of chunks.flatMap(chunk => chunk.choices)) {
    content += choice.delta.content ?? ''
    if (choice.finish_reason !== null) finishReasons.push(choice.finish_reason)
    for (const part of choice.delta.tool_calls ?? []) {
      const call = calls[part.index] ??= { id: '', name: '', arguments: '' }
      call.id += part.id ?? ''
      call.name += part.function?.name ?? ''
      call.arguments += part.function?.arguments ?? ''
    }
  }
  return { chunks, content, calls, finishReasons }
}

const user = (content: string) => ({ role: 'user' as const, content })

for (const { name: target, upstream, wire } of targets) {
  t.test(target, async t => {
    t.test('answers with every character of the text, whole and streamed', async t => {
      const { whole, streamed } = await both(target, { messages: [user('greet me')] })
      t.equal(whole.choices[0]?.message.content, TEXT)
      t.equal(whole.choices[0]?.message.role, 'assistant')
      t.equal(whole.choices[0]?.finish_reason, 'stop')
      t.equal(whole.object, 'chat.completion')
      t.equal(streamed.content, TEXT)
      t.same(streamed.finishReasons, ['stop'], 'one finish reason')
      t.ok(streamed.chunks.length > 10, 'in many pieces')
      t.equal(new Set(streamed.chunks.map(({ id }) => id)).size, 1, 'all of one completion')
    })

    t.test('reports usage, of a stream in one last chunk and only if asked', async t => {
      const { whole, streamed } = await both(target, { messages: [user('greet me')] })
      const counts = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
      t.match(whole.usage, counts)
      t.match(streamed.chunks.at(-1)?.usage, counts)
      t.same(streamed.chunks.at(-1)?.choices, [])
      t.equal(streamed.chunks.filter(({ usage }) => usage != null).length, 1, 'once')
      const unasked: ChatCompletionChunk[] = []
      for await (const chunk of await client.chat.completions.create({ model: target, messages: [user('greet me')], stream: true })) unasked.push(chunk)
      t.equal(joined(unasked).content, TEXT)
      t.notOk(unasked.some(({ usage }) => usage != null), 'not unless asked')
    })

    t.test('calls tools, takes their results, and goes on', async t => {
      const question: Question = { messages: [user('what is the weather?')], tools: [TOOL] }
      const { whole, streamed } = await both(target, question)
      const [call] = whole.choices[0]?.message.tool_calls ?? []
      if (call?.type !== 'function') throw new Error('there is no tool call')
      t.equal(whole.choices[0]?.finish_reason, 'tool_calls')
      t.same(JSON.parse(call.function.arguments), JSON.parse(CITY))
      t.equal(call.function.name, 'get_weather')
      t.equal(streamed.calls.length, 1)
      t.equal(streamed.calls[0]?.name, 'get_weather')
      t.same(JSON.parse(streamed.calls[0]?.arguments ?? ''), JSON.parse(CITY))
      t.ok(streamed.calls[0]?.id, 'with an id to answer to')
      t.same(streamed.finishReasons, ['tool_calls'])
      const answer = await client.chat.completions.create({
        model: target,
        tools: [TOOL],
        messages: [...question.messages, { role: 'assistant', tool_calls: [call] }, { role: 'tool', tool_call_id: call.id, content: '21 degrees' }]
      })
      t.equal(answer.choices[0]?.message.content, 'It is warm.')
    })

    t.test('passes the system prompt on as such', async t => {
      const { whole, streamed } = await both(target, { messages: [{ role: 'system', content: 'You are a pirate.' }, user('who are you')] })
      t.equal(whole.choices[0]?.message.content, 'Arr, a pirate!')
      t.equal(streamed.content, 'Arr, a pirate!')
    })

    t.test('passes earlier turns on', async t => {
      const { whole, streamed } = await both(target, { messages: [user('name a country'), { role: 'assistant', content: 'Poland' }, user('and its capital')] })
      t.equal(whole.choices[0]?.message.content, 'Warsaw')
      t.equal(streamed.content, 'Warsaw')
    })

    t.test('answers in JSON, by schema', async t => {
      const { whole, streamed } = await both(target, { messages: [user('as json')], response_format: CITY_FORMAT })
      t.same(JSON.parse(whole.choices[0]?.message.content ?? ''), JSON.parse(CITY))
      t.same(JSON.parse(streamed.content), JSON.parse(CITY))
    })

    t.test('answers in JSON of any shape', async t => {
      const { whole, streamed } = await both(target, { messages: [user('as json')], response_format: { type: 'json_object' } })
      t.same(JSON.parse(whole.choices[0]?.message.content ?? ''), JSON.parse(CITY))
      t.same(JSON.parse(streamed.content), JSON.parse(CITY))
    })

    t.test('takes an image by data URL', async t => {
      const { whole, streamed } = await both(target, {
        messages: [{ role: 'user', content: [{ type: 'text', text: 'what is in the picture' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] }]
      })
      t.equal(whole.choices[0]?.message.content, 'A pixel.')
      t.equal(streamed.content, 'A pixel.')
      for (const { body } of upstream.requests.slice(-2)) t.match(body, wire.withImage(PIXEL), 'and every byte of it arrives')
    })

    t.test('gives several choices, where the provider can', async t => {
      const question = { model: target, messages: [user('greet me')], n: 2 }
      if (target === 'bedrock') {
        for (const stream of [false, true]) {
          const error: unknown = await client.chat.completions.create({ ...question, stream }).catch((error: unknown) => error)
          t.ok(error instanceof BadRequestError)
          t.match(error, { code: 'unsupported_parameter', param: 'n' })
        }
        return
      }
      upstream.next(
        wire.whole('Hello', 'Hi'),
        wire.streaming(wire.text('Hel', 0), wire.text('H', 1), wire.text('i', 1), wire.text('lo', 0), ...wire.end({ choices: 2 }))
      )
      const { choices } = await client.chat.completions.create(question)
      t.same(choices.map(({ index, message }) => [index, message.content]), [[0, 'Hello'], [1, 'Hi']])
      const streamed = ['', '']
      const finishReasons: string[] = []
      for await (const { choices } of await client.chat.completions.create({ ...question, stream: true })) {
        for (const { index, delta, finish_reason: reason } of choices) {
          streamed[index] += delta.content ?? ''
          if (reason !== null) finishReasons.push(`${index} ${reason}`)
        }
      }
      t.same(streamed, ['Hello', 'Hi'])
      t.same(finishReasons, ['0 stop', '1 stop'])
    })

    t.test('says which target answered, in headers beside the answer', async t => {
      const question = { model: target, messages: [user('greet me')] }
      const whole = await client.chat.completions.create(question, { headers: { 'x-request-id': `whole-${target}` } }).withResponse()
      t.equal(whole.data.choices[0]?.message.content, TEXT)
      t.match(Object.fromEntries(whole.response.headers), { 'x-gateway-target': target, 'x-gateway-attempts': '1', 'x-request-id': `whole-${target}` })
      t.equal(whole.request_id, `whole-${target}`)
      const streamed = await client.chat.completions.create({ ...question, stream: true }).withResponse()
      t.match(Object.fromEntries(streamed.response.headers), { 'x-gateway-target': target, 'x-gateway-stream-id': /^[0-9a-f-]{36}$/, 'x-request-id': /./ })
      let content = ''
      for await (const { choices } of streamed.data) content += choices[0]?.delta.content ?? ''
      t.equal(content, TEXT)
    })
  })
}

t.test('a model that no target has the name of is asked of all targets in turn', async t => {
  const { data, response } = await client.chat.completions.create({ model: 'auto', messages: [user('greet me')] }).withResponse()
  t.equal(data.choices[0]?.message.content, TEXT)
  t.equal(response.headers.get('x-gateway-target'), 'azure-apim')
})

t.test('the model list names every target', async t => {
  const models: string[] = []
  for await (const { id, object } of client.models.list()) models.push(`${object} ${id}`)
  t.same(models, targets.map(({ name }) => `model ${name}`))
})
