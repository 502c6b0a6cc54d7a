/** Any request that the gateway takes is one that Converse takes, or is refused by the name of a field: it is never the gateway that fails. */
import type { ContentBlock } from '@aws-sdk/client-bedrock-runtime'
import fc from 'fast-check'
import t from 'tap'
import Schema from 'typebox/schema'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { converseBody } from '../../../providers/bedrock/request.ts'
import type { ConverseInput } from '../../../providers/bedrock/request.ts'
import { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { ADAPTIVE_CLAUDE, CLAUDE, GPT_OSS, NOVA, PROFILE } from './converse.ts'

const words = fc.constantFrom('', ' ', 'a', 'Grüße', '{"a":1}', '{', 'x'.repeat(70))
const hint = fc.constantFrom({}, { cache_control: { type: 'ephemeral' } }, { cache_control: { type: 'ephemeral', ttl: '1h' } }, { cache_control: { type: 'ephemeral' } }, { cache_control: 5 })
const part = fc.tuple(hint, fc.oneof(
  { weight: 4, arbitrary: words.map(text => ({ type: 'text', text })) },
  fc.constantFrom('https://a.b/c.png', 'data:image/png;base64,AAAA', 'data:,').map(url => ({ type: 'image_url', image_url: { url } })),
  fc.constantFrom({ type: 'file', file: { file_data: 'data:text/csv;base64,AAAA' } }, { type: 'file', file: {} }, { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }, { type: 'refusal', refusal: 'No.' }, { type: 'video_url' }, { type: 'other' })
)).map(([control, body]) => ({ ...body, ...control }))
const content = fc.oneof(words, fc.array(part, { maxLength: 3 }))
const id = fc.constantFrom('a', 'b', 'call:1')
const called = fc.record({ name: fc.constantFrom('f', 'g', 'h.i'), arguments: fc.constantFrom('', '{"x":1}', '[]') })
const details = fc.array(fc.record({ type: fc.constantFrom('reasoning.text', 'reasoning.encrypted', 'x'), index: fc.nat({ max: 2 }), text: words, signature: words, data: words }, { requiredKeys: ['type'] }), { maxLength: 3 })
const message = fc.tuple(hint, fc.oneof(
  fc.record({ role: fc.constantFrom('system', 'developer', 'user'), content }),
  fc.record({
    role: fc.constant('assistant'),
    content: fc.oneof(content, fc.constant(null)),
    refusal: words,
    reasoning_content: words,
    reasoning_details: details,
    tool_calls: fc.array(fc.record({ id, type: fc.constant('function'), function: called }), { maxLength: 2 }),
    function_call: called
  }, { requiredKeys: ['role'] }),
  fc.record({ role: fc.constant('tool'), tool_call_id: id, content }),
  fc.record({ role: fc.constant('function'), name: fc.constantFrom('f', 'g'), content: fc.oneof(words, fc.constant(null)) })
)).map(([control, body]) => ({ ...body, ...control }))
/** Calls with their results, so that not nearly all conversations are refused. */
const round = fc.tuple(id, content).map(([id, content]) => [
  { role: 'assistant', content: 'Well', tool_calls: [{ id, type: 'function', function: { name: 'f', arguments: '{}' } }] }, { role: 'tool', tool_call_id: id, content }
])
const plain = fc.tuple(hint, fc.constantFrom('system', 'user', 'assistant'), fc.constantFrom('', ' ', 'a', 'b', 'c', 'd')).map(([control, role, content]) => [{ role, content, ...control }])
const messages = fc.array(fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: message.map(one => [one]) }, { weight: 2, arbitrary: round }), { minLength: 1, maxLength: 12 }).map(messages => messages.flat())
const F = { type: 'function', function: { name: 'f' } }
const settings = fc.record({
  tools: fc.array(fc.tuple(hint, fc.record({ name: fc.constantFrom('f', 'g'), parameters: fc.constantFrom({}, null, { type: 'object' }, { type: 'string' }), strict: fc.boolean() }, { requiredKeys: ['name'] })).map(([control, tool]) => ({ type: 'function', function: tool, ...control })), { maxLength: 2 }),
  tool_choice: fc.constantFrom('auto', 'auto', 'none', 'required', F, { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [F] } }),
  functions: fc.constantFrom<unknown>([], 5, [{ name: 'f' }], [null]),
  function_call: fc.constantFrom<unknown>('auto', { name: 'f' }, 5),
  parallel_tool_calls: fc.boolean(),
  reasoning_effort: fc.constantFrom('none', 'low', 'x'),
  top_k: fc.constantFrom<unknown>(1, 'x'),
  stop: fc.constantFrom('', 'x', ['x', 'y']),
  temperature: fc.constantFrom(0, 1, 2),
  response_format: fc.constantFrom({ type: 'text' }, { type: 'json_object' }, { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } })
}, { requiredKeys: [] })
const request = fc.tuple(messages, fc.oneof({ weight: 2, arbitrary: hint.map(control => ({ tools: [{ ...F, ...control }] })) }, { weight: 1, arbitrary: settings })).map(([messages, rest]) => ({ messages, ...rest }))

const fits = Schema.Compile(ChatCompletionRequest)

/** What Converse would find wrong, as its documentation has it. */
function faults ({ messages = [], system = [], toolConfig }: ConverseInput): string[] {
  const turns = messages.map(({ role, content = [] }) => ({ role, content }))
  const blocks = [...toolConfig?.tools ?? [], ...system, ...turns.flatMap(({ content }) => content)]
  const text = (block: object): unknown => 'text' in block ? block.text : undefined
  return [
    ...(turns[0]?.role === 'user' ? [] : ['the user does not begin']),
    ...turns.flatMap(({ role, content }, index) => [
      ...(role === turns[index - 1]?.role ? ['two turns of one side'] : []),
      ...(content.length === 0 ? ['an empty turn'] : []),
      ...(content[0]?.cachePoint === undefined ? [] : ['a cache point at the beginning']),
      ...(content.some(({ document }) => document) && !content.some(({ text }) => text) ? ['a document without text'] : []),
      ...(String(idsOf(content, 'toolResult')) === String(role === 'user' ? idsOf(turns[index - 1]?.content ?? [], 'toolUse') : []) ? [] : ['calls and results differ']),
      ...(content.findLastIndex(({ toolResult }) => toolResult) >= idsOf(content, 'toolResult').length ? ['results after other blocks'] : [])
    ]),
    ...(idsOf(turns.at(-1)?.content ?? [], 'toolUse').length > 0 ? ['a call without result'] : []),
    ...(blocks.some(block => typeof text(block) === 'string' && String(text(block)).trim() === '') ? ['a blank text'] : []),
    ...(blocks.filter(block => 'cachePoint' in block && block.cachePoint).length > 4 ? ['more than four cache points'] : []),
    ...(toolConfig === undefined && turns.some(({ content }) => content.some(({ toolUse }) => toolUse)) ? ['calls without declarations'] : [])
  ]
}

function idsOf (blocks: readonly ContentBlock[], kind: 'toolUse' | 'toolResult'): (string | undefined)[] {
  return blocks.flatMap(block => block[kind] === undefined ? [] : [block[kind].toolUseId]).sort()
}

t.test('any request', async t => {
  const sent = new Map<string, number>()
  fc.assert(fc.property(request, fc.constantFrom(CLAUDE, ADAPTIVE_CLAUDE, NOVA, GPT_OSS, PROFILE), (json, model) => {
    const value: unknown = JSON.parse(JSON.stringify(json))
    fc.pre(fits.Check(value))
    try {
      const wrong = faults(JSON.parse(converseBody(value, model)))
      sent.set(model, (sent.get(model) ?? 0) + 1)
      if (wrong.length > 0) throw new Error(wrong.join(', '))
    } catch (error) {
      if (error instanceof UpstreamError) return (error.reason === 'unsupported' || error.reason === 'invalid_request') && error.param !== undefined
      throw error
    }
    return true
  }), { numRuns: 2000 })
  for (const model of [CLAUDE, ADAPTIVE_CLAUDE, NOVA, GPT_OSS, PROFILE]) t.ok((sent.get(model) ?? 0) > 50, 'many are sent')
})
