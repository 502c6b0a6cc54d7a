/**
 * `openai`: `runTools`, which calls real functions by itself, whole and streamed, through each of the five targets.
 */
import OpenAI from 'openai'
import { zodFunction } from 'openai/helpers/zod'
import t from 'tap'
import { z } from 'zod'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { ANSWER, CITIES, DESCRIPTION, QUESTION, TOOL_NAME, WEATHER, weatherOf } from '../support/weather.ts'

const { targets, baseURL } = await fiveTargets(t, WEATHER)
const client = new OpenAI({ baseURL, apiKey: CALLER_KEY, maxRetries: 0 })

/** The tool, and what it was called with. */
function weatherTool () {
  const called: string[] = []
  const tool = zodFunction({
    name: TOOL_NAME,
    description: DESCRIPTION,
    parameters: z.object({ city: z.string() }),
    function: async ({ city }) => {
      called.push(city)
      return weatherOf(city)
    }
  })
  return { called, tool }
}

for (const { name: model, upstream } of targets) {
  t.test(model, async t => {
    t.test('runs both calls of an answer, and gives what comes of their results', async t => {
      const { called, tool } = weatherTool()
      const runner = client.chat.completions.runTools({ model, messages: [{ role: 'user', content: QUESTION }], tools: [tool] })
      const calls: string[] = []
      const results: string[] = []
      runner.on('functionToolCall', ({ name, arguments: text }) => calls.push(`${name} ${text}`))
      runner.on('functionToolCallResult', result => results.push(result))
      const count = upstream.requests.length
      t.equal(await runner.finalContent(), ANSWER)
      t.same(called, CITIES)
      t.same(calls, CITIES.map(city => `${TOOL_NAME} ${JSON.stringify({ city })}`))
      t.same(results.map(result => JSON.parse(result)), CITIES.map(weatherOf))
      t.equal(upstream.requests.length - count, 2, 'two requests')
      t.equal(runner.allChatCompletions()[0]?.choices[0]?.finish_reason, 'tool_calls')
      t.match(runner.messages.map(({ role }) => role), ['user', 'assistant', 'tool', 'tool', 'assistant'])
    })

    t.test('the same, streamed', async t => {
      const { called, tool } = weatherTool()
      const runner = client.chat.completions.runTools({
        model, messages: [{ role: 'user', content: QUESTION }], tools: [tool], stream: true, stream_options: { include_usage: true }
      })
      let content = ''
      let pieces = 0
      runner.on('content', delta => {
        content += delta
        pieces++
      })
      t.equal(await runner.finalContent(), ANSWER)
      t.same(called, CITIES)
      t.equal(content, ANSWER)
      t.ok(pieces > 3, 'in pieces')
      const calls = runner.allChatCompletions()[0]?.choices[0]?.message.tool_calls ?? []
      t.match(calls, CITIES.map(city => ({ type: 'function', id: /./, function: { name: TOOL_NAME, arguments: JSON.stringify({ city }) } })))
      t.equal(new Set(calls.map(({ id }) => id)).size, 2, 'each call has an id of its own')
    })

    t.test('calls the one tool that is asked for, and stops there', async t => {
      const { called, tool } = weatherTool()
      const runner = client.chat.completions.runTools({
        model, messages: [{ role: 'user', content: QUESTION }], tools: [tool], tool_choice: { type: 'function', function: { name: TOOL_NAME } }
      })
      t.match(await runner.finalFunctionToolCall(), { name: TOOL_NAME })
      t.same(called, CITIES.slice(0, 1), 'the client runs the first only, and so it says')
    })
  })
}
