import t from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import { factsOf, hasOutput, outputLengthOf, outputTextOf, usageOf } from '../../streams/chunk-facts.ts'

t.test('what the model produced is output', async t => {
  for (const delta of [
    { content: 'a' }, { content: ' ' }, { content: [{ type: 'text' }] }, { reasoning_content: 'a' }, { reasoning: 'a' }, { refusal: 'a' },
    { tool_calls: [{ index: 0 }] }, { function_call: { name: 'f' } }, { audio: { data: '' } }, { images: [{}] }, { role: 'assistant', content: 'a' }
  ]) t.equal(hasOutput(delta), true, JSON.stringify(delta))
})

t.test('role, metadata and empty fields are not', async t => {
  for (const delta of [
    {}, { role: 'assistant' }, { role: 'assistant', content: '' }, { content: null }, { tool_calls: [] }, { reasoning_content: '' }, { refusal: null },
    { function_call: null }, { images: [] }, { content: 5 }, { foo: 'bar' }, null, undefined, 'content', ['content']
  ]) t.equal(hasOutput(delta), false, JSON.stringify(delta))
})

t.test('the facts of a chunk', async t => {
  t.same(factsOf({ choices: [{ index: 1, delta: { content: 'a' }, finish_reason: null }] }), { output: true, choices: [{ index: 1, finishReason: null }], usage: undefined })
  t.same(factsOf({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }), { output: false, choices: [{ index: 0, finishReason: 'stop' }], usage: undefined })
  t.same(factsOf({ choices: [{ index: 0, delta: { content: 'a' } }, { index: 1, delta: {}, finish_reason: 'length' }] }),
    { output: true, choices: [{ index: 0, finishReason: null }, { index: 1, finishReason: 'length' }], usage: undefined })
  t.same(factsOf({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }), { output: false, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })
})

t.test('a chunk of any shape has facts', async t => {
  const none = { output: false, choices: [], usage: undefined }
  for (const chunk of [{}, { choices: null }, { choices: {} }, { choices: [null, 'x', []] }, { usage: null }, { usage: [] }, { usage: {} }, { usage: { completion_tokens: 'x' } }]) {
    t.same(factsOf(chunk), none, JSON.stringify(chunk))
  }
  for (const finish of ['', null, 5, undefined]) t.same(factsOf({ choices: [{ finish_reason: finish }] }).choices, [{ index: 0, finishReason: null }], String(finish))
})

t.test('token counts that an upstream left out are completed, and its details kept', async t => {
  t.same(usageOf({ prompt_tokens: 3, completion_tokens: 4 }), { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 })
  t.same(usageOf({ prompt_tokens: 3, completion_tokens: null }), { prompt_tokens: 3, completion_tokens: 0, total_tokens: 3 })
  t.same(usageOf({ total_tokens: 9 }), { prompt_tokens: 0, completion_tokens: 0, total_tokens: 9 })
  t.same(usageOf({ prompt_tokens: 1, completion_tokens: 1, total_tokens: 5, prompt_tokens_details: { cached_tokens: 1 } }),
    { prompt_tokens: 1, completion_tokens: 1, total_tokens: 5, prompt_tokens_details: { cached_tokens: 1 } })
  t.equal(usageOf({ foo: 1 }), undefined)
  t.equal(usageOf(null), undefined)
})

t.test('an array and null are no JSON objects', async t => {
  t.same([{}, [], null, 'x', undefined].map(isJsonObject), [true, false, false, false, false])
})

t.test('what was produced, as text: of every choice, and of every kind', async t => {
  const produced = (delta: object) => outputTextOf({ choices: [{ index: 0, delta }] })
  for (const [text, delta] of [
    ['a', { role: 'assistant', content: 'a' }],
    ['a', { reasoning_content: 'a', reasoning: 'a' }],
    ['a', { reasoning: 'a', reasoning_details: [{ type: 'reasoning.text', text: 'a' }] }],
    ['a', { refusal: 'a' }],
    ['ab', { content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }, { type: 'image' }] }],
    ['f{}', { tool_calls: [{ index: 0, id: 'c', function: { name: 'f', arguments: '{}' } }] }],
    ['{}x', { tool_calls: [{ index: 0, function: { arguments: '{}' } }, { index: 1, custom: { input: 'x' } }] }],
    ['f{}', { function_call: { name: 'f', arguments: '{}' } }],
    ['a', { audio: { transcript: 'a', data: 'UklGRg==' } }]
  ] as const) t.equal(produced(delta), text, JSON.stringify(delta))
  t.equal(outputTextOf({ choices: [{ delta: { content: 'a' } }, { delta: { content: 'b' } }] }), 'ab')
  t.equal(outputTextOf({ choices: [{ message: { role: 'assistant', content: 'a', refusal: null } }] }), 'a')
  t.equal(outputLengthOf({ choices: [{ delta: { content: 'a\n"' } }] }), 5, 'its length is that of JSON')
})

t.test('of what has no output, and of any other shape, there is no text', async t => {
  for (const body of [{}, { choices: null }, { choices: [null, 5, {}, { delta: null }, { delta: 'x' }, { delta: {} }] },
    { choices: [{ delta: { content: null, tool_calls: [null, {}, { function: 5 }, { function: { arguments: 5 } }], function_call: null, audio: null } }] },
    { choices: [{ delta: { content: [null, 5, { text: 5 }] } }] }
  ]) t.equal(outputTextOf(body), '', JSON.stringify(body))
})
