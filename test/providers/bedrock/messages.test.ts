import t from 'tap'
import { asToolError } from '../../../schemas/carried.ts'
import type { Message } from '../../../schemas/messages.ts'
import { NO_OUTPUT } from '../../../providers/bedrock/messages.ts'
import { OPENING } from '../../../providers/bedrock/turns.ts'
import { ADAPTIVE_CLAUDE, CALL, CLAUDE, HELLO, RESULT, TOOL, converse, refusal, turnsOf } from './converse.ts'

const call = (id: string, name = 'weather', text = '{}'): Message => ({ role: 'assistant', tool_calls: [{ id, type: 'function', function: { name, arguments: text } }] })
const result = (id: string, content: string): Message => ({ role: 'tool', tool_call_id: id, content })
const refused = (...messages: Message[]) => refusal({ messages, tools: [TOOL] })
const opening = { role: 'user', content: [{ text: OPENING }] }

t.test('system and developer messages go apart', async t => {
  const { system, messages } = converse({
    messages: [{ role: 'system', content: 'Be brief.' }, HELLO, { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }, { type: 'text', text: ' ' }] }]
  })
  t.strictSame(system, [{ text: 'Be brief.' }, { text: 'Be kind.' }])
  t.strictSame(messages, [{ role: 'user', content: [{ text: 'Hello' }] }])
})

t.test('consecutive messages of one role are merged, blank ones left out', async t => {
  t.strictSame(turnsOf([HELLO, { role: 'user', content: ' \n' }, { role: 'user', content: [{ type: 'text', text: 'there' }] }, { role: 'assistant', content: '' }, { role: 'user', content: '!' }]),
    [{ role: 'user', content: [{ text: 'Hello' }, { text: 'there' }, { text: '!' }] }])
})

t.test('a conversation that begins with the assistant: the user begins', async t => {
  t.strictSame(turnsOf([{ role: 'assistant', content: 'Hi' }, HELLO]), [opening, { role: 'assistant', content: [{ text: 'Hi' }] }, { role: 'user', content: [{ text: 'Hello' }] }])
})

t.test('system messages alone, and blank user messages: the user says something', async t => {
  t.strictSame(turnsOf([{ role: 'system', content: 'Speak.' }]), [opening])
  t.strictSame(turnsOf([{ role: 'user', content: '' }]), [opening])
  t.strictSame(turnsOf([{ role: 'user', content: [] }]), [opening])
  t.strictSame(turnsOf([HELLO, { role: 'assistant', content: 'Hi' }, { role: 'user', content: '' }])?.at(-1), opening, 'the assistant is not to go on')
})

t.test('a conversation that ends with the assistant goes on with its words, but not for Claude 4.6 and later', async t => {
  const messages: Message[] = [HELLO, { role: 'assistant', content: 'Well, ' }, { role: 'system', content: 'Go on.' }]
  t.strictSame(turnsOf(messages, CLAUDE)?.at(-1), { role: 'assistant', content: [{ text: 'Well, ' }] })
  t.strictSame(refusal({ messages: messages.slice(0, 2) }, ADAPTIVE_CLAUDE), { reason: 'unsupported', param: 'messages[1].role' })
})

t.test('tool calls and their results, parallel ones too', async t => {
  t.strictSame(turnsOf([HELLO, { role: 'assistant', content: 'Let me see.', tool_calls: ['a', 'b'].map(id => ({ id, type: 'function', function: { name: 'weather', arguments: '{"city":"Bern"}' } })) }, result('b', ''), result('a', '{"degrees": 21.50}'), HELLO]), [
    { role: 'user', content: [{ text: 'Hello' }] },
    { role: 'assistant', content: [{ text: 'Let me see.' }, { toolUse: { toolUseId: 'a', name: 'weather', input: { city: 'Bern' } } }, { toolUse: { toolUseId: 'b', name: 'weather', input: { city: 'Bern' } } }] },
    {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'b', content: [{ text: NO_OUTPUT }] } },
        { toolResult: { toolUseId: 'a', content: [{ text: '{"degrees": 21.50}' }] } },
        { text: 'Hello' }
      ]
    }
  ])
})

t.test('tool results go before all else that the user says in the turn', async t => {
  t.strictSame(turnsOf([HELLO, CALL, HELLO, RESULT])?.at(-1)?.content, [{ toolResult: { toolUseId: 'call_1', content: [{ text: '{"degrees": 21.50}' }] } }, { text: 'Hello' }])
})

t.test('a tool that failed', async t => {
  t.strictSame(turnsOf([HELLO, CALL, asToolError({ role: 'tool' as const, tool_call_id: 'call_1', content: 'no such city' })])?.at(-1)?.content,
    [{ toolResult: { toolUseId: 'call_1', content: [{ text: 'no such city' }], status: 'error' } }])
})

t.test('calls without result and results without call are refused by name', async t => {
  const missing = { reason: 'invalid_request', param: 'messages[1].tool_calls[0]' }
  t.strictSame(refused(HELLO, CALL), missing)
  t.strictSame(refused(HELLO, CALL, HELLO), missing)
  t.strictSame(refused(HELLO, CALL, HELLO, { role: 'assistant', content: 'Hm' }, RESULT), missing)
  t.strictSame(refused(HELLO, RESULT), { reason: 'invalid_request', param: 'messages[1].tool_call_id' })
  t.strictSame(refused(HELLO, CALL, RESULT, RESULT), { reason: 'invalid_request', param: 'messages[3].tool_call_id' }, 'a second one')
  t.strictSame(refused(HELLO, { role: 'assistant', tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '' } }, { id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] }),
    { reason: 'invalid_request', param: 'messages[1].tool_calls[1].id' })
})

t.test('arguments: empty ones are an object, others must be one', async t => {
  t.match(turnsOf([HELLO, call('c', 'weather', ''), result('c', 'x')]), { 1: { content: [{ toolUse: { input: {} } }] } })
  for (const text of ['{"city":', '[]', '1', 'null']) {
    t.strictSame(refused(HELLO, call('c', 'weather', text), result('c', 'x')), { reason: 'invalid_request', param: 'messages[1].tool_calls[0].function.arguments' }, text)
  }
})

t.test('names of tools that Converse refuses', async t => {
  t.strictSame(refused(HELLO, call('c', '$READ'), result('c', 'x')), { reason: 'unsupported', param: 'messages[1].tool_calls[0].function.name' })
  t.strictSame(refusal({ tools: [{ type: 'function', function: { name: 'a.b' } }] }), { reason: 'unsupported', param: 'tools[0].function.name' })
  t.strictSame(refusal({ tools: [{ type: 'function', function: { name: 'a'.repeat(65) } }] }), { reason: 'unsupported', param: 'tools[0].function.name' })
  t.strictSame(refusal({ tools: [{ type: 'function', function: { name: `Az0_-${'a'.repeat(59)}` } }] }), { reason: 'none', param: undefined })
})

t.test('a refusal is what the assistant said', async t => {
  t.strictSame(turnsOf([HELLO, { role: 'assistant', content: [{ type: 'refusal', refusal: 'Never.' }], refusal: 'No.' }])?.[1]?.content, [{ text: 'Never.' }, { text: 'No.' }])
})

t.test('calls of custom tools', async t => {
  t.strictSame(refused({ role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f', input: '' } }] }), { reason: 'unsupported', param: 'messages[0].tool_calls[0].type' })
})

t.test('images and audio that the assistant made', async t => {
  const made = (field: object): Message => ({ role: 'assistant', content: 'Here', ...field })
  t.strictSame(refused(HELLO, made({ images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] })), { reason: 'unsupported', param: 'messages[1].images' })
  t.strictSame(refused(HELLO, made({ audio: { id: 'audio_1' } })), { reason: 'unsupported', param: 'messages[1].audio' })
  t.strictSame(refused(HELLO, made({ images: [], audio: null, annotations: [] })), { reason: 'none', param: undefined })
})
