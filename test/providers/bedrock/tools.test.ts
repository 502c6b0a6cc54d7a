import t from 'tap'
import { JSON_ANSWER } from '../../../providers/bedrock/tools.ts'
import { ADAPTIVE_CLAUDE, CALL, CLAUDE, HELLO, NOVA, RESULT, TOOL, converse, refusal, requestOf } from './converse.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import { withThinking } from '../../../schemas/carried.ts'

const NOW = { type: 'function' as const, function: { name: 'now' } }
const SPEC = { toolSpec: { name: 'weather', description: 'Tells it', inputSchema: { json: TOOL.function.parameters } } }
const NOW_SPEC = { toolSpec: { name: 'now', inputSchema: { json: { type: 'object', properties: {} } } } }
const toolConfig = (rest: Partial<ChatCompletionRequest> = {}, model = NOVA) => converse({ tools: [TOOL, NOW], ...rest }, model).toolConfig
const modelFields = (rest: Partial<ChatCompletionRequest>, model = CLAUDE) => converse({ tools: [TOOL, NOW], ...rest }, model).additionalModelRequestFields

t.test('declarations', async t => {
  t.strictSame(toolConfig(), { tools: [SPEC, NOW_SPEC] })
  t.equal(toolConfig({ tools: [] }), undefined)
  t.strictSame(refusal({ tools: [{ type: 'custom', custom: { name: 'c' } }] }), { reason: 'unsupported', param: 'tools[0].type' })
  t.strictSame(refusal({ tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'array' } } }] }), { reason: 'unsupported', param: 'tools[0].function.parameters.type' })
  t.strictSame(refusal({ tools: [{ type: 'function', function: { name: JSON_ANSWER } }] }), { reason: 'unsupported', param: 'tools[0].function.name' }, 'the gateway\'s own')
})

t.test('strict tools: only what the model can hold itself to', async t => {
  const strict = (parameters: Record<string, unknown>) => ({ tools: [{ type: 'function' as const, function: { name: 'f', strict: true, parameters } }] })
  t.match(toolConfig(strict({ type: 'object', properties: {}, additionalProperties: false }), CLAUDE), { tools: [{ toolSpec: { strict: true } }] })
  t.strictSame(refusal(strict({ type: 'object', properties: { n: { minimum: 1 } }, additionalProperties: false }), CLAUDE), { reason: 'unsupported', param: 'tools[0].function.parameters.properties.n.minimum' })
  t.strictSame(refusal(strict({ type: 'object' }), NOVA), { reason: 'none', param: undefined }, 'of other models nothing is documented')
})

t.test('tool_choice auto, required, one function', async t => {
  t.equal(toolConfig({ tool_choice: 'auto' })?.toolChoice, undefined)
  t.strictSame(toolConfig({ tool_choice: 'required' })?.toolChoice, { any: {} })
  t.strictSame(toolConfig({ tool_choice: { type: 'function', function: { name: 'weather' } } })?.toolChoice, { tool: { name: 'weather' } })
  t.strictSame(refusal({ tools: [TOOL], tool_choice: { type: 'function', function: { name: 'other' } } }), { reason: 'invalid_request', param: 'tool_choice.function.name' })
  t.strictSame(refusal({ tools: [TOOL], tool_choice: { type: 'custom', custom: { name: 'c' } } }), { reason: 'unsupported', param: 'tool_choice' })
  t.strictSame(refusal({ tool_choice: 'required' }), { reason: 'invalid_request', param: 'tool_choice' })
})

t.test('tool_choice none, and calls of tools that are declared no more', async t => {
  t.equal(toolConfig({ tool_choice: 'none' }), undefined)
  const messages = [HELLO, CALL, RESULT]
  const forgotten = { toolSpec: { name: 'weather', inputSchema: { json: { type: 'object', properties: {} } } } }
  t.strictSame(toolConfig({ messages, tool_choice: 'none' }, CLAUDE), { tools: [SPEC, NOW_SPEC] }, 'Anthropic\'s models can be told')
  t.strictSame(modelFields({ messages, tool_choice: 'none' }), { tool_choice: { type: 'none' } })
  t.strictSame(toolConfig({ messages, tools: [] }, CLAUDE), { tools: [forgotten] })
  t.strictSame(toolConfig({ messages, tools: [NOW], tool_choice: 'none' }, CLAUDE), { tools: [NOW_SPEC, forgotten] })
  t.strictSame(modelFields({ messages, tools: [] }), { tool_choice: { type: 'none' } })
  t.strictSame(refusal({ messages, tools: [TOOL], tool_choice: 'none' }), { reason: 'unsupported', param: 'tool_choice' })
  t.strictSame(refusal({ messages }), { reason: 'unsupported', param: 'tools' })
})

t.test('tool_choice allowed_tools leaves the others out', async t => {
  const allowed = (mode: string, ...tools: Record<string, unknown>[]): Partial<ChatCompletionRequest> => ({ tools: [TOOL, NOW], tool_choice: { type: 'allowed_tools', allowed_tools: { mode, tools } } })
  const now = { type: 'function', function: { name: 'now' } }
  t.strictSame(toolConfig(allowed('auto', now)), { tools: [NOW_SPEC] })
  t.strictSame(toolConfig(allowed('required', now)), { tools: [NOW_SPEC], toolChoice: { any: {} } })
  const at = 'tool_choice.allowed_tools'
  t.strictSame(refusal(allowed('some', now)), { reason: 'invalid_request', param: `${at}.mode` })
  t.strictSame(refusal(allowed('auto', { type: 'mcp' })), { reason: 'unsupported', param: `${at}.tools[0].type` })
  t.strictSame(refusal(allowed('auto', { type: 'function', function: { name: 'other' } })), { reason: 'invalid_request', param: `${at}.tools[0].function.name` })
  t.strictSame(refusal(allowed('auto', { type: 'function' })), { reason: 'invalid_request', param: `${at}.tools[0].function.name` })
  t.strictSame(refusal(allowed('required')), { reason: 'invalid_request', param: 'tool_choice' })
})

t.test('parallel_tool_calls false', async t => {
  t.equal(modelFields({ parallel_tool_calls: true }), undefined)
  t.equal(modelFields({ tools: [], parallel_tool_calls: false }), undefined, 'nothing to call')
  for (const [choice, said] of [
    ['auto', { type: 'auto', disable_parallel_tool_use: true }],
    ['required', { type: 'any', disable_parallel_tool_use: true }],
    [NOW, { type: 'tool', name: 'now', disable_parallel_tool_use: true }]
  ] as const) {
    t.strictSame(modelFields({ parallel_tool_calls: false, tool_choice: choice }), { tool_choice: said })
    t.equal(toolConfig({ parallel_tool_calls: false, tool_choice: choice }, CLAUDE)?.toolChoice, undefined, 'Converse refuses both')
  }
  t.strictSame(refusal({ tools: [TOOL], parallel_tool_calls: false }), { reason: 'unsupported', param: 'parallel_tool_calls' })
})

t.test('response_format json_object: a tool that must be called', async t => {
  const json = { response_format: { type: 'json_object' as const } }
  const { toolConfig, outputConfig } = converse(json)
  t.strictSame(toolConfig?.toolChoice, { tool: { name: JSON_ANSWER } })
  t.equal(toolConfig?.tools?.[0]?.toolSpec?.name, JSON_ANSWER)
  t.equal(outputConfig, undefined)
  for (const rest of [{ tools: [TOOL] }, { messages: [HELLO, CALL, RESULT] }, { reasoning_effort: 'low' }, withThinking({}, { kind: 'adaptive' }), requestOf({ functions: [{ name: 'f' }] })]) {
    t.strictSame(refusal({ ...json, ...rest }, CLAUDE), { reason: 'unsupported', param: 'response_format' })
  }
  t.strictSame(refusal({ ...json, ...withThinking({}, { kind: 'off' }) }, ADAPTIVE_CLAUDE), { reason: 'none', param: undefined })
})

t.test('a model that thinks cannot be made to call', async t => {
  const forced = { tools: [TOOL], tool_choice: 'required' as const, reasoning_effort: 'low' }
  t.strictSame(refusal(forced, CLAUDE), { reason: 'unsupported', param: 'tool_choice' })
  t.strictSame(refusal(forced, 'openai.gpt-oss-20b-1:0'), { reason: 'none', param: undefined })
})
