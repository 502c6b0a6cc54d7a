/**
 * `ai` with `@ai-sdk/openai-compatible`: tools that are executed over several steps, through each of the five targets.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, hasToolCall, isStepCount, streamText, tool } from 'ai'
import t from 'tap'
import { z } from 'zod'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { fiveTargets } from '../support/five-targets.ts'
import { status, streaming } from '../support/scripted-upstream.ts'
import { ANSWER, CITIES, DESCRIPTION, QUESTION, TOOL_NAME, WEATHER, weatherOf } from '../support/weather.ts'

const { targets, baseURL } = await fiveTargets(t, WEATHER)
const gateway = createOpenAICompatible({ name: 'gateway', baseURL, apiKey: CALLER_KEY })

/** The tool, and what it was called with. */
function weatherTool () {
  const called: string[] = []
  const weather = tool({
    description: DESCRIPTION,
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      called.push(city)
      return weatherOf(city)
    }
  })
  return { called, tools: { [TOOL_NAME]: weather } }
}

for (const { name, upstream } of targets) {
  const model = gateway(name)

  t.test(name, async t => {
    t.test('generateText runs both calls of a step, and answers in the next', async t => {
      const { called, tools } = weatherTool()
      const { text, steps } = await generateText({ model, prompt: QUESTION, tools, stopWhen: isStepCount(3) })
      t.equal(text, ANSWER)
      t.same(called, CITIES)
      t.same(steps.map(({ finishReason }) => finishReason), ['tool-calls', 'stop'])
      t.same(steps[0]?.toolCalls.map(({ toolName, input }) => [toolName, input]), CITIES.map(city => [TOOL_NAME, { city }]))
      t.same(steps[0]?.toolResults.map(({ output }) => output), CITIES.map(weatherOf))
    })

    t.test('streamText does the same, and tells of every part', async t => {
      const { called, tools } = weatherTool()
      const result = streamText({ model, prompt: QUESTION, tools, stopWhen: isStepCount(3) })
      const inputs = new Map<string, string>()
      const kinds: string[] = []
      let text = ''
      for await (const part of result.fullStream) {
        if (part.type === 'text-delta') text += part.text
        else if (part.type === 'tool-input-delta') inputs.set(part.id, (inputs.get(part.id) ?? '') + part.delta)
        else kinds.push(part.type)
      }
      t.equal(text, ANSWER)
      t.same(called, CITIES)
      t.same([...inputs.values()].map(input => JSON.parse(input)), CITIES.map(city => ({ city })))
      for (const kind of ['tool-input-start', 'tool-input-end', 'tool-call', 'tool-result']) t.equal(kinds.filter(each => each === kind).length, 2, `two of ${kind}`)
      t.equal((await result.steps).length, 2)
    })

    t.test('stops where it is told to', async t => {
      const { called, tools } = weatherTool()
      const count = upstream.requests.length
      const { text, finishReason } = await generateText({ model, prompt: QUESTION, tools, stopWhen: hasToolCall(TOOL_NAME) })
      t.equal(text, '')
      t.equal(finishReason, 'tool-calls')
      t.same(called, CITIES)
      t.equal(upstream.requests.length, count + 1)
    })
  })
}

t.test('Gemini gets its thought signatures back with the results', async t => {
  const upstream = targets.find(({ name }) => name === 'gemini')?.upstream
  const answer = {
    candidates: [{
      index: 0,
      finishReason: 'STOP',
      content: { role: 'model', parts: CITIES.map((city, index) => ({ functionCall: { name: TOOL_NAME, args: { city } }, ...(index === 0 ? { thoughtSignature: 'c2lnbmVk' } : {}) })) }
    }]
  }
  for (const stream of [false, true]) {
    upstream?.next(stream ? streaming(answer) : status(200, answer))
    const { tools } = weatherTool()
    const asked = { model: gateway('gemini'), prompt: QUESTION, tools, stopWhen: isStepCount(3) }
    t.equal(stream ? await streamText(asked).text : (await generateText(asked)).text, ANSWER)
    t.match(upstream?.requests.at(-1)?.body, { contents: [{}, { parts: [{ functionCall: { args: { city: CITIES[0] } }, thoughtSignature: 'c2lnbmVk' }] }] })
  }
})
