import fastify from 'fastify'
import type { ChatCompletionCreateParams } from 'openai/resources/chat/completions'
import t from 'tap'
import errorHandler from '../../plugins/error-handler.ts'
import requestLog from '../../plugins/request-log.ts'
import validation from '../../plugins/validation.ts'
import { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { CHAT_COMPLETION_REQUESTS } from '../fixtures/chat-completion-requests.ts'
import { chat, errorOf, HELLO, json } from '../support/chat-client.ts'

/** Compiles as long as every request that OpenAI's client can make is one of ours. */
const typed: (params: ChatCompletionCreateParams) => ChatCompletionRequest = params => params

const app = fastify()
t.teardown(async () => await app.close())
await app.register(requestLog)
await app.register(errorHandler)
await app.register(validation)
app.post('/v1/chat/completions', { schema: { body: ChatCompletionRequest } }, async request => request.body)
const url = await app.listen({ host: '127.0.0.1', port: 0 })

const user = (part: object) => ({ messages: [{ role: 'user', content: [part] }] })
const assistant = (fields: object) => ({ messages: [{ role: 'user', content: 'Hi' }, { role: 'assistant', ...fields }] })
const withTool = (tool: object) => ({ ...HELLO, tools: [tool] })

t.test('every form that OpenAI\'s reference knows is accepted, and nothing of it changed', async t => {
  for (const [form, params] of Object.entries(CHAT_COMPLETION_REQUESTS)) {
    const response = await chat(url, { ...typed(params) })
    t.equal(response.status, 200, form)
    t.same(await json(response), params, form)
  }
  const fields = new Set(Object.values(CHAT_COMPLETION_REQUESTS).flatMap(params => Object.keys(params)))
  t.same([...fields, 'top_k'].sort(), Object.keys(ChatCompletionRequest.properties).sort(), 'and there are forms of every field, and a description of each')
})

t.test('so are the fields that others have added, and what is not known', async t => {
  const bodies: ReadonlyArray<Record<string, unknown>> = [
    assistant({
      content: 'Hi',
      reasoning_content: 'Hm',
      reasoning_details: [
        { type: 'reasoning.text', index: 0, text: 'Hm', signature: 'c2ln', format: 'anthropic-claude-v1', id: null },
        { type: 'reasoning.text', text: null, signature: null },
        { type: 'reasoning.encrypted', index: 1, data: 'b3BhcXVl' },
        { type: 'reasoning.summary', summary: 'In short' }
      ],
      extra_content: { google: { thought_signature: 'c2ln' }, other: 1 },
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://x', title: null } }]
    }),
    assistant({ content: null, tool_calls: [{ id: 'c', type: 'function', index: 0, function: { name: 'f', arguments: '' }, extra_content: { google: { thought_signature: 's' } } }] }),
    assistant({ content: null, tool_calls: null, function_call: null, audio: null, reasoning_content: null, reasoning_details: null, annotations: null, extra_content: null }),
    user({ type: 'text', text: 'Long', cache_control: { type: 'ephemeral', ttl: '1h' } }),
    user({ type: 'video_url', video_url: { url: 'https://x/y.mp4' } }),
    { ...HELLO, top_k: 40, min_p: 0.1, chat_template_kwargs: { enable_thinking: false }, metadata: { nested: { deep: 1 } } },
    withTool({ type: 'function', function: { name: 'f' }, cache_control: { type: 'ephemeral' } }),
    withTool({ type: 'web_search' }),
    { ...HELLO, tool_choice: { type: 'web_search' } },
    { ...HELLO, response_format: { type: 'grammar', grammar: 'start: "a"' } },
    { ...HELLO, reasoning_effort: 'extreme', verbosity: 'chatty', service_tier: 'gold', modalities: ['text', 'video'] },
    { ...HELLO, prediction: { type: 'diff', patch: '-a' } },
    { ...HELLO, audio: { format: 'ogg', voice: 'newcomer' } }
  ]
  for (const body of bodies) {
    const response = await chat(url, body)
    t.equal(response.status, 200, JSON.stringify(body))
    t.same(await json(response), body)
  }
})

t.test('null stands for "not set" in every optional field', async t => {
  const optional = Object.keys(ChatCompletionRequest.properties).filter(field => !ChatCompletionRequest.required.some(name => name === field))
  for (const field of optional) t.equal((await chat(url, { ...HELLO, [field]: null })).status, 200, field)
})

t.test('what is wrong is refused by its name', async t => {
  const wrong: ReadonlyArray<readonly [param: string, body: Record<string, unknown>, words?: string]> = [
    ['audio.format', { ...HELLO, audio: { voice: 'sage' } }],
    ['audio.voice.id', { ...HELLO, audio: { format: 'wav', voice: {} } }],
    ['functions[0].name', { ...HELLO, functions: [{}] }],
    ['function_call.name', { ...HELLO, function_call: {} }],
    ['logit_bias.x', { ...HELLO, logit_bias: { x: 'much' } }],
    ['messages[0].content[0].file', user({ type: 'file' })],
    ['messages[0].content[0].file.file_id', user({ type: 'file', file: { file_id: 7 } })],
    ['messages[0].content[0].image_url', user({ type: 'image_url', image_url: 'data:image/png;base64,iVBORw0KGgo=' })],
    ['messages[0].content[0].input_audio.format', user({ type: 'input_audio', input_audio: { data: '' } })],
    ['messages[0].content[0].refusal', user({ type: 'refusal' })],
    ['messages[1].audio.id', assistant({ audio: {} })],
    ['messages[1].extra_content.google.thought_signature', assistant({ extra_content: { google: { thought_signature: 7 } } })],
    ['messages[1].reasoning_details[0].data', assistant({ reasoning_details: [{ type: 'reasoning.encrypted' }] })],
    ['messages[1].tool_calls[0].custom.input', assistant({ tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f' } }] })],
    ['messages[1].tool_calls[0].id', assistant({ tool_calls: [{ type: 'function', function: { name: 'f', arguments: '' } }] })],
    ['messages[1].tool_calls[0].type', assistant({ tool_calls: [{ id: 'c', function: { name: 'f', arguments: '' } }] })],
    ['metadata', { ...HELLO, metadata: 'x' }],
    ['modalities[0]', { ...HELLO, modalities: [1] }],
    ['moderation.model', { ...HELLO, moderation: {} }],
    ['n', { ...HELLO, n: '1' }, 'n must be integer.'],
    ['parallel_tool_calls', { ...HELLO, parallel_tool_calls: 'no' }],
    ['prediction.content', { ...HELLO, prediction: { type: 'content' } }],
    ['prediction.type', { ...HELLO, prediction: {} }],
    ['prompt_cache_key', { ...HELLO, prompt_cache_key: 7 }],
    ['reasoning_effort', { ...HELLO, reasoning_effort: 3 }],
    ['response_format.json_schema', { ...HELLO, response_format: { type: 'json_schema' } }],
    ['response_format.json_schema.schema', { ...HELLO, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: 'x' } } }],
    ['response_format.json_schema.strict', { ...HELLO, response_format: { type: 'json_schema', json_schema: { name: 'a', strict: 'yes' } } }],
    ['stream_options', { ...HELLO, stream_options: true }],
    ['stream_options.include_obfuscation', { ...HELLO, stream_options: { include_obfuscation: 'no' } }],
    ['tool_choice', { ...HELLO, tool_choice: 'any' }, 'tool_choice must be one of none, auto, required.'],
    ['tool_choice.allowed_tools.tools', { ...HELLO, tool_choice: { type: 'allowed_tools', allowed_tools: { mode: 'auto' } } }],
    ['tool_choice.custom', { ...HELLO, tool_choice: { type: 'custom' } }],
    ['tool_choice.type', { ...HELLO, tool_choice: { function: { name: 'f' } } }],
    ['tools[0].custom.format.grammar.definition', withTool({ type: 'custom', custom: { name: 'f', format: { type: 'grammar', grammar: { syntax: 'lark' } } } })],
    ['tools[0].custom.name', withTool({ type: 'custom', custom: {} })],
    ['tools[0].function.description', withTool({ type: 'function', function: { name: 'f', description: 7 } })],
    ['top_k', { ...HELLO, top_k: 1.5 }],
    ['top_logprobs', { ...HELLO, top_logprobs: 21 }],
    ['user', { ...HELLO, user: 7 }],
    ['web_search_options.user_location.approximate', { ...HELLO, web_search_options: { user_location: { type: 'approximate' } } }]
  ]
  for (const [param, body, words] of wrong) {
    const response = await chat(url, body)
    t.equal(response.status, 400, param)
    t.match(errorOf(await json(response)), { param, type: 'invalid_request_error', message: words ?? param }, JSON.stringify(body))
  }
})
