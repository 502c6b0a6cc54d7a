import t from 'tap'
import { buildGateway, fileOf, openaiAt } from '../support/build-gateway.ts'
import { chat, errorOf, HELLO, json } from '../support/chat-client.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const USER = { role: 'user', content: 'Hi' }
const message = (message: unknown) => ({ messages: [USER, message] })
const part = (part: unknown) => message({ role: 'user', content: [part] })

/** Bodies that are wrong in one field, under that field's name. */
const WRONG: ReadonlyArray<readonly [param: string, body: Record<string, unknown>]> = [
  ['messages', {}],
  ['messages', { messages: null }],
  ['messages', { messages: 'Hi' }],
  ['messages', { messages: [] }],
  ['messages[0]', { messages: ['Hi'] }],
  ['messages[0].role', { messages: [{ content: 'Hi' }] }],
  ['messages[0].role', { messages: [{ role: 'robot', content: 'Hi' }] }],
  ['messages[0].content', { messages: [{ role: 'user' }] }],
  ['messages[1].content', message({ role: 'user', content: 5 })],
  ['messages[1].content[0]', part('Hi')],
  ['messages[1].content[0].type', part({ text: 'Hi' })],
  ['messages[1].content[0].text', part({ type: 'text' })],
  ['messages[1].content[0].image_url.url', part({ type: 'image_url', image_url: {} })],
  ['messages[1].content[0].image_url.url', part({ type: 'image_url', image_url: { url: 5 } })],
  ['messages[1].content[0].image_url.detail', part({ type: 'image_url', image_url: { url: 'https://x', detail: 5 } })],
  ['messages[1].tool_call_id', message({ role: 'tool', content: 'x' })],
  ['messages[1].tool_calls[0].function.arguments', message({ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: {} } }] })],
  ['model', { ...HELLO, model: 5 }],
  ['stream', { ...HELLO, stream: 'true' }],
  ['stream_options.include_usage', { ...HELLO, stream_options: { include_usage: 1 } }],
  ['temperature', { ...HELLO, temperature: '1' }],
  ['temperature', { ...HELLO, temperature: 2.1 }],
  ['top_p', { ...HELLO, top_p: -0.1 }],
  ['n', { ...HELLO, n: 1.5 }],
  ['max_tokens', { ...HELLO, max_tokens: 0 }],
  ['max_completion_tokens', { ...HELLO, max_completion_tokens: '10' }],
  ['seed', { ...HELLO, seed: true }],
  ['stop', { ...HELLO, stop: 5 }],
  ['stop[1]', { ...HELLO, stop: ['a', 5] }],
  ['logit_bias', { ...HELLO, logit_bias: [] }],
  ['tools', { ...HELLO, tools: {} }],
  ['tools[0].type', { ...HELLO, tools: [{ function: { name: 'f' } }] }],
  ['tools[0].function', { ...HELLO, tools: [{ type: 'function' }] }],
  ['tools[0].function.name', { ...HELLO, tools: [{ type: 'function', function: {} }] }],
  ['tools[0].function.parameters', { ...HELLO, tools: [{ type: 'function', function: { name: 'f', parameters: 'x' } }] }],
  ['tool_choice', { ...HELLO, tool_choice: 'maybe' }],
  ['tool_choice.function.name', { ...HELLO, tool_choice: { type: 'function', function: {} } }],
  ['response_format.type', { ...HELLO, response_format: {} }],
  ['response_format.json_schema.name', { ...HELLO, response_format: { type: 'json_schema', json_schema: {} } }]
]

t.test('requests', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })

  await t.test('a wrong field is 400 by its name, and no upstream is asked', async t => {
    for (const [param, body] of WRONG) {
      for (const stream of 'stream' in body ? [] : [true, false]) {
        const response = await chat(url, { ...body, stream })
        const error = errorOf(await json(response))
        t.equal(response.status, 400)
        t.equal(error['param'], param, JSON.stringify(body))
        t.match(error, { type: 'invalid_request_error', code: /^(invalid_value|missing_required_parameter)$/, message: param })
      }
    }
    t.same(upstream.requests, [])
  })

  await t.test('a body that is no object', async t => {
    for (const body of ['[]', '5', '"x"', 'null', 'true']) {
      const response = await chat(url, body)
      t.equal(response.status, 400, body)
      t.match(errorOf(await json(response)), { type: 'invalid_request_error', param: null, message: String })
    }
  })

  await t.test('a body that nests too deeply is the caller\'s fault, and not taken for the target\'s', async t => {
    for (const depth of [127, 100_000]) {
      for (let n = 0; n < 3; n++) t.equal((await chat(url, `{"messages":[{"role":"user","content":"Hi"}],"metadata":{"a":${'['.repeat(depth)}${']'.repeat(depth)}}}`)).status, 400)
    }
    t.equal((await chat(url)).status, 200)
  })

  await t.test('null stands for "not set" in every optional field', async t => {
    const optional = [
      'model', 'stream', 'stream_options', 'temperature', 'top_p', 'n', 'stop', 'max_tokens', 'max_completion_tokens', 'presence_penalty',
      'frequency_penalty', 'seed', 'logprobs', 'top_logprobs', 'logit_bias', 'tools', 'tool_choice', 'parallel_tool_calls',
      'response_format', 'reasoning_effort', 'modalities', 'user', 'metadata', 'store', 'service_tier'
    ]
    for (const field of optional) t.equal((await chat(url, { ...HELLO, [field]: null })).status, 200, field)
    t.equal((await chat(url, { ...HELLO, ...Object.fromEntries(optional.map(field => [field, null])) })).status, 200, 'all of them')
  })

  await t.test('what is valid passes through as it was sent: unknown fields, order of numbers and all', async t => {
    const body = {
      ...HELLO,
      temperature: 1,
      seed: 9007199254740991,
      stop: 'END',
      logit_bias: { 50256: -100 },
      top_k: 40,
      guided_json: { type: 'object', nested: [1, '1', null, { deep: true }] },
      chat_template_kwargs: { enable_thinking: false },
      messages: [
        { role: 'system', content: 'Be brief', cache_control: { type: 'ephemeral' } },
        { role: 'user', content: [{ type: 'text', text: 'Ünï😀\u2028', extra: 1 }, { type: 'video_url', video_url: { url: 'https://x/y.mp4' } }] },
        { role: 'assistant', content: null, reasoning_content: 'hm', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{' } }] },
        { role: 'tool', tool_call_id: 'c', content: '' }
      ],
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }, { type: 'web_search', filters: {} }]
    }
    const before = upstream.requests.length
    t.equal((await chat(url, body)).status, 200)
    t.equal((await chat(url, { ...body, stream: true })).status, 200)
    t.same((await upstream.request(before + 1)).body, { ...body, model: 'scripted' })
    t.same((await upstream.request(before + 2)).body, { ...body, model: 'scripted', stream: true, stream_options: { include_usage: true } })
  })
})

t.test('a model that nobody knows: all targets without a configuration file, 404 with one', async t => {
  const upstream = await scriptedUpstream(t)
  const open = await buildGateway(t, { env: openaiAt(upstream) })
  const strict = await buildGateway(t, { file: fileOf({ a: upstream }) })
  for (const model of ['gpt-9', 'b/gpt-4o', 'a/', '/x', '__proto__', 'constructor']) {
    t.equal((await chat(open.url, { ...HELLO, model })).status, 200, model)
    for (const stream of [true, false]) {
      const response = await chat(strict.url, { ...HELLO, model, stream })
      t.equal(response.status, 404, model)
      t.match(errorOf(await json(response)), { type: 'invalid_request_error', code: 'model_not_found', param: 'model', message: model })
      t.equal(response.headers.get('x-gateway-attempts'), null)
    }
  }
  for (const model of ['auto', 'chat', 'a', 'a/any/thing', '', null]) t.equal((await chat(strict.url, { ...HELLO, model })).status, 200, String(model))
  t.same(upstream.requests.slice(-6).map(({ body }) => body['model']), ['a-model', 'a-model', 'a-model', 'any/thing', 'a-model', 'a-model'])
})
