import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { geminiRequest } from '../../../providers/gemini/request.ts'
import { asToolError, withCacheControl, withThinking } from '../../../schemas/carried.ts'
import type { Thinking } from '../../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { AssistantMessage, Message } from '../../../schemas/messages.ts'

/** One test for each row of the table of requests in docs/providers.md, by the row's name. */

const hello: Message[] = [{ role: 'user', content: 'Hello' }]
const call = (id: string, name = 'f', extra: Record<string, unknown> = {}) => ({ id, type: 'function' as const, function: { name, arguments: '{}' }, ...extra })
const signed = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } })

/** With fields that the schema lets through unnamed. */
const translate = (request: Partial<ChatCompletionRequest> & Record<string, unknown>, model = 'gemini-2.5-flash') => geminiRequest({ messages: hello, ...request }, model)
const turns = (messages: readonly Message[], model?: string) => translate({ messages: [...hello, ...messages] }, model).contents.slice(1)
const settings = (request: Partial<ChatCompletionRequest> & Record<string, unknown>, model?: string) => translate(request, model).generationConfig

function refusal (request: Partial<ChatCompletionRequest> & Record<string, unknown>, model?: string): string | undefined {
  try {
    translate(request, model)
  } catch (error) {
    if (error instanceof UpstreamError) return `${error.reason} ${error.param}`
    throw error
  }
  return undefined
}

t.test('system and developer messages', async t => {
  const { systemInstruction, contents } = translate({ messages: [{ role: 'system', content: 'A' }, ...hello, { role: 'developer', content: 'B' }] })
  t.strictSame(systemInstruction, { parts: [{ text: 'A' }, { text: 'B' }] })
  t.strictSame(contents, [{ role: 'user', parts: [{ text: 'Hello' }] }])
})

t.test('consecutive messages of one role', async t => {
  t.strictSame(translate({ messages: [...hello, ...hello, { role: 'assistant', content: 'a' }, { role: 'assistant', content: 'b' }] }).contents, [
    { role: 'user', parts: [{ text: 'Hello' }, { text: 'Hello' }] }, { role: 'model', parts: [{ text: 'a' }, { text: 'b' }] }
  ])
})

t.test('conversation that begins with the assistant', async t => {
  t.strictSame(translate({ messages: [{ role: 'assistant', content: 'a' }, ...hello] }).contents.map(({ role }) => role), ['model', 'user'])
  t.equal(refusal({ messages: [{ role: 'assistant', content: 'a' }] }), 'unsupported messages', 'and consists of nothing else')
})

t.test('images as `data:` URL', async t => {
  t.strictSame(turns([{ role: 'assistant', content: 'a' }, { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } }] }])[1]?.parts, [{ inlineData: { mimeType: 'image/png', data: 'aW1n' } }])
})

t.test('images by `https:` URL', async t => {
  const content = [{ type: 'image_url' as const, image_url: { url: 'https://example.com/a.webp' } }]
  t.strictSame(translate({ messages: [{ role: 'user', content }] }).contents[0]?.parts, [{ fileData: { fileUri: 'https://example.com/a.webp', mimeType: 'image/webp' } }])
  t.equal(refusal({ messages: [{ role: 'user', content }] }, 'gemini-2.0-flash'), 'unsupported messages[0].content[0].image_url.url')
})

t.test('audio', async t => {
  t.strictSame(translate({ messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'd2F2', format: 'wav' } }] }] }).contents[0]?.parts, [{ inlineData: { mimeType: 'audio/wav', data: 'd2F2' } }])
})

t.test('files with data', async t => {
  t.strictSame(translate({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_data: 'data:application/pdf;base64,cGRm' } }] }] }).contents[0]?.parts, [{ inlineData: { mimeType: 'application/pdf', data: 'cGRm' } }])
})

t.test('files by id or URL', async t => {
  t.strictSame(translate({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'files/abc' } }] }] }).contents[0]?.parts, [{ fileData: { fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc' } }])
  t.equal(refusal({ messages: [{ role: 'user', content: [{ type: 'file', file: { file_id: 'file-of-openai' } }] }] }), 'unsupported messages[0].content[0].file.file_id')
})

t.test('images that the assistant made', async t => {
  const message: AssistantMessage & Record<string, unknown> = { role: 'assistant', content: 'Here.', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' }, ...signed('c2ln') }] }
  t.strictSame(turns([message]), [{ role: 'model', parts: [{ text: 'Here.' }, { inlineData: { mimeType: 'image/png', data: 'aW1n' }, thoughtSignature: 'c2ln' }] }])
  const other: AssistantMessage & Record<string, unknown> = { ...message, images: [5] }
  t.equal(refusal({ messages: [...hello, other] }), 'invalid_request messages[1].images[0]')
})

t.test('tool results by id', async t => {
  const [, results] = turns([
    { role: 'assistant', tool_calls: [call('a', 'f'), call('b', 'g')] }, { role: 'tool', tool_call_id: 'b', content: '[1]' }, { role: 'tool', tool_call_id: 'a', content: '{"x":1}' }
  ])
  t.strictSame(results?.parts, [{ functionResponse: { id: 'b', name: 'g', response: { result: [1] } } }, { functionResponse: { id: 'a', name: 'f', response: { x: 1 } } }])
})

t.test('tool results by name (`function` messages)', async t => {
  const message: Message = { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{"x":1}', ...signed('c2ln') } }
  t.strictSame(turns([message, { role: 'function', name: 'f', content: 'done' }, { role: 'function', name: 'g', content: null }]), [
    { role: 'model', parts: [{ functionCall: { name: 'f', args: { x: 1 } }, thoughtSignature: 'c2ln' }] },
    { role: 'user', parts: [{ functionResponse: { name: 'f', response: { result: 'done' } } }, { functionResponse: { name: 'g', response: { result: '' } } }] }
  ])
  t.equal(refusal({ messages: [...hello, { role: 'assistant', function_call: { name: 'f', arguments: '[' } }] }), 'unsupported messages[1].function_call.arguments')
})

t.test('a tool that failed', async t => {
  const history: Message[] = [{ role: 'assistant', tool_calls: [call('a')] }]
  t.strictSame(turns([...history, asToolError({ role: 'tool' as const, tool_call_id: 'a', content: 'no such file' })])[1]?.parts, [{ functionResponse: { id: 'a', name: 'f', response: { error: 'no such file' } } }])
})

t.test('images in tool results', async t => {
  const messages: Message[] = [{ role: 'assistant', tool_calls: [call('a')] }, { role: 'tool', tool_call_id: 'a', content: [{ type: 'text', text: 'ok' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } }] }]
  t.strictSame(turns(messages, 'gemini-3-flash')[1]?.parts, [{ functionResponse: { id: 'a', name: 'f', response: { result: 'ok' }, parts: [{ inlineData: { mimeType: 'image/png', data: 'aW1n' } }] } }])
  t.equal(refusal({ messages: [...hello, ...messages] }), 'unsupported messages[2].content[1].type')
  const byAddress: Message = { role: 'tool', tool_call_id: 'a', content: [{ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }] }
  t.equal(refusal({ messages: [...hello, ...messages.slice(0, 1), byAddress] }, 'gemini-3-flash'), 'unsupported messages[2].content[0].type')
})

t.test('thoughts of earlier turns', async t => {
  const parts = (message: AssistantMessage & Record<string, unknown>, model?: string) => turns([{ ...message }], model)[0]?.parts
  t.strictSame(parts({ role: 'assistant', content: 'a', reasoning_content: 'Hm.', ...signed('c2ln') }), [{ text: 'a', thoughtSignature: 'c2ln' }])
  t.strictSame(parts({ role: 'assistant', content: null, ...signed('c2ln'), tool_calls: [call('a')] }), [{ text: '', thoughtSignature: 'c2ln' }, { functionCall: { id: 'a', name: 'f', args: {} } }])
  t.strictSame(parts({ role: 'assistant', tool_calls: [call('a', 'f', signed('c2ln')), call('b')] }, 'gemini-3-pro'), [
    { functionCall: { id: 'a', name: 'f', args: {} }, thoughtSignature: 'c2ln' }, { functionCall: { id: 'b', name: 'f', args: {} } }
  ], 'of parallel calls the first one is signed')
  t.strictSame(parts({ role: 'assistant', function_call: { name: 'f', arguments: '' } }, 'gemini-3-pro'), [{ functionCall: { name: 'f', args: {} }, thoughtSignature: 'skip_thought_signature_validator' }])
})

t.test('tools', async t => {
  t.strictSame(translate({ tools: [{ type: 'function', function: { name: 'f', description: 'F.', parameters: { type: 'object' } } }] }).tools, [{ functionDeclarations: [{ name: 'f', description: 'F.', parametersJsonSchema: { type: 'object' } }] }])
})

t.test('`tool_choice` none, auto, required, one function', async t => {
  const tools: ChatCompletionRequest['tools'] = [{ type: 'function', function: { name: 'f' } }]
  for (const [choice, expected] of [['none', { mode: 'NONE' }], ['auto', { mode: 'AUTO' }], ['required', { mode: 'ANY' }], [{ type: 'function', function: { name: 'f' } }, { mode: 'ANY', allowedFunctionNames: ['f'] }]] as const) {
    t.strictSame(translate({ tools, tool_choice: choice }).toolConfig, { functionCallingConfig: expected })
  }
})

t.test('`tool_choice` `allowed_tools`', async t => {
  const tools: ChatCompletionRequest['tools'] = [{ type: 'function', function: { name: 'f' } }, { type: 'function', function: { name: 'g' } }]
  const choice = (mode: string) => ({ tools, tool_choice: { type: 'allowed_tools' as const, allowed_tools: { mode, tools: [{ type: 'function', function: { name: 'g' } }] } } })
  t.strictSame(translate(choice('auto')).toolConfig, { functionCallingConfig: { mode: 'VALIDATED', allowedFunctionNames: ['g'] } })
  t.strictSame(translate(choice('required')).toolConfig, { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['g'] } })
})

t.test('`functions`, `function_call`', async t => {
  const { tools, toolConfig } = translate({ functions: [{ name: 'f' }], function_call: { name: 'f' } })
  t.strictSame([tools, toolConfig], [[{ functionDeclarations: [{ name: 'f' }] }], { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } }])
})

t.test('`parallel_tool_calls: false`', async t => {
  t.equal(refusal({ parallel_tool_calls: false, tools: [{ type: 'function', function: { name: 'f' } }] }), 'unsupported parallel_tool_calls')
  t.equal(refusal({ parallel_tool_calls: false }), undefined, 'without tools it asks for nothing')
})

t.test('`web_search_options`', async t => {
  t.strictSame(translate({ web_search_options: {} }).tools, [{ googleSearch: {} }])
})

t.test('`response_format` `json_object`', async t => {
  t.strictSame(settings({ response_format: { type: 'json_object' } }), { responseMimeType: 'application/json' })
})

t.test('`response_format` `json_schema`', async t => {
  const format = (schema: Record<string, unknown>, strict: boolean) => ({ response_format: { type: 'json_schema' as const, json_schema: { name: 'a', strict, schema } } })
  t.strictSame(settings(format({ const: 'a' }, true)), { responseMimeType: 'application/json', responseJsonSchema: { type: 'string', enum: ['a'] } })
  t.equal(refusal(format({ type: 'string', pattern: 'a' }, true)), 'unsupported response_format.json_schema.schema.pattern')
  t.equal(refusal(format({ type: 'string', pattern: 'a' }, false)), undefined)
})

t.test('`temperature`, `top_p`, `max_tokens`, `max_completion_tokens`, `stop`', async t => {
  t.strictSame(settings({ temperature: 1, top_p: 0.5, max_tokens: 5, stop: 'a' }), { temperature: 1, topP: 0.5, maxOutputTokens: 5, stopSequences: ['a'] })
  t.strictSame(settings({ max_tokens: 5, max_completion_tokens: 6 }), { maxOutputTokens: 6 })
  t.equal(refusal({ stop: ['a', 'b', 'c', 'd', 'e', 'f'] }), 'unsupported stop')
})

t.test('`top_k`', async t => {
  t.strictSame(settings({ top_k: 40 }), { topK: 40 })
})

t.test('`n`', async t => {
  t.strictSame(settings({ n: 8 }), { candidateCount: 8 })
  t.equal(refusal({ n: 9 }), 'unsupported n')
})

t.test('`seed`, penalties, `logprobs`', async t => {
  t.strictSame(settings({ seed: 7, presence_penalty: 0.1, frequency_penalty: -0.1, logprobs: true, top_logprobs: 3 }), { seed: 7, presencePenalty: 0.1, frequencyPenalty: -0.1, responseLogprobs: true, logprobs: 3 })
})

t.test('`reasoning_effort`', async t => {
  const thinking = (effort: string, model: string) => settings({ reasoning_effort: effort }, model)?.thinkingConfig
  t.strictSame(thinking('none', 'gemini-2.5-flash'), { includeThoughts: false, thinkingBudget: 0 })
  t.strictSame(thinking('minimal', 'gemini-2.5-flash'), { includeThoughts: true, thinkingBudget: 1024 })
  t.strictSame(thinking('high', 'gemini-flash-latest'), { includeThoughts: true, thinkingBudget: 24_576 })
  t.strictSame(thinking('medium', 'gemini-3-flash-preview'), { includeThoughts: true, thinkingLevel: 'medium' })
  t.strictSame(thinking('minimal', 'gemini-3-flash-preview'), { includeThoughts: true, thinkingLevel: 'minimal' })
  t.strictSame(thinking('minimal', 'gemini-3.1-pro-preview'), { includeThoughts: true, thinkingLevel: 'low' })
  for (const [effort, model] of [['none', 'gemini-3-flash-preview'], ['none', 'gemini-2.5-pro'], ['xhigh', 'gemini-3-flash-preview'], ['xhigh', 'gemini-2.5-pro']] as const) {
    t.equal(refusal({ reasoning_effort: effort }, model), 'unsupported reasoning_effort')
  }
})

t.test('thinking to the token (of another dialect)', async t => {
  const thinking = (wanted: Thinking, model?: string) => settings(withThinking({ reasoning_effort: 'low' }, wanted), model)?.thinkingConfig
  t.strictSame(thinking({ kind: 'budget', tokens: 2000 }), { includeThoughts: true, thinkingBudget: 2000 })
  t.strictSame(thinking({ kind: 'adaptive' }, 'gemini-3-flash'), { includeThoughts: true, thinkingBudget: -1 })
  t.strictSame(thinking({ kind: 'off' }), { includeThoughts: false, thinkingBudget: 0 })
  for (const model of ['gemini-2.5-pro', 'gemini-3-flash']) t.equal(refusal(withThinking({}, { kind: 'off' }), model), 'unsupported thinking')
})

t.test('`cache_control`', async t => {
  const message = withCacheControl({ role: 'user' as const, content: 'Hello' }, { type: 'ephemeral' })
  t.strictSame(translate({ messages: [message], cache_control: { type: 'ephemeral' } }), translate({}))
})

t.test('`modalities`', async t => {
  t.equal(settings({ modalities: ['text'] }), undefined)
  t.strictSame(settings({ modalities: ['text', 'image'] }), { responseModalities: ['TEXT', 'IMAGE'] })
  t.equal(refusal({ modalities: ['text', 'audio'] }), 'unsupported modalities')
})

t.test('`logit_bias`, custom tools, `prediction`, unknown fields', async t => {
  for (const [field, value] of Object.entries({ logit_bias: { 1: 1 }, prediction: { type: 'content' }, no_such_field: 0 })) t.equal(refusal({ [field]: value }), `unsupported ${field}`)
  t.equal(refusal({ tools: [{ type: 'custom', custom: { name: 'f' } }] }), 'unsupported tools[0].type')
})
