/**
 * `@langchain/openai`: ChatOpenAI's structured output by each of its methods, through each of the five targets.
 */
import { ChatOpenAI } from '@langchain/openai'
import t from 'tap'
import { CALLER_KEY } from '../support/build-gateway.ts'
import { ASK_JSON, ASK_TOOL, CITY_FIXTURES, CITY_TOOL, City, LODZ } from '../support/city.ts'
import { fiveTargets } from '../support/five-targets.ts'

const { targets, baseURL } = await fiveTargets(t, CITY_FIXTURES)

for (const { name, upstream, wire } of targets) {
  const model = new ChatOpenAI({ model: name, apiKey: CALLER_KEY, maxRetries: 0, configuration: { baseURL } })

  t.test(name, async t => {
    t.test('by a schema, which the provider was given', async t => {
      const structured = model.withStructuredOutput(City, { name: 'city', method: 'jsonSchema' })
      t.same(await structured.invoke(ASK_JSON), LODZ)
      t.match(upstream.requests.at(-1)?.body, wire.withSchema('inhabitants'))
    })

    t.test('by the call of a function', async t => {
      const structured = model.withStructuredOutput(City, { name: CITY_TOOL, method: 'functionCalling' })
      t.same(await structured.invoke(ASK_TOOL), LODZ)
    })

    t.test('by any JSON', async t => {
      const structured = model.withStructuredOutput(City, { name: 'city', method: 'jsonMode' })
      t.same(await structured.invoke(ASK_JSON), LODZ)
    })

    t.test('streamed, by a schema', async t => {
      const structured = model.withStructuredOutput(City, { name: 'city', method: 'jsonSchema' })
      const parts: unknown[] = []
      for await (const part of await structured.stream(ASK_JSON)) parts.push(part)
      t.same(parts.at(-1), LODZ)
    })
  })
}
