/** The deprecated form of tools: `functions`, `function_call`, and messages of the role `function`. */
import t from 'tap'
import { completionOf } from '../../../providers/bedrock/response.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import type { Message } from '../../../schemas/messages.ts'
import { CLAUDE, HELLO, TOOL, converse, refusal, requestOf, turnsOf } from './converse.ts'

const FUNCTIONS = [{ name: 'weather', description: 'Tells it', parameters: { type: 'object', properties: {} } }, { name: 'now' }]
const CALL: Message = { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{"city":"Bern"}' } }
const RESULT: Message = { role: 'function', name: 'weather', content: 'sunny' }

t.test('functions are tools', async t => {
  t.strictSame(converse({ functions: FUNCTIONS }).toolConfig, {
    tools: [
      { toolSpec: { name: 'weather', description: 'Tells it', inputSchema: { json: { type: 'object', properties: {} } } } },
      { toolSpec: { name: 'now', inputSchema: { json: { type: 'object', properties: {} } } } }
    ]
  })
  t.strictSame(converse({ functions: FUNCTIONS, function_call: { name: 'now' } }).toolConfig?.toolChoice, { tool: { name: 'now' } })
  t.equal(converse({ functions: FUNCTIONS, function_call: 'auto' }).toolConfig?.toolChoice, undefined)
  t.equal(converse({ functions: FUNCTIONS, function_call: 'none' }).toolConfig, undefined)
  t.strictSame(converse({ functions: [] }), converse())
  t.strictSame(converse({ functions: FUNCTIONS }, CLAUDE).additionalModelRequestFields, { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }, 'one call, where the model can be told')
})

t.test('results by name: paired with the calls in order', async t => {
  const other: Message = { ...CALL, function_call: { name: 'now', arguments: '' } }
  t.strictSame(turnsOf([HELLO, CALL, RESULT, CALL, other, { role: 'function', name: 'now', content: null }, RESULT])?.flatMap(({ content }) => content), [
    { text: 'Hello' },
    { toolUse: { toolUseId: 'function_call_0', name: 'weather', input: { city: 'Bern' } } },
    { toolResult: { toolUseId: 'function_call_0', content: [{ text: 'sunny' }] } },
    { toolUse: { toolUseId: 'function_call_1', name: 'weather', input: { city: 'Bern' } } },
    { toolUse: { toolUseId: 'function_call_2', name: 'now', input: {} } },
    { toolResult: { toolUseId: 'function_call_2', content: [{ text: '(no output)' }] } },
    { toolResult: { toolUseId: 'function_call_1', content: [{ text: 'sunny' }] } }
  ])
})

t.test('what is wrong with them is named', async t => {
  for (const [json, reason, param] of [
    [{ functions: FUNCTIONS, tools: [TOOL] }, 'invalid_request', 'functions'],
    [{ functions: [{ name: 'a.b' }] }, 'unsupported', 'functions[0].name'],
    [{ functions: [{ name: 'a', parameters: { type: 'string' } }] }, 'unsupported', 'functions[0].parameters.type'],
    [{ functions: FUNCTIONS, function_call: { name: 'other' } }, 'invalid_request', 'function_call'],
    [{ messages: [HELLO, RESULT] }, 'invalid_request', 'messages[1].name'],
    [{ messages: [HELLO, CALL] }, 'invalid_request', 'messages[1].function_call'],
    [{ messages: [HELLO, { role: 'assistant', function_call: { name: 'f', arguments: '[' } }] }, 'invalid_request', 'messages[1].function_call.arguments'],
    [{ messages: [HELLO, CALL, { role: 'tool', tool_call_id: 'function_call_0', content: '' }] }, 'invalid_request', 'messages[2].tool_call_id']
  ] as const) t.strictSame(refusal(requestOf(json)), { reason, param }, JSON.stringify(json))
})

t.test('the answer has a function_call, and no more than one', async t => {
  const head = { id: 'a', created: 1, model: 'm' }
  const calls = ['weather', 'now'].map((name, index) => ({ toolUse: { toolUseId: `${index}`, name, input: { n: index } } }))
  const whole = completionOf({ output: { message: { role: 'assistant', content: calls } }, stopReason: 'tool_use' }, head, true)
  t.equal(whole.finishReason, 'function_call')
  t.strictSame(JSON.parse(whole.json).choices[0].message, { role: 'assistant', content: null, function_call: { name: 'weather', arguments: '{"n":0}' } })

  const translator = new StreamTranslator(head, { asFunction: true })
  const chunks = [
    ...calls.flatMap(({ toolUse: { toolUseId, name } }, contentBlockIndex) => [
      { contentBlockStart: { contentBlockIndex, start: { toolUse: { toolUseId, name } } } },
      { contentBlockDelta: { contentBlockIndex, delta: { toolUse: { input: '{}' } } } },
      { contentBlockStop: { contentBlockIndex } }
    ]),
    { messageStop: { stopReason: 'tool_use' } }
  ].flatMap(event => translator.translate(event))
  t.strictSame(chunks.map(({ json }) => JSON.parse(json).choices[0].delta), [{ role: 'assistant', function_call: { name: 'weather', arguments: '' } }, { function_call: { arguments: '{}' } }, {}])
  t.strictSame(chunks.map(({ facts }) => facts.output), [true, true, false])
  t.equal(chunks.at(-1)?.facts.choices[0]?.finishReason, 'function_call')
})
