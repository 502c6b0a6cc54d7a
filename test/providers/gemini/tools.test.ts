import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { toolsOf } from '../../../providers/gemini/tools.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'

type Request = Partial<ChatCompletionRequest> & Record<string, unknown>

function translate (request: Request, model = 'gemini-2.5-flash'): unknown {
  try {
    return toolsOf({ messages: [], ...request }, model)
  } catch (error) {
    if (error instanceof UpstreamError) return [error.reason, error.param]
    throw error
  }
}

const parameters = { type: 'object', properties: { city: { type: 'string' } }, additionalProperties: false }
const tools: ChatCompletionRequest['tools'] = [
  { type: 'function', function: { name: 'weather', description: 'The weather.', parameters } },
  { type: 'function', function: { name: 'time', parameters: null } }
]
const strict: ChatCompletionRequest['tools'] = [{ type: 'function', function: { name: 'weather', parameters, strict: true } }]
const config = (functionCallingConfig: object) => ({ toolConfig: { functionCallingConfig } })

t.test('functions', async t => {
  t.strictSame(translate({ tools }), { tools: [{ functionDeclarations: [{ name: 'weather', description: 'The weather.', parametersJsonSchema: parameters }, { name: 'time' }] }] })
  t.strictSame(translate({ tools: [] }), {})
  t.strictSame(translate({ tools: [{ type: 'custom', custom: { name: 'f' } }] }), ['unsupported', 'tools[0].type'])
  const named = (...names: string[]) => translate({ tools: names.map(name => ({ type: 'function' as const, function: { name } })) })
  for (const name of ['1st', '-a', 'a b', 'ä', 'a'.repeat(129)]) t.strictSame(named('ok', name), ['unsupported', 'tools[1].function.name'])
  t.strictSame(named('a', 'a'), ['unsupported', 'tools[1].function.name'])
  t.match(named('_a.b:c-D1', 'a'.repeat(128)), { tools: [{}] })
})

t.test('the choice', async t => {
  for (const [choice, expected] of [
    ['none', { mode: 'NONE' }],
    ['auto', { mode: 'AUTO' }],
    ['required', { mode: 'ANY' }],
    [{ type: 'function', function: { name: 'time' } }, { mode: 'ANY', allowedFunctionNames: ['time'] }],
    [{ type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'time' } }] } }, { mode: 'ANY', allowedFunctionNames: ['time'] }],
    [{ type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [{ type: 'function', function: { name: 'time' } }] } }, { mode: 'VALIDATED', allowedFunctionNames: ['time'] }]
  ] as const) t.match(translate({ tools, tool_choice: JSON.parse(JSON.stringify(choice)) }), config(expected))

  const choice = (value: NonNullable<ChatCompletionRequest['tool_choice']>) => translate({ tools, tool_choice: value })
  t.strictSame(choice({ type: 'function', function: { name: 'nope' } }), ['invalid_request', 'tool_choice'])
  t.strictSame(choice({ type: 'custom', custom: { name: 'f' } }), ['unsupported', 'tool_choice'])
  const allowed = (mode: string, tools: Array<Record<string, unknown>>) => choice({ type: 'allowed_tools', allowed_tools: { mode, tools } })
  t.strictSame(allowed('any', []), ['invalid_request', 'tool_choice.allowed_tools.mode'])
  t.strictSame(allowed('auto', []), ['invalid_request', 'tool_choice.allowed_tools.tools'])
  t.strictSame(allowed('auto', [{ type: 'mcp', server_label: 'x' }]), ['unsupported', 'tool_choice.allowed_tools.tools[0]'])
  t.strictSame(allowed('auto', [{ type: 'function', function: { name: 'nope' } }]), ['invalid_request', 'tool_choice.allowed_tools.tools[0]'])
  t.strictSame(translate({ tool_choice: 'required' }), ['invalid_request', 'tool_choice'])
  for (const harmless of ['none', 'auto'] as const) t.strictSame(translate({ tool_choice: harmless }), {})
})

t.test('strict functions are held to their schema', async t => {
  t.match(translate({ tools: strict }), config({ mode: 'VALIDATED' }))
  t.match(translate({ tools: strict, tool_choice: 'auto' }, 'gemini-3-pro'), config({ mode: 'VALIDATED' }))
  t.match(translate({ tools: strict, tool_choice: 'required' }), config({ mode: 'ANY' }), 'as they are anyway')
  t.strictSame(Object.keys(Object(translate({ tools: strict }, 'gemini-2.0-flash'))), ['tools'], 'older models know nothing of it')
  t.strictSame(translate({ tools: [{ type: 'function', function: { name: 'f', strict: true, parameters: { properties: { a: { pattern: 'x' } } } } }] }), ['unsupported', 'tools[0].function.parameters.properties.a.pattern'])
})

t.test('the deprecated functions', async t => {
  const functions = [{ name: 'weather', description: 'The weather.', parameters }]
  t.strictSame(translate({ functions }), { tools: [{ functionDeclarations: [{ name: 'weather', description: 'The weather.', parametersJsonSchema: parameters }] }] })
  t.match(translate({ functions, function_call: 'none' }), config({ mode: 'NONE' }))
  t.match(translate({ functions, function_call: 'auto' }), config({ mode: 'AUTO' }))
  t.match(translate({ functions, function_call: { name: 'weather' } }), config({ mode: 'ANY', allowedFunctionNames: ['weather'] }))
  t.strictSame(translate({ functions, function_call: { name: 'nope' } }), ['invalid_request', 'function_call'])
  t.strictSame(translate({ functions, tools }), ['unsupported', 'functions'])
})

t.test('searches', async t => {
  t.strictSame(translate({ web_search_options: { search_context_size: 'low' } }), { tools: [{ googleSearch: {} }] })
  t.match(translate({ web_search_options: {}, tools }, 'gemini-3-flash'), { tools: [{ functionDeclarations: [{}, {}] }, { googleSearch: {} }] })
  t.strictSame(translate({ web_search_options: {}, tools }), ['unsupported', 'web_search_options'])
  t.strictSame(translate({ web_search_options: {} }, 'gemini-1.5-pro'), ['unsupported', 'web_search_options'])
  t.strictSame(translate({ web_search_options: { user_location: { type: 'approximate', approximate: { city: 'Rome' } } } }), ['unsupported', 'web_search_options.user_location'])
})
