/**
 * `@langchain/openai`: ChatOpenAI's messages, whole and streamed: text, usage, images, tools and their results, through
 * each of the five targets.
 */
import type { Fixture } from '@copilotkit/aimock'
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import type { AIMessageChunk } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import t from 'tap'
import { z } from 'zod'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { PIXEL } from '../support/pixel.ts'
import { ANSWER, CITIES, DESCRIPTION, QUESTION, TOOL_NAME, WEATHER, weatherOf } from '../support/weather.ts'

const TEXT = 'Grüße 👋 aus der Ferne:\n“curly”, \\ and "straight".'
const THOUGHT = 'They greet me, so I greet back.'
const usage = { prompt_tokens: 11, completion_tokens: 7 }
const USAGE_METADATA = { input_tokens: 11, output_tokens: 7, total_tokens: 18 }

const FIXTURES: readonly Fixture[] = [
  ...WEATHER,
  { match: { systemMessage: 'pirate', userMessage: 'who are you' }, response: { content: 'Arr, a pirate!' } },
  { match: { userMessage: 'greet me' }, response: { content: TEXT, usage }, chunkSize: 4 },
  { match: { userMessage: 'think first' }, response: { content: TEXT, reasoning: THOUGHT }, chunkSize: 4 },
  { match: { userMessage: 'what is in the picture' }, response: { content: 'A pixel.' } }
]

const { targets, baseURL } = await fiveTargets(t, FIXTURES)
const options = { apiKey: CALLER_KEY, maxRetries: 0, configuration: { baseURL } }

const weather = tool(async ({ city }) => JSON.stringify(weatherOf(city)), {
  name: TOOL_NAME, description: DESCRIPTION, schema: z.object({ city: z.string() })
})

/** All chunks of a stream as one message, as LangChain adds them up. */
async function joined (stream: AsyncIterable<AIMessageChunk>): Promise<{ message: AIMessageChunk, count: number }> {
  let message: AIMessageChunk | undefined
  let count = 0
  for await (const chunk of stream) {
    message = message === undefined ? chunk : message.concat(chunk)
    count++
  }
  if (message === undefined) throw new Error('there was no chunk')
  return { message, count }
}

/** A text as it is streamed. */
function pieces (text: string): string[] {
  return text.match(/.{1,9}/gsu) ?? []
}

for (const { name, upstream, wire } of targets) {
  const model = new ChatOpenAI({ ...options, model: name })

  t.test(name, async t => {
    t.test('invoke gives the text, usage and why it ended', async t => {
      const message = await model.invoke('greet me')
      t.equal(message.content, TEXT)
      t.match(message.usage_metadata, USAGE_METADATA)
      t.match(message.response_metadata, { finish_reason: 'stop' })
    })

    t.test('stream gives the same, in pieces', async t => {
      const { message, count } = await joined(await model.stream('greet me'))
      t.equal(message.content, TEXT)
      t.ok(count > 5, 'in pieces')
      t.match(message.usage_metadata, USAGE_METADATA)
      t.match(message.response_metadata, { finish_reason: 'stop' })
    })

    t.test('keeps what the model thinks apart from what it says', async t => {
      // The mock streams thoughts before it says whose they are, and no server does.
      upstream.next(wire.streaming(...pieces(THOUGHT).map(wire.reasoning), ...pieces(TEXT).map(text => wire.text(text)), ...wire.end()))
      const { message } = await joined(await model.stream('think first'))
      for (const answer of [message, await model.invoke('think first')]) {
        t.equal(answer.content, TEXT)
        t.equal(answer.additional_kwargs['reasoning_content'], THOUGHT)
      }
    })

    t.test('passes the system message on as such', async t => {
      const { content } = await model.invoke([new SystemMessage('You are a pirate.'), new HumanMessage('who are you')])
      t.equal(content, 'Arr, a pirate!')
    })

    t.test('passes an image on, every byte of it', async t => {
      const question = [new HumanMessage({
        content: [{ type: 'text', text: 'what is in the picture' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }]
      })]
      t.equal((await model.invoke(question)).content, 'A pixel.')
      t.match(upstream.requests.at(-1)?.body, wire.withImage(PIXEL))
    })

    t.test('calls tools, and takes their results', async t => {
      const bound = model.bindTools([weather])
      const question = new HumanMessage(QUESTION)
      for (const message of [await bound.invoke([question]), (await joined(await bound.stream([question]))).message]) {
        t.match(message.tool_calls, CITIES.map(city => ({ type: 'tool_call', name: TOOL_NAME, args: { city }, id: /./ })))
        t.same(message.invalid_tool_calls, [])
        t.match(message.response_metadata, { finish_reason: 'tool_calls' })
        const results = await Promise.all((message.tool_calls ?? []).map(async call => {
          const result: unknown = await weather.invoke(call)
          if (!ToolMessage.isInstance(result)) throw new Error('the tool gave no message')
          return result
        }))
        const conversation = [question, message, ...results]
        t.equal((await bound.invoke(conversation)).content, ANSWER)
        t.equal((await joined(await bound.stream(conversation))).message.content, ANSWER)
      }
    })
  })
}
