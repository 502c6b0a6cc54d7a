import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { Base64Bytes } from '../../../providers/bedrock/base64-bytes.ts'
import { converseInput } from '../../../providers/bedrock/request.ts'
import { NO_OUTPUT, OPENING } from '../../../providers/bedrock/messages.ts'
import { JSON_ANSWER } from '../../../providers/bedrock/tools.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { Message } from '../../../schemas/messages.ts'

const NOVA = 'amazon.nova-pro-v1:0'
const CLAUDE = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'
const HELLO: Message = { role: 'user', content: 'Hello' }
const TOOL = { type: 'function' as const, function: { name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }
const CALL: Message = { role: 'assistant', content: null, tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } }] }
const RESULT: Message = { role: 'tool', tool_call_id: 'call_1', content: '{"degrees": 21.50}' }
const PIXEL = 'iVBORw0KGgo='

const converse = (rest: Partial<ChatCompletionRequest> & Record<string, unknown> = {}, model = NOVA) =>
  converseInput({ messages: [HELLO], ...rest }, model)
const messagesOf = (...messages: Message[]) => converse({ messages, tools: [TOOL] }).messages

/** The error that a request is refused with. */
function refusal (rest: Partial<ChatCompletionRequest> & Record<string, unknown>, model?: string): { reason: string, param: string | undefined } {
  try {
    converse(rest, model)
  } catch (error) {
    if (error instanceof UpstreamError) return { reason: error.reason, param: error.param }
    throw error
  }
  return { reason: 'none', param: undefined }
}

t.test('a plain request', async t => {
  t.strictSame(converse(), { messages: [{ role: 'user', content: [{ text: 'Hello' }] }], inferenceConfig: {} })
})

t.test('messages', async t => {
  t.test('system and developer go apart', async t => {
    const { system, messages } = converse({
      messages: [{ role: 'system', content: 'Be brief.' }, HELLO, { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }, { type: 'text', text: ' ' }] }]
    })
    t.strictSame(system, [{ text: 'Be brief.' }, { text: 'Be kind.' }])
    t.strictSame(messages, [{ role: 'user', content: [{ text: 'Hello' }] }])
  })

  t.test('one side\'s messages are joined, blank ones left out', async t => {
    t.strictSame(messagesOf(HELLO, { role: 'user', content: ' \n' }, { role: 'user', content: [{ type: 'text', text: 'there' }] }, { role: 'assistant', content: '' }, { role: 'user', content: '!' }),
      [{ role: 'user', content: [{ text: 'Hello' }, { text: 'there' }, { text: '!' }] }])
  })

  t.test('the user begins', async t => {
    t.strictSame(messagesOf({ role: 'assistant', content: 'Hi' }, HELLO), [
      { role: 'user', content: [{ text: OPENING }] },
      { role: 'assistant', content: [{ text: 'Hi' }] },
      { role: 'user', content: [{ text: 'Hello' }] }
    ])
    t.strictSame(messagesOf({ role: 'system', content: 'Speak.' }), [{ role: 'user', content: [{ text: OPENING }] }])
  })

  t.test('tool calls and results', async t => {
    t.strictSame(messagesOf(HELLO, { ...CALL, content: 'Let me see.' }, RESULT, { role: 'tool', tool_call_id: 'call_2', content: '' }, HELLO), [
      { role: 'user', content: [{ text: 'Hello' }] },
      { role: 'assistant', content: [{ text: 'Let me see.' }, { toolUse: { toolUseId: 'call_1', name: 'weather', input: { city: 'Bern' } } }] },
      {
        role: 'user',
        content: [
          { toolResult: { toolUseId: 'call_1', content: [{ text: '{"degrees": 21.50}' }] } },
          { toolResult: { toolUseId: 'call_2', content: [{ text: NO_OUTPUT }] } },
          { text: 'Hello' }
        ]
      }
    ])
  })

  t.test('arguments: empty ones are an object, others must be one', async t => {
    const call = (text: string): Message => ({ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'weather', arguments: text } }] })
    t.match(messagesOf(HELLO, call(''), { ...RESULT, tool_call_id: 'c' }), { 1: { content: [{ toolUse: { input: {} } }] } })
    for (const text of ['{"city":', '[]', '1', 'null']) {
      t.strictSame(refusal({ messages: [HELLO, call(text)] }), { reason: 'invalid_request', param: 'messages[1].tool_calls[0].function.arguments' }, text)
    }
  })

  t.test('reasoning is sent back, first, only if signed', async t => {
    const answer = { role: 'assistant' as const, content: 'So: 4.', reasoning_content: 'Two and two.' }
    t.strictSame(messagesOf(HELLO, answer)?.[1]?.content, [{ text: 'So: 4.' }])
    const signed = { ...answer, reasoning_signature: 'c2ln', reasoning_redacted: 'AQID' }
    t.strictSame(messagesOf(HELLO, signed)?.[1]?.content, [
      { reasoningContent: { reasoningText: { text: 'Two and two.', signature: 'c2ln' } } },
      { reasoningContent: { redactedContent: Base64Bytes.fromText('AQID') } },
      { text: 'So: 4.' }
    ])
  })

  t.test('a refusal is what the assistant said', async t => {
    t.strictSame(messagesOf(HELLO, { role: 'assistant', content: null, refusal: 'No.' })?.[1]?.content, [{ text: 'No.' }])
  })
})

t.test('attachments', async t => {
  const user = (part: unknown): Partial<ChatCompletionRequest> => JSON.parse(JSON.stringify({ messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, part] }] }))
  const image = (url: string) => user({ type: 'image_url', image_url: { url } })
  const file = (mediaType: string, filename?: string) => ({ type: 'file', file: { filename, file_data: `data:${mediaType};base64,${PIXEL}` } })

  t.test('images', async t => {
    for (const [type, format] of [['png', 'png'], ['jpeg', 'jpeg'], ['JPG', 'jpeg'], ['gif', 'gif'], ['webp', 'webp']] as const) {
      t.strictSame(converse(image(`data:image/${type};base64,${PIXEL}`)).messages?.[0]?.content?.[1],
        { image: { format, source: { bytes: Base64Bytes.fromText(PIXEL) } } }, type)
    }
    const param = 'messages[0].content[1].image_url.url'
    for (const url of ['https://example.com/a.png', `data:image/tiff;base64,${PIXEL}`, 'data:image/png,raw']) {
      t.strictSame(refusal(image(url)), { reason: 'unsupported', param }, url)
    }
    t.strictSame(refusal(image('data:image/png;base64,')), { reason: 'invalid_request', param })
  })

  t.test('documents have a clean name of their own', async t => {
    const content = [file('application/pdf', 'Q3_report: final (v2).pdf'), file('text/plain;charset=utf-8', 'notes.txt'), file('text/csv', 'notes.csv'), file('text/markdown')]
    const { messages } = converse(JSON.parse(JSON.stringify({ messages: [{ role: 'user', content }] })))
    t.strictSame(messages?.[0]?.content?.map(({ document }) => [document?.format, document?.name]), [
      ['pdf', 'Q3 report final (v2)'], ['txt', 'notes'], ['csv', 'notes (2)'], ['md', 'document']
    ])
  })

  t.test('what cannot be carried over is named', async t => {
    t.strictSame(refusal(user(file('application/zip'))), { reason: 'unsupported', param: 'messages[0].content[1].file.file_data' })
    t.strictSame(refusal(user({ type: 'file', file: { file_id: 'file-1' } })), { reason: 'unsupported', param: 'messages[0].content[1].file.file_id' })
    t.strictSame(refusal(user({ type: 'input_audio', input_audio: { data: '', format: 'wav' } })), { reason: 'unsupported', param: 'messages[0].content[1].input_audio' })
    t.strictSame(refusal(user({ type: 'video_url', video_url: {} })), { reason: 'unsupported', param: 'messages[0].content[1].type' })
    t.strictSame(refusal({ messages: [{ role: 'system', content: [{ type: 'image_url', image_url: { url: 'data:' } }] }] }), { reason: 'unsupported', param: 'messages[0].content[0].type' })
    t.strictSame(refusal({ messages: [{ role: 'function', name: 'f', content: '' }] }), { reason: 'unsupported', param: 'messages[0].role' })
    t.strictSame(refusal({ messages: [{ role: 'assistant', function_call: { name: 'f', arguments: '' } }] }), { reason: 'unsupported', param: 'messages[0].function_call' })
    t.strictSame(refusal({ messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f', input: '' } }] }] }), { reason: 'unsupported', param: 'messages[0].tool_calls[0].type' })
  })
})

t.test('tools', async t => {
  const withTools = (rest: Partial<ChatCompletionRequest> = {}, model = NOVA) => converse({ tools: [TOOL], ...rest }, model).toolConfig

  t.strictSame(withTools(), { tools: [{ toolSpec: { name: 'weather', description: 'Tells it', inputSchema: { json: TOOL.function.parameters } } }] })
  t.strictSame(withTools({ tools: [{ type: 'function', function: { name: 'now', strict: true } }] }),
    { tools: [{ toolSpec: { name: 'now', inputSchema: { json: { type: 'object', properties: {} } }, strict: true } }] })
  t.equal(withTools({ tool_choice: 'auto' })?.toolChoice, undefined)
  t.strictSame(withTools({ tool_choice: 'required' })?.toolChoice, { any: {} })
  t.strictSame(withTools({ tool_choice: { type: 'function', function: { name: 'weather' } } })?.toolChoice, { tool: { name: 'weather' } })
  t.equal(withTools({ tool_choice: 'none' }), undefined)
  t.equal(withTools({ tools: [] }), undefined)

  t.strictSame(refusal({ tools: [{ type: 'custom', custom: { name: 'c' } }] }), { reason: 'unsupported', param: 'tools[0].type' })
  t.strictSame(refusal({ tools: [TOOL], tool_choice: { type: 'custom', custom: { name: 'c' } } }), { reason: 'unsupported', param: 'tool_choice' })
  t.strictSame(refusal({ tool_choice: 'required' }), { reason: 'invalid_request', param: 'tool_choice' })
  t.strictSame(refusal({ messages: [HELLO, CALL, RESULT], tools: [TOOL], tool_choice: 'none' }), { reason: 'unsupported', param: 'tool_choice' })
  t.strictSame(refusal({ messages: [HELLO, CALL, RESULT] }), { reason: 'unsupported', param: 'tools' })

  t.test('parallel_tool_calls', async t => {
    t.equal(converse({ tools: [TOOL], parallel_tool_calls: true }).additionalModelRequestFields, undefined)
    t.equal(converse({ parallel_tool_calls: false }).additionalModelRequestFields, undefined, 'nothing to call')
    t.strictSame(converse({ tools: [TOOL], parallel_tool_calls: false }, CLAUDE).additionalModelRequestFields,
      { tool_choice: { type: 'auto', disable_parallel_tool_use: true } })
    t.strictSame(refusal({ tools: [TOOL], parallel_tool_calls: false }), { reason: 'unsupported', param: 'parallel_tool_calls' })
    t.strictSame(refusal({ tools: [TOOL], parallel_tool_calls: false, tool_choice: 'required' }, CLAUDE), { reason: 'unsupported', param: 'parallel_tool_calls' })
  })
})

t.test('sampling', async t => {
  t.strictSame(converse({ temperature: 0, top_p: 0.5, max_tokens: 5, stop: 'END' }).inferenceConfig, { temperature: 0, topP: 0.5, maxTokens: 5, stopSequences: ['END'] })
  t.strictSame(converse({ max_tokens: 5, max_completion_tokens: 7, stop: ['a', 'b'] }).inferenceConfig, { maxTokens: 7, stopSequences: ['a', 'b'] })
  t.strictSame(converse({ temperature: null, top_p: null, max_tokens: null, max_completion_tokens: null, stop: [] }).inferenceConfig, {})
})

t.test('response_format', async t => {
  const schema = { type: 'object', properties: { a: { type: 'number' } } }
  t.equal(converse({ response_format: { type: 'text' } }).outputConfig, undefined)
  t.strictSame(converse({ response_format: { type: 'json_schema', json_schema: { name: 'answer', description: 'One', schema, strict: true } } }).outputConfig,
    { textFormat: { type: 'json_schema', structure: { jsonSchema: { name: 'answer', description: 'One', schema: JSON.stringify(schema) } } } })
  const { toolConfig, outputConfig } = converse({ response_format: { type: 'json_object' } })
  t.strictSame(toolConfig?.toolChoice, { tool: { name: JSON_ANSWER } }, 'any JSON object: a tool that must be called')
  t.equal(toolConfig?.tools?.[0]?.toolSpec?.name, JSON_ANSWER)
  t.equal(outputConfig, undefined)
  t.strictSame(refusal({ response_format: { type: 'json_object' }, tools: [TOOL] }), { reason: 'unsupported', param: 'response_format' })
  t.strictSame(refusal({ response_format: { type: 'json_object' }, reasoning_effort: 'low' }), { reason: 'unsupported', param: 'response_format' })
  t.strictSame(refusal({ response_format: { type: 'json_schema', json_schema: { name: 'answer' } } }), { reason: 'invalid_request', param: 'response_format.json_schema.schema' })
})

t.test('reasoning_effort', async t => {
  const thinking = (rest: Partial<ChatCompletionRequest>) => converse(rest, CLAUDE).additionalModelRequestFields
  t.strictSame(thinking({ reasoning_effort: 'high' }), { thinking: { type: 'enabled', budget_tokens: 16_384 } })
  t.strictSame(thinking({ reasoning_effort: 'medium', max_tokens: 4000 }), { thinking: { type: 'enabled', budget_tokens: 3999 } }, 'stays below the limit')
  t.equal(thinking({ reasoning_effort: 'none' }), undefined)
  t.strictSame(refusal({ reasoning_effort: 'low', max_tokens: 1024 }, CLAUDE), { reason: 'unsupported', param: 'reasoning_effort' })
  t.strictSame(refusal({ reasoning_effort: 'extreme' }, CLAUDE), { reason: 'unsupported', param: 'reasoning_effort' })
  t.strictSame(refusal({ reasoning_effort: 'low' }), { reason: 'unsupported', param: 'reasoning_effort' })
})

t.test('fields without a counterpart', async t => {
  const plain = converse()
  t.strictSame(converse({
    model: 'x',
    stream: true,
    stream_options: { include_usage: true },
    n: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    logprobs: false,
    top_logprobs: 0,
    logit_bias: {},
    seed: null,
    modalities: ['text'],
    user: 'u',
    metadata: { a: 'b' },
    store: true,
    service_tier: 'auto',
    prompt_cache_key: 'k',
    safety_identifier: 's',
    response_format: null,
    audio: null,
    tools: null
  }), plain, 'dropped where they ask for nothing')
  for (const [field, value] of Object.entries({
    n: 2,
    seed: 1,
    presence_penalty: 0.1,
    frequency_penalty: -1,
    logprobs: true,
    top_logprobs: 2,
    logit_bias: { 1: 2 },
    modalities: ['text', 'audio'],
    audio: { voice: 'a' },
    prediction: {},
    web_search_options: {},
    functions: [],
    top_k: 3,
    constructor: 1
  })) t.strictSame(refusal({ [field]: value }), { reason: 'unsupported', param: field }, field)
})
