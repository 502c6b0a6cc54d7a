import { Ajv } from 'ajv'
import t from 'tap'
import type { Test } from 'tap'
import { chatRequestOf } from '../../../dialects/messages/request.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'
import { cacheControlOf, isToolError, thinkingOf } from '../../../schemas/carried.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import { MessagesRequest } from '../../../schemas/messages-api-request.ts'

const validate = new Ajv({ strict: false }).compile<MessagesRequest>(MessagesRequest)

/** A request with these fields, which the schema takes. */
function valid (change: JsonObject): MessagesRequest {
  const request: unknown = { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], ...change }
  if (!validate(request)) throw new Error(JSON.stringify(validate.errors))
  return request
}

const chat = (change: JsonObject) => chatRequestOf(valid(change))
const messages = (...list: JsonObject[]) => chat({ messages: list }).messages
const user = (...content: JsonObject[]) => ({ role: 'user', content })
const assistant = (...content: JsonObject[]) => ({ role: 'assistant', content })
const text = (words: string, more: JsonObject = {}) => ({ type: 'text', text: words, ...more })
const use = (id: string, more: JsonObject = {}) => ({ type: 'tool_use', id, name: `n_${id}`, input: { q: id }, ...more })
const result = (id: string, more: JsonObject = {}) => ({ type: 'tool_result', tool_use_id: id, ...more })
const call = (id: string) => ({ id, type: 'function', function: { name: `n_${id}`, arguments: `{"q":"${id}"}` } })
const EPHEMERAL = { cache_control: { type: 'ephemeral', ttl: '1h' } }

function refuses (t: Test, change: JsonObject, param: string, code = 'unsupported_parameter'): void {
  const request = valid(change)
  try {
    chatRequestOf(request)
    t.fail(`${param} was not refused`)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    t.match({ ...error }, { status: 400, type: 'invalid_request_error', code, param })
  }
}

t.test('the smallest request', async t => {
  t.same(chat({}), { model: 'm', max_completion_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] })
})

t.test('settings have their counterparts, and a stream always asks for its token counts', async t => {
  t.same(chat({ stream: true, temperature: 0.5, top_p: 0.9, top_k: 40, stop_sequences: ['END'], metadata: { user_id: 'u1' }, output_config: { effort: 'xhigh' } }), {
    model: 'm',
    max_completion_tokens: 100,
    messages: [{ role: 'user', content: 'Hi' }],
    stream: true,
    stream_options: { include_usage: true },
    temperature: 0.5,
    top_p: 0.9,
    top_k: 40,
    stop: ['END'],
    user: 'u1',
    reasoning_effort: 'xhigh'
  })
})

t.test('null and what says nothing are not set', async t => {
  const nothing = { stream: null, temperature: null, top_p: null, top_k: null, stop_sequences: [], metadata: {}, output_config: {}, tools: [], tool_choice: null, thinking: null, system: '', container: null, mcp_servers: [], context_management: { edits: [] }, cache_control: null }
  t.same(chat(nothing), chat({}))
})

t.test('hints that change no answer are dropped', async t => {
  t.same(chat({ service_tier: 'standard_only', speed: 'fast', diagnostics: { previous_message_id: null } }), chat({}))
})

t.test('the system prompt is the first message, as a string or in parts', async t => {
  const system = (value: unknown) => chat({ system: value }).messages[0]
  t.same(system('Be brief.'), { role: 'system', content: 'Be brief.' })
  t.same(system([text('Be brief.')]), { role: 'system', content: 'Be brief.' })
  t.same(system([text('a'), text('b')]), { role: 'system', content: [text('a'), text('b')] })
  t.same(messages({ role: 'user', content: 'a' }, { role: 'system', content: 'b' }, user(text('c'))), [
    { role: 'user', content: 'a' }, { role: 'system', content: 'b' }, { role: 'user', content: 'c' }
  ], 'and in between where it stands')
})

t.test('cache_control is carried on text, tools, results and calls, and is in no JSON', async t => {
  const hint = { type: 'ephemeral', ttl: '1h' }
  const request = chat({
    system: [text('a', EPHEMERAL)],
    tools: [{ name: 'f', input_schema: { type: 'object' }, ...EPHEMERAL }],
    messages: [user(text('b', EPHEMERAL)), assistant(use('1', EPHEMERAL)), user(result('1', { content: 'r', ...EPHEMERAL }))]
  })
  const [system, first, asking, answer] = request.messages
  for (const message of [system, first]) t.same(typeof message?.content === 'object' ? cacheControlOf(message.content?.[0] ?? {}) : null, hint)
  for (const value of [asking, answer, request.tools?.[0]]) t.same(cacheControlOf(value ?? {}), hint)
  t.notMatch(JSON.stringify(request), /cache_control|ephemeral/)
})

t.test('cache_control of the whole request marks its last block, and no more', async t => {
  const last = (list: JsonObject[]) => chat({ messages: list, cache_control: { type: 'ephemeral' } }).messages.at(-1)
  const partOf = (message: ReturnType<typeof last>) => typeof message?.content === 'object' ? message.content?.at(-1) ?? {} : {}
  t.same(cacheControlOf(partOf(last([{ role: 'user', content: 'a' }]))), { type: 'ephemeral' })
  t.same(cacheControlOf(partOf(last([user(text('a'), text('b'))]))), { type: 'ephemeral' })
  t.same(cacheControlOf(partOf(last([user(text('a', EPHEMERAL))]))), EPHEMERAL.cache_control, 'its own stays')
  t.same(cacheControlOf(last([assistant(use('1')), user(result('1'))]) ?? {}), { type: 'ephemeral' })
  t.same(cacheControlOf(last([assistant(use('1'))]) ?? {}), { type: 'ephemeral' })
  t.equal(JSON.stringify(last([{ role: 'user', content: 'a' }])), JSON.stringify(user(text('a'))), 'which no target sees')
})

t.test('images by data and by URL', async t => {
  const [message] = messages(user(
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
    { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' }, transformations: { oversized_image: 'downsize' } }
  ))
  t.same(message?.content, [
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
  ])
})

t.test('documents are files, their title the name', async t => {
  const pdf = { type: 'base64', media_type: 'application/pdf', data: 'AAAA' }
  const [message] = messages(user(
    { type: 'document', source: pdf },
    { type: 'document', source: pdf, title: 'Report.PDF', citations: { enabled: false }, context: null },
    { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'Grüße' }, title: 'Greeting' }
  ))
  t.same(message?.content, [
    { type: 'file', file: { filename: 'document.pdf', file_data: 'data:application/pdf;base64,AAAA' } },
    { type: 'file', file: { filename: 'Report.PDF', file_data: 'data:application/pdf;base64,AAAA' } },
    { type: 'file', file: { filename: 'Greeting.txt', file_data: 'data:text/plain;base64,R3LDvMOfZQ==' } }
  ])
})

t.test('tools, and the choice among them', async t => {
  const tool = { type: 'custom', name: 'f', description: 'd', input_schema: { type: 'object', properties: {} }, strict: true, eager_input_streaming: true, allowed_callers: ['direct'], defer_loading: false, input_examples: [] }
  const { tools } = chat({ tools: [tool, { name: 'g', input_schema: {} }] })
  t.same(tools, [
    { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object', properties: {} }, strict: true } },
    { type: 'function', function: { name: 'g', parameters: {} } }
  ])
  const choice = (value: JsonObject) => {
    const { tool_choice: chosen, parallel_tool_calls: parallel } = chat({ tools: [tool], tool_choice: value })
    return [chosen, parallel]
  }
  t.same(choice({ type: 'auto' }), ['auto', undefined])
  t.same(choice({ type: 'auto', disable_parallel_tool_use: true }), ['auto', false])
  t.same(choice({ type: 'any', disable_parallel_tool_use: false }), ['required', undefined])
  t.same(choice({ type: 'none' }), ['none', undefined])
  t.same(choice({ type: 'tool', name: 'f', disable_parallel_tool_use: true }), [{ type: 'function', function: { name: 'f' } }, false])
})

t.test('results of tools come right after the calls, before what else the user says', async t => {
  t.same(messages(
    { role: 'user', content: 'ask' },
    assistant(text('I look.'), use('1'), use('2', { caller: { type: 'direct' } })),
    user(text('also'), result('2', { content: [text('two')] })),
    { role: 'system', content: 'hurry' },
    user(result('1', { content: 'one' }), text('and'))
  ), [
    { role: 'user', content: 'ask' },
    { role: 'assistant', content: 'I look.', tool_calls: [call('1'), call('2')] },
    { role: 'tool', tool_call_id: '2', content: 'two' },
    { role: 'tool', tool_call_id: '1', content: 'one' },
    { role: 'user', content: 'also' },
    { role: 'system', content: 'hurry' },
    { role: 'user', content: 'and' }
  ])
})

t.test('consecutive messages of the assistant are one turn', async t => {
  t.same(messages(assistant(use('1')), { role: 'assistant', content: 'wait' }, user(result('1'))), [
    { role: 'assistant', content: 'wait', tool_calls: [call('1')] },
    { role: 'tool', tool_call_id: '1', content: '' }
  ])
})

t.test('a result with images keeps its parts, and one that failed is marked', async t => {
  const [, answer] = messages(assistant(use('1')), user(result('1', { is_error: true, content: [text('see'), { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } }] })))
  t.same(answer?.content, [text('see'), { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }])
  t.equal(isToolError(answer ?? {}), true)
  const [, well] = messages(assistant(use('1')), user(result('1', { is_error: false })))
  t.equal(isToolError(well ?? {}), false)
})

t.test('what a target wanted back with a call goes back with it', async t => {
  const extra = { google: { thought_signature: 'abc' } }
  t.same(messages(assistant(use('1', { extra_content: extra }))), [{ role: 'assistant', content: null, tool_calls: [{ ...call('1'), extra_content: extra }] }])
})

t.test('what was thought goes back, to read and with its proof, in order', async t => {
  t.same(messages(assistant(
    { type: 'thinking', thinking: 'One. ', signature: 's1' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'thinking', thinking: 'Two.', signature: '' },
    text('So.')
  )), [{
    role: 'assistant',
    content: 'So.',
    reasoning_content: 'One. Two.',
    reasoning_details: [
      { type: 'reasoning.text', index: 0, text: 'One. ', signature: 's1' },
      { type: 'reasoning.encrypted', index: 1, data: 'xyz' },
      { type: 'reasoning.text', index: 2, text: 'Two.' }
    ]
  }])
})

t.test('texts of an answer stay apart, without their citations; the last message may be the assistant\'s', async t => {
  t.same(messages({ role: 'user', content: 'a' }, assistant(text('b', { citations: [{ type: 'char_location' }] }), text('c'))).at(-1), { role: 'assistant', content: [text('b'), text('c')] })
})

t.test('thinking is carried to the token', async t => {
  const carried = (thinking: JsonObject) => thinkingOf(chat({ thinking }))
  t.same(carried({ type: 'enabled', budget_tokens: 2048, display: 'summarized' }), { kind: 'budget', tokens: 2048 })
  t.same(carried({ type: 'adaptive', display: null }), { kind: 'adaptive' })
  t.same(carried({ type: 'disabled' }), { kind: 'off' })
  t.equal(thinkingOf(chat({})), undefined)
})

t.test('structured outputs, also by the deprecated field', async t => {
  const schema = { type: 'object', properties: {}, additionalProperties: false }
  const format = { type: 'json_schema', schema }
  const expected = { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } }
  t.same(chat({ output_config: { format } }).response_format, expected)
  t.same(chat({ output_format: format }).response_format, expected)
})

t.test('what the core cannot say is refused by its name', async t => {
  const inUser = (block: JsonObject) => ({ messages: [user(text('a'), block)] })
  const inAssistant = (block: JsonObject) => ({ messages: [{ role: 'user', content: 'a' }, assistant(block)] })
  const document = (more: JsonObject) => inUser({ type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'x' }, ...more })
  const tool = (more: JsonObject) => ({ tools: [{ name: 'f', input_schema: {}, ...more }] })
  for (const field of ['container', 'inference_geo', 'fallback_credit_token']) refuses(t, { [field]: 'x' }, field)
  for (const field of ['context_management', 'billing_policy', 'compaction']) refuses(t, { [field]: { type: 'x' } }, field)
  for (const field of ['mcp_servers', 'fallbacks']) refuses(t, { [field]: [{}, 'x'] }, field)
  refuses(t, { thread: { type: 'create' } }, 'thread', 'thread_unsupported_request')
  refuses(t, inUser({ type: 'search_result', source: 's', title: 't', content: [] }), 'messages[0].content[1].type')
  refuses(t, inUser(use('1')), 'messages[0].content[1].type')
  refuses(t, inUser({ type: 'image', source: { type: 'file', file_id: 'f' } }), 'messages[0].content[1].source.file_id')
  refuses(t, inUser({ type: 'image', source: { type: 'url', url: 'u' }, transformations: { oversized_image: 'error' } }), 'messages[0].content[1].transformations.oversized_image')
  refuses(t, document({ context: 'c' }), 'messages[0].content[1].context')
  refuses(t, document({ citations: { enabled: true } }), 'messages[0].content[1].citations')
  refuses(t, document({ source: { type: 'url', url: 'u' } }), 'messages[0].content[1].source.url')
  refuses(t, document({ source: { type: 'content', content: 'c' } }), 'messages[0].content[1].source.content')
  refuses(t, document({ source: { type: 'file', file_id: 'f' } }), 'messages[0].content[1].source.file_id')
  refuses(t, inUser(result('1', { toolset_name: 'browser' })), 'messages[0].content[1].toolset_name')
  refuses(t, inUser(result('1', { content: [{ type: 'tool_reference', tool_name: 'x' }] })), 'messages[0].content[1].content[0].type')
  refuses(t, { messages: [{ role: 'system', content: [{ type: 'image', source: { type: 'url', url: 'u' } }] }] }, 'messages[0].content[0].type')
  for (const type of ['server_tool_use', 'web_search_tool_result', 'container_upload', 'compaction']) refuses(t, inAssistant({ type }), 'messages[1].content[0].type')
  refuses(t, inAssistant({ type: 'image', source: { type: 'url', url: 'u' } }), 'messages[1].content[0].type')
  refuses(t, inAssistant(use('1', { caller: { type: 'code_execution_20250825', tool_id: 'x' } })), 'messages[1].content[0].caller')
  refuses(t, inAssistant(use('1', { toolset_name: 'computer' })), 'messages[1].content[0].toolset_name')
  for (const type of ['web_search_20250305', 'bash_20250124', 'text_editor_20250728', 'computer_20250124', 'memory_20250818', 'mcp_toolset']) refuses(t, { tools: [{ type, name: 'x' }] }, 'tools[0].type')
  refuses(t, tool({ defer_loading: true }), 'tools[0].defer_loading')
  refuses(t, tool({ input_examples: [{}] }), 'tools[0].input_examples')
  refuses(t, tool({ allowed_callers: ['code_execution_20250825'] }), 'tools[0].allowed_callers')
  refuses(t, { thinking: { type: 'between_tools' } }, 'thinking.type')
  refuses(t, { thinking: { type: 'adaptive', block_binding: { prefix_mismatch_behavior: 'error' } } }, 'thinking.block_binding')
  refuses(t, { output_config: { task_budget: { type: 'tokens', total: 1 } } }, 'output_config.task_budget')
  const format = { type: 'json_schema', schema: {} }
  refuses(t, { output_format: format, output_config: { format } }, 'output_format')
})
