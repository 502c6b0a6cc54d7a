/**
 * `ai` with `@ai-sdk/openai-compatible`: objects by a schema, whole and streamed, through each of the five targets.
 */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Output, generateText, streamText } from 'ai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { ASK_JSON, CITY_FIXTURES, City, LODZ } from '../support/city.ts'
import { fiveTargets } from '../support/five-targets.ts'

const { targets, baseURL } = await fiveTargets(t, CITY_FIXTURES)
const options = { name: 'gateway', baseURL, apiKey: CALLER_KEY }
const bySchema = createOpenAICompatible({ ...options, supportsStructuredOutputs: true })
const anyJson = createOpenAICompatible(options)

for (const { name, upstream, wire } of targets) {
  t.test(name, async t => {
    t.test('gives an object by the schema, which the provider was given', async t => {
      const { output } = await generateText({ model: bySchema(name), prompt: ASK_JSON, output: Output.object({ schema: City }) })
      t.same(output, LODZ)
      t.match(upstream.requests.at(-1)?.body, wire.withSchema('inhabitants'))
    })

    t.test('streams an object by the schema', async t => {
      const result = streamText({ model: bySchema(name), prompt: ASK_JSON, output: Output.object({ schema: City }) })
      const partly: unknown[] = []
      for await (const part of result.partialOutputStream) partly.push(part)
      t.same(await result.output, LODZ)
      t.same(partly.at(-1), LODZ)
      t.ok(partly.length > 3, 'it grows')
      t.match(upstream.requests.at(-1)?.body, wire.withSchema('inhabitants'))
    })

    t.test('gives an object without the provider\'s knowledge of the schema', async t => {
      const { output } = await generateText({ model: anyJson(name), prompt: ASK_JSON, output: Output.object({ schema: City }) })
      t.same(output, LODZ)
      const result = streamText({ model: anyJson(name), prompt: ASK_JSON, output: Output.object({ schema: City }) })
      t.same(await result.output, LODZ)
    })
  })
}
