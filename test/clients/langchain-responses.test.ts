/**
 * LangChain's own reading of the Responses API, in front of a scripted target.
 */
import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import type { AIMessageChunk } from '@langchain/core/messages'
import { tool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import t from 'tap'
import { z } from 'zod'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { answering, chunk, CUT, DONE, finish, role, scriptedUpstream, streaming, text, usage } from '../support/scripted-upstream.ts'

const weather = tool(async () => '21 degrees', { name: 'get_weather', description: 'The weather now.', schema: z.object({ city: z.string() }) })

/** A model of LangChain's behind a gateway of its own. */
async function modelAt (t: Parameters<typeof scriptedUpstream>[0]) {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const model = new ChatOpenAI({ model: 'auto', apiKey: 'any', maxRetries: 0, useResponsesApi: true, zdrEnabled: true, configuration: { baseURL: `${url}/v1` } })
  return { upstream, model }
}

t.test('text, whole and streamed, with usage', async t => {
  const { upstream, model } = await modelAt(t)
  upstream.next(answering('one two three'), answering('one two three'))
  const whole = await model.invoke('Hi')
  t.equal(whole.text, 'one two three')
  t.match(whole.usage_metadata, { input_tokens: 3, output_tokens: 5, total_tokens: 8 })
  let streamed: AIMessageChunk | undefined
  for await (const part of await model.stream('Hi')) streamed = streamed === undefined ? part : streamed.concat(part)
  t.equal(streamed?.text, 'one two three')
  t.match(streamed?.usage_metadata, { total_tokens: 8 })
})

t.test('tools, and what a provider wants back with their calls', async t => {
  const { upstream, model } = await modelAt(t)
  const details = [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 'sig' }]
  upstream.next(streaming(
    role(), chunk({ reasoning_content: 'Hm', reasoning_details: details }),
    chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{"city":' } }] }),
    chunk({ tool_calls: [{ index: 0, function: { arguments: '"Łódź"}' } }] }), finish('tool_calls'), usage(), DONE
  ), answering('It is warm.'))
  const bound = model.bindTools([weather])
  let called: AIMessageChunk | undefined
  for await (const part of await bound.stream('What is the weather?')) called = called === undefined ? part : called.concat(part)
  if (called === undefined) throw new Error('there is no answer')
  t.match(called.tool_calls, [{ id: 'call_1', name: 'get_weather', args: { city: 'Łódź' } }])
  const answer = await bound.invoke([new HumanMessage('What is the weather?'), called, new ToolMessage({ content: '21 degrees', tool_call_id: 'call_1' })])
  t.equal(answer.text, 'It is warm.')
  t.match(upstream.requests[1]?.body['messages'], [
    { role: 'user' },
    { role: 'assistant', reasoning_content: 'Hm', reasoning_details: details, tool_calls: [{ id: 'call_1', function: { name: 'get_weather', arguments: '{"city":"Łódź"}' } }] },
    { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' }
  ])
})

t.test('a broken stream is an exception', async t => {
  const { upstream, model } = await modelAt(t)
  upstream.next(streaming(role(), text('Hel'), CUT))
  await t.rejects(async () => { for await (const part of await model.stream('Hi')) t.match(part.text, /^(Hel)?$/) })
})
