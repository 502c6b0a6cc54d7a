import t from 'tap'
import { messagesOf } from '../../../dialects/responses/input.ts'
import { encodeSentBack } from '../../../dialects/responses/sent-back.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'
import { cacheControlOf } from '../../../schemas/carried.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import type { InputItem } from '../../../schemas/responses-input.ts'

/** Items as they come from outside: their kinds are not checked before. */
function messages (...input: JsonObject[]): unknown {
  return messagesOf({ input: input.filter((item): item is InputItem => isJsonObject(item)) })
}

function paramOf (...input: JsonObject[]): [string | null, string | null] {
  try {
    messages(...input)
  } catch (error) {
    if (error instanceof GatewayError && error.status === 400) return [error.param, error.code]
    throw error
  }
  throw new Error('it was not refused')
}

const user = { role: 'user', content: 'Hi' }
const call = (id: string, more: JsonObject = {}) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}', ...more })
const output = (id: string) => ({ type: 'function_call_output', call_id: id, output: 'done' })
const said = (text: string, more: JsonObject = {}) => ({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text, annotations: [] }], ...more })
const toolCall = (id: string, more: JsonObject = {}) => ({ id, type: 'function', function: { name: 'f', arguments: '{}' }, ...more })
const toolMessage = (id: string) => ({ role: 'tool', tool_call_id: id, content: 'done' })

t.test('messages of every role, with and without a type', async t => {
  t.same(messages({ role: 'system', content: 's' }, { type: 'message', role: 'developer', content: [{ type: 'input_text', text: 'd' }] }, user, { role: 'assistant', content: 'a' }), [
    { role: 'system', content: 's' },
    { role: 'developer', content: [{ type: 'text', text: 'd' }] },
    user,
    { role: 'assistant', content: 'a' }
  ])
})

t.test('every kind of content', async t => {
  t.same(messages({
    role: 'user',
    content: [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: 'data:image/png;base64,AA==', detail: 'low' },
      { type: 'input_image', image_url: 'https://example.com/a.png', detail: null },
      { type: 'input_file', file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' },
      { type: 'input_file', file_id: 'file-1', detail: 'auto' },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }
    ]
  }), [{
    role: 'user',
    content: [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'a.pdf' } },
      { type: 'file', file: { file_id: 'file-1' } },
      { type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }
    ]
  }])
})

t.test('where the prompt may be cached up to is told in OpenAI\'s words and in those of others', async t => {
  const [message] = messagesOf({ input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi', prompt_cache_breakpoint: { mode: 'explicit' } }] }] })
  const part = Array.isArray(message?.content) ? message.content[0] : undefined
  t.match(part, { type: 'text', prompt_cache_breakpoint: { mode: 'explicit' } })
  t.same(cacheControlOf(part ?? {}), { type: 'ephemeral', ttl: '1h' })
})

t.test('reasoning, text and calls of one turn are one message, in whatever order they stand', async t => {
  const reasoning = { type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text: 'Hm. ' }, { type: 'reasoning_text', text: 'Yes.' }] }
  const expected = [user, { role: 'assistant', content: 'Let me see.', reasoning_content: 'Hm. Yes.', tool_calls: [toolCall('1'), toolCall('2')] }, toolMessage('1'), toolMessage('2'), { role: 'assistant', content: 'Done.' }]
  for (const turn of [
    [reasoning, said('Let me see.'), call('1'), call('2')],
    [said('Let me see.'), reasoning, call('1'), call('2')],
    [call('1'), call('2'), said('Let me see.'), reasoning]
  ]) t.same(messages(user, ...turn, output('1'), output('2'), said('Done.')), expected)
})

t.test('messages of the assistant stay apart, unless that would part calls from their results', async t => {
  t.same(messages(said('a'), said('b'), call('1')), [{ role: 'assistant', content: 'a' }, { role: 'assistant', content: 'b', tool_calls: [toolCall('1')] }])
  t.same(messages(said('a'), call('1'), said('b'), output('1')), [
    { role: 'assistant', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }], tool_calls: [toolCall('1')] },
    toolMessage('1')
  ])
  t.same(messages(call('1'), output('1'), call('2'), output('2')), [
    { role: 'assistant', content: null, tool_calls: [toolCall('1')] }, toolMessage('1'),
    { role: 'assistant', content: null, tool_calls: [toolCall('2')] }, toolMessage('2')
  ])
})

t.test('a refusal is sent back as it was answered', async t => {
  t.same(messages({ role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] }), [{ role: 'assistant', content: null, refusal: 'No.' }])
})

t.test('custom tools, and outputs in parts', async t => {
  t.same(messages(
    { type: 'custom_tool_call', call_id: 'c', name: 'sh', input: 'ls' },
    { type: 'custom_tool_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'a' }, { type: 'input_image', image_url: 'data:image/png;base64,AA==' }] }
  ), [
    { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'sh', input: 'ls' } }] },
    { role: 'tool', tool_call_id: 'c', content: [{ type: 'text', text: 'a' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }] }
  ])
})

t.test('a summary stands for the reasoning where there is nothing more', async t => {
  t.same(messages({ type: 'reasoning', summary: [{ type: 'summary_text', text: 'a' }, { type: 'summary_text', text: 'b' }] }, said('c')), [{ role: 'assistant', content: 'c', reasoning_content: 'a\n\nb' }])
})

t.test('what a provider wants back goes to where it was', async t => {
  const details = [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 's' }, { type: 'reasoning.encrypted', index: 1, data: 'x' }]
  const google = (signature: string) => ({ google: { thought_signature: signature } })
  const encrypted = encodeSentBack({ reasoning: 'Hm', details, message: google('m'), calls: [{ id: '1', extra: google('1') }] })
  t.same(messages({ type: 'reasoning', summary: [], encrypted_content: encrypted }, said('a'), call('1'), output('1')), [
    { role: 'assistant', content: 'a', reasoning_content: 'Hm', reasoning_details: details, tool_calls: [toolCall('1', { extra_content: google('1') })], extra_content: google('m') },
    toolMessage('1')
  ])
  t.same(messages(call('1'), output('1'), { type: 'reasoning', summary: [], encrypted_content: encodeSentBack({ calls: [{ id: '1', extra: google('1') }] }) }, said('a')), [
    { role: 'assistant', content: null, tool_calls: [toolCall('1', { extra_content: google('1') })] },
    toolMessage('1'),
    { role: 'assistant', content: 'a' }
  ], 'wherever a client put it')
  t.same(messages(call('1', { extra_content: google('own') }), said('a', { extra_content: google('too') })), [
    { role: 'assistant', content: 'a', tool_calls: [toolCall('1', { extra_content: google('own') })], extra_content: google('too') }
  ], 'and in the fields of its own')
})

t.test('pieces of reasoning in several items are joined', async t => {
  const item = (details: JsonObject[]) => ({ type: 'reasoning', summary: [], encrypted_content: encodeSentBack({ details }) })
  t.match(messages(item([{ type: 'reasoning.text', index: 0, text: 'a' }]), item([{ type: 'reasoning.text', index: 0, text: 'b' }, { type: 'reasoning.text', index: 0, signature: 's' }]), said('c')), [
    { reasoning_content: 'ab', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'ab', signature: 's' }] }
  ])
})

t.test('what cannot be translated is refused, by its place', async t => {
  const part = (content: JsonObject) => ({ role: 'user', content: [{ type: 'input_text', text: 'a' }, content] })
  for (const [item, param, code = 'unsupported_parameter'] of [
    [{ type: 'item_reference', id: 'msg_1' }, 'input[1].type'],
    [{ type: 'web_search_call', id: 'ws_1' }, 'input[1].type'],
    [{ type: 'compaction', encrypted_content: 'x' }, 'input[1].type'],
    [part({ type: 'input_video' }), 'input[1].content[1].type'],
    [part({ type: 'input_image', file_id: 'file-1' }), 'input[1].content[1].file_id'],
    [part({ type: 'input_image' }), 'input[1].content[1].image_url', 'invalid_value'],
    [part({ type: 'input_image', image_url: 'data:,', detail: 'original' }), 'input[1].content[1].detail'],
    [part({ type: 'input_file', file_url: 'https://example.com/' }), 'input[1].content[1].file_url'],
    [part({ type: 'input_file', file_id: 'f', detail: 'high' }), 'input[1].content[1].detail'],
    [part({ type: 'input_file' }), 'input[1].content[1].file_data', 'invalid_value'],
    [call('1', { namespace: 'n' }), 'input[1].namespace'],
    [call('1', { caller: { type: 'program', caller_id: 'p' } }), 'input[1].caller'],
    [call('1', { async: true }), 'input[1].async'],
    [{ type: 'reasoning', summary: [], encrypted_content: 'gAAAAABpPDIUph8czEXz' }, 'input[1].encrypted_content', 'invalid_value']
  ] as const) t.same(paramOf(user, item), [param, code], param)
})
