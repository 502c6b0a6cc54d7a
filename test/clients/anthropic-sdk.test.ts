/**
 * The official `@anthropic-ai/sdk` client, of which nothing is set but base URL and key, through each of the five
 * targets, with mocks of their servers behind. That a request arrived at the provider as it was meant is seen by the
 * mock's answer: each is given for one kind of request only.
 */
import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema'
import type { ContentBlock, Message, MessageCreateParamsNonStreaming, RawMessageStreamEvent, Tool } from '@anthropic-ai/sdk/resources/messages'
import type { Fixture } from '@copilotkit/aimock'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { PIXEL } from '../support/pixel.ts'

const TEXT = 'Grüße 👋 aus der Ferne: “curly”, \\ and "straight"\nand a second line.'
const CITY = { city: 'Łódź 🏭' }
const CALL_ID = 'call_abc123'

/** What the mocks answer; each entry to one kind of request, and nothing to any other. */
const FIXTURES: Fixture[] = [
  { match: { systemMessage: 'pirate', userMessage: 'who are you' }, response: { content: 'Arr, a pirate!' } },
  { match: { userMessage: 'greet me' }, response: { content: TEXT, usage: { prompt_tokens: 11, completion_tokens: 7, promptTokenCount: 11, candidatesTokenCount: 7, input_tokens: 11, output_tokens: 7 } }, chunkSize: 3 },
  { match: { userMessage: 'think first' }, response: { content: 'Done.', reasoning: 'One thing, then another.' }, chunkSize: 4 },
  { match: { userMessage: 'and then', turnIndex: 1 }, response: { content: 'Nothing more.' } },
  { match: { toolResultContains: '21 degrees', toolCallId: CALL_ID }, response: { content: 'It is warm.' } },
  { match: { toolName: 'get_weather', userMessage: 'weather', hasToolResult: false }, response: { toolCalls: [{ id: CALL_ID, name: 'get_weather', arguments: JSON.stringify(CITY) }] }, chunkSize: 4 },
  { match: { userMessage: 'as json' }, response: { content: JSON.stringify(CITY) } },
  { match: { userMessage: 'what is in the picture' }, response: { content: 'A pixel.' } },
  { match: { userMessage: 'take your time' }, response: { content: 'x'.repeat(400) }, chunkSize: 1, latency: 50 }
]

type Question = Omit<MessageCreateParamsNonStreaming, 'stream' | 'model' | 'max_tokens'>

const TOOL: Tool = { name: 'get_weather', description: 'The weather now.', input_schema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } }
const CITY_SCHEMA = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'], additionalProperties: false } as const

const { gateway, targets } = await fiveTargets(t, FIXTURES)
const client = new Anthropic({ baseURL: gateway.url, apiKey: CALLER_KEY, maxRetries: 0 })

/** Asked whole and streamed; what both answered. The helper for streams adds up the events. */
async function both (model: string, question: Question): Promise<{ whole: Message, streamed: Message, events: RawMessageStreamEvent[] }> {
  const whole = await client.messages.create({ ...question, model, max_tokens: 1000 })
  const stream = client.messages.stream({ ...question, model, max_tokens: 1000 })
  const events: RawMessageStreamEvent[] = []
  stream.on('streamEvent', event => { events.push(event) })
  return { whole, streamed: await stream.finalMessage(), events }
}

function textOf ({ content }: { readonly content: readonly ContentBlock[] }): string {
  return content.map(block => block.type === 'text' ? block.text : '').join('')
}

const user = (content: string) => ({ role: 'user' as const, content })

for (const { name: target } of targets) {
  t.test(target, async t => {
    t.test('answers with every character of the text, whole and streamed, and with usage', async t => {
      const { whole, streamed, events } = await both(target, { messages: [user('greet me')] })
      for (const message of [whole, streamed]) {
        t.match(message, { type: 'message', role: 'assistant', content: [{ type: 'text', text: TEXT, citations: null }], stop_reason: 'end_turn', stop_sequence: null })
        t.match(message.id, /^msg_./)
        t.match(message.usage, { input_tokens: 11, output_tokens: 7 })
      }
      t.ok(events.length > 10, 'in many pieces')
    })

    t.test('streams events by create, too, and by the beta route', async t => {
      let text = ''
      for await (const event of await client.messages.create({ model: target, max_tokens: 1000, messages: [user('greet me')], stream: true })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text
      }
      t.equal(text, TEXT)
      const beta = await client.beta.messages.create({ model: target, max_tokens: 1000, messages: [user('greet me')], betas: ['interleaved-thinking-2025-05-14'] })
      t.match(beta.content, [{ type: 'text', text: TEXT }])
      t.match((await client.beta.messages.stream({ model: target, max_tokens: 1000, messages: [user('greet me')] }).finalMessage()).content, [{ type: 'text', text: TEXT }])
    })

    t.test('calls tools, takes their results, and goes on', async t => {
      const question: Question = { messages: [user('what is the weather?')], tools: [TOOL] }
      const { whole, streamed } = await both(target, question)
      for (const { content, stop_reason: reason } of [whole, streamed]) {
        t.equal(reason, 'tool_use')
        t.match(content, [{ type: 'tool_use', name: 'get_weather', input: CITY, id: /./ }])
        const [call] = content
        if (call?.type !== 'tool_use') throw new Error('there is no tool call')
        const answer = await client.messages.create({
          model: target,
          max_tokens: 1000,
          tools: [TOOL],
          messages: [...question.messages, { role: 'assistant', content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: call.id, content: [{ type: 'text', text: '21 degrees' }] }] }]
        })
        t.equal(textOf(answer), 'It is warm.')
      }
    })

    t.test('the client\'s own loop over tools', async t => {
      const asked: unknown[] = []
      const weather = betaTool({
        name: 'get_weather',
        description: 'The weather now.',
        inputSchema: CITY_SCHEMA,
        run: input => {
          asked.push(input)
          return '21 degrees'
        }
      })
      for (const stream of [false, true]) {
        const answer = await client.beta.messages.toolRunner({ model: target, max_tokens: 1000, messages: [user('what is the weather?')], tools: [weather], stream }).runUntilDone()
        t.match(answer.content, [{ type: 'text', text: 'It is warm.' }])
      }
      t.same(asked, [CITY, CITY])
    })

    t.test('passes the system prompt on as such', async t => {
      const { whole, streamed } = await both(target, { system: [{ type: 'text', text: 'You are a pirate.', cache_control: { type: 'ephemeral' } }], messages: [user('who are you')] })
      t.equal(textOf(whole), 'Arr, a pirate!')
      t.equal(textOf(streamed), 'Arr, a pirate!')
    })

    t.test('thinks in blocks of their own, and takes them back', async t => {
      const { whole, streamed } = await both(target, { messages: [user('think first')] })
      for (const message of [whole, streamed]) {
        t.match(message.content, [{ type: 'thinking', thinking: 'One thing, then another.', signature: String }, { type: 'text', text: 'Done.' }])
        const next = await client.messages.create({ model: target, max_tokens: 1000, messages: [user('think first'), { role: 'assistant', content: message.content }, user('and then')] })
        t.equal(textOf(next), 'Nothing more.')
      }
    })

    t.test('answers in JSON, by schema', async t => {
      const format = jsonSchemaOutputFormat(CITY_SCHEMA)
      const parsed = await client.messages.parse({ model: target, max_tokens: 1000, messages: [user('as json')], output_config: { format } })
      t.same(parsed.parsed_output, CITY)
      const { streamed } = await both(target, { messages: [user('as json')], output_config: { format } })
      t.same(JSON.parse(textOf(streamed)), CITY)
    })

    t.test('takes an image', async t => {
      const { whole, streamed } = await both(target, {
        messages: [{ role: 'user', content: [{ type: 'text', text: 'what is in the picture' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } }] }]
      })
      t.equal(textOf(whole), 'A pixel.')
      t.equal(textOf(streamed), 'A pixel.')
    })

    t.test('lets the client abort in the middle, without counting it against the target', async t => {
      const stream = client.messages.stream({ model: target, max_tokens: 1000, messages: [user('take your time')] })
      let pieces = 0
      stream.on('text', () => {
        if (++pieces === 2) stream.abort()
      })
      await t.rejects(stream.finalMessage(), Anthropic.APIUserAbortError)
      t.ok(pieces < 100, 'it stopped early')
      await gateway.logged('attempt failed', { target, reason: 'client_closed', class: 'neutral' })
    })
  })
}
