import t from 'tap'
import { buildGateway, fileOf, openaiAt } from '../support/build-gateway.ts'
import { json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

t.test('every alias and every target, each once, in OpenAI\'s format', async t => {
  const upstream = await scriptedUpstream(t)
  const file = fileOf({ a: upstream, b: upstream })
  const { url } = await buildGateway(t, { file: { ...file, models: { ...file.models, a: { targets: ['b'] } } } })
  const list = await json(await fetch(`${url}/v1/models`))
  t.match(list, {
    object: 'list',
    data: [
      { id: 'chat', object: 'model', owned_by: 'gateway' },
      { id: 'a', object: 'model', owned_by: 'openai' },
      { id: 'b', object: 'model', owned_by: 'openai' }
    ]
  })
  t.match(list['data'], [{ created: Number }, { created: Number }, { created: Number }])
  t.equal(Array.isArray(list['data']) && list['data'].length, 3)
})

t.test('with the variables alone: the targets', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), GEMINI_API_KEY: 'k', GEMINI_MODEL: 'm', GEMINI_BASE_URL: upstream.origin } })
  t.match(await json(await fetch(`${url}/v1/models`)), { data: [{ id: 'openai', owned_by: 'openai' }, { id: 'gemini', owned_by: 'gemini' }] })
})
