/**
 * Types of `tool_choice` that nobody knows here pass the schema, for targets that speak the format and may know them. Targets
 * that are translated for took them for `allowed_tools`, and answered 500.
 */
import t from 'tap'
import { buildGateway } from '../support/build-gateway.ts'
import { chat, errorOf, json } from '../support/chat-client.ts'

const NOWHERE = 'http://127.0.0.1:1'

t.test('is refused by name', async t => {
  const { url, logged } = await buildGateway(t, {
    env: { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' },
    file: {
      targets: [
        { name: 'gemini', provider: 'gemini', options: { apiKey: 'x', model: 'gemini-2.5-flash', baseURL: NOWHERE } },
        { name: 'bedrock', provider: 'bedrock', options: { modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0', region: 'eu-west-1', endpoint: NOWHERE } }
      ]
    }
  })
  const tools = [{ type: 'function', function: { name: 'weather' } }]
  for (const model of ['gemini', 'bedrock']) {
    for (const type of ['custom', 'web_search', 'constructor', '']) {
      const response = await chat(url, { model, messages: [{ role: 'user', content: 'Hi' }], tools, tool_choice: { type, custom: { name: 'weather' } } })
      t.equal(response.status, 400, `${model} ${type}`)
      t.match(errorOf(await json(response)), { code: 'unsupported_parameter', param: 'tool_choice' })
    }
  }
  t.same(logged('internal error'), [])
})
