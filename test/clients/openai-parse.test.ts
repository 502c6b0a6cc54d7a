/**
 * `openai`: `chat.completions.parse`, which checks answers and tool arguments by a zod schema, and the same of
 * `.stream()`, through each of the five targets.
 */
import OpenAI from 'openai'
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { ASK_JSON, ASK_TOOL, CITY_FIXTURES, CITY_TOOL, City, LODZ } from '../support/city.ts'
import { fiveTargets } from '../support/five-targets.ts'

const { targets, baseURL } = await fiveTargets(t, CITY_FIXTURES)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })

const question = { messages: [{ role: 'user' as const, content: ASK_JSON }], response_format: zodResponseFormat(City, 'city') }
const errand = { messages: [{ role: 'user' as const, content: ASK_TOOL }], tools: [zodFunction({ name: CITY_TOOL, parameters: City })] }

for (const { name: model, upstream, wire } of targets) {
  t.test(model, async t => {
    t.test('parses an answer by its schema, which the provider was given', async t => {
      const { choices } = await client.chat.completions.parse({ ...question, model })
      t.same(choices[0]?.message.parsed, LODZ)
      t.match(upstream.requests.at(-1)?.body, wire.withSchema('inhabitants'))
    })

    t.test('parses the arguments of a tool call by its schema', async t => {
      const { choices } = await client.chat.completions.parse({ ...errand, model })
      t.equal(choices[0]?.finish_reason, 'tool_calls')
      t.match(choices[0]?.message.tool_calls, [{ type: 'function', function: { name: CITY_TOOL, parsed_arguments: LODZ } }])
    })

    t.test('parses a streamed answer while it comes, and at its end', async t => {
      const partly: unknown[] = []
      const done: unknown[] = []
      const stream = client.chat.completions.stream({ ...question, model })
        .on('content.delta', ({ parsed }) => partly.push(parsed))
        .on('content.done', ({ parsed }) => done.push(parsed))
      const final = await stream.finalChatCompletion()
      t.same(final.choices[0]?.message.parsed, LODZ)
      t.same(done, [LODZ])
      t.ok(partly.some(parsed => City.partial().safeParse(parsed).success && !City.safeParse(parsed).success), 'unfinished in between')
      t.match(upstream.requests.at(-1)?.body, wire.withSchema('inhabitants'))
    })

    t.test('parses streamed arguments at their end', async t => {
      const done: unknown[] = []
      const stream = client.chat.completions.stream({ ...errand, model })
        .on('tool_calls.function.arguments.done', ({ name, index, parsed_arguments: parsed }) => done.push([name, index, parsed]))
      const final = await stream.finalChatCompletion()
      t.same(done, [[CITY_TOOL, 0, LODZ]])
      t.match(final.choices[0]?.message.tool_calls, [{ type: 'function', function: { name: CITY_TOOL, parsed_arguments: LODZ } }])
      t.equal(final.choices[0]?.finish_reason, 'tool_calls')
    })
  })
}
