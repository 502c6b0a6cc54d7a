import t from 'tap'
import { chatRequestOf } from '../../../dialects/responses/request.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'
import type { ResponsesRequest } from '../../../schemas/responses-request.ts'

const asked = (change: Partial<ResponsesRequest>) => chatRequestOf({ input: 'Hi', ...change })

/** The error of a request that is refused. */
function refusal (change: Partial<ResponsesRequest> & Readonly<Record<string, unknown>>): GatewayError {
  try {
    chatRequestOf({ input: 'Hi', ...change })
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was not refused')
}

t.test('a string is what the user says, and instructions come first', async t => {
  t.same(asked({}), { messages: [{ role: 'user', content: 'Hi' }] })
  t.same(asked({ instructions: 'Be brief.' }).messages, [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hi' }])
})

t.test('settings have their counterparts, and what is null is not set', async t => {
  t.same(asked({
    model: 'auto',
    max_output_tokens: 10,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 3,
    parallel_tool_calls: false,
    user: 'u',
    safety_identifier: 's',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    prompt_cache_options: { mode: 'explicit' },
    service_tier: 'flex',
    metadata: { a: 'b' },
    store: false,
    reasoning: { effort: 'low', summary: 'auto' },
    text: { verbosity: 'low', format: { type: 'json_object' } },
    truncation: 'disabled',
    background: false,
    include: ['reasoning.encrypted_content']
  }), {
    messages: [{ role: 'user', content: 'Hi' }],
    model: 'auto',
    max_completion_tokens: 10,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 3,
    parallel_tool_calls: false,
    user: 'u',
    safety_identifier: 's',
    prompt_cache_key: 'k',
    prompt_cache_retention: '24h',
    prompt_cache_options: { mode: 'explicit' },
    service_tier: 'flex',
    metadata: { a: 'b' },
    store: false,
    reasoning_effort: 'low',
    verbosity: 'low',
    response_format: { type: 'json_object' }
  })
  t.same(asked({
    model: null,
    instructions: null,
    max_output_tokens: null,
    temperature: null,
    tools: null,
    tool_choice: null,
    text: null,
    reasoning: null,
    include: null,
    metadata: null,
    store: null,
    stream: null,
    stream_options: null,
    previous_response_id: null,
    conversation: null,
    prompt: null,
    truncation: null,
    top_logprobs: null
  }), { messages: [{ role: 'user', content: 'Hi' }] })
  t.same(asked({ text: { format: { type: 'text' }, verbosity: 'medium' }, tools: [], reasoning: {} }), { messages: [{ role: 'user', content: 'Hi' }] }, 'nor what is the default')
})

t.test('streams always ask for usage, which their last event has', async t => {
  t.match(asked({ stream: true, stream_options: { include_obfuscation: false } }), { stream: true, stream_options: { include_usage: true } })
  t.equal(asked({ stream: false }).stream, undefined)
})

t.test('log probabilities are asked for by number, or by what is to be included', async t => {
  t.match(asked({ top_logprobs: 2 }), { logprobs: true, top_logprobs: 2 })
  t.same(asked({ include: ['message.output_text.logprobs'], top_logprobs: 0 }), { messages: [{ role: 'user', content: 'Hi' }], logprobs: true })
})

t.test('tools are nested', async t => {
  const strictSchema = { type: 'object', properties: { a: { type: 'array', items: { type: 'object', properties: {}, required: [], additionalProperties: false } } }, required: ['a'], additionalProperties: false }
  const { tools } = asked({
    tools: [
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { type: 'custom', name: 'c', description: 'd', format: { type: 'grammar', syntax: 'lark', definition: 'start: "a"' } },
      { type: 'custom', name: 't', format: { type: 'text' } }
    ]
  })
  t.same(tools, [
    { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
    { type: 'custom', custom: { name: 'c', description: 'd', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'start: "a"' } } } },
    { type: 'custom', custom: { name: 't', format: { type: 'text' } } }
  ])
  const strictness = (parameters: Record<string, unknown> | null, strict?: boolean | null) => {
    const [tool] = asked({ tools: [{ type: 'function', name: 'f', parameters, ...(strict === undefined ? {} : { strict }) }] }).tools ?? []
    return tool?.type === 'function' ? tool.function.strict : 'no function'
  }
  t.equal(strictness(strictSchema), true, 'strict unless told otherwise')
  t.equal(strictness(strictSchema, null), true)
  t.equal(strictness(strictSchema, false), undefined)
  t.equal(strictness({ type: 'object' }, true), true)
  for (const unfit of [
    { type: 'object', properties: { a: {} }, required: ['a'] },
    { type: 'object', properties: { a: {} }, required: [], additionalProperties: false },
    { ...strictSchema, properties: { a: { anyOf: [{ type: 'object' }, { type: 'null' }] } } },
    { ...strictSchema, $defs: { b: { type: 'object' } } }
  ]) t.equal(strictness(unfit), undefined, 'but not with a schema that strict mode would refuse, or change')
  t.equal(strictness(null), undefined)
})

t.test('all forms of tool choice', async t => {
  for (const choice of ['none', 'auto', 'required'] as const) t.equal(asked({ tool_choice: choice }).tool_choice, choice)
  t.same(asked({ tool_choice: { type: 'function', name: 'f' } }).tool_choice, { type: 'function', function: { name: 'f' } })
  t.same(asked({ tool_choice: { type: 'custom', name: 'c' } }).tool_choice, { type: 'custom', custom: { name: 'c' } })
  t.same(
    asked({ tool_choice: { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'f' }, { type: 'custom', name: 'c' }] } }).tool_choice,
    { type: 'allowed_tools', allowed_tools: { mode: 'required', tools: [{ type: 'function', function: { name: 'f' } }, { type: 'custom', custom: { name: 'c' } }] } }
  )
})

t.test('a schema for the text', async t => {
  const schema = { type: 'object' }
  t.same(asked({ text: { format: { type: 'json_schema', name: 'n', schema, description: 'd', strict: true } } }).response_format, { type: 'json_schema', json_schema: { name: 'n', schema, description: 'd', strict: true } })
  t.same(asked({ text: { format: { type: 'json_schema', name: 'n', schema, strict: null } } }).response_format, { type: 'json_schema', json_schema: { name: 'n', schema } })
})

t.test('what has no counterpart, or needs a memory, is refused by name', async t => {
  const refused: ReadonlyArray<readonly [Readonly<Record<string, unknown>>, string]> = [
    [{ store: true }, 'store'],
    [{ previous_response_id: 'resp_1' }, 'previous_response_id'],
    [{ conversation: 'conv_1' }, 'conversation'],
    [{ background: true }, 'background'],
    [{ prompt: { id: 'pmpt_1' } }, 'prompt'],
    [{ truncation: 'auto' }, 'truncation'],
    [{ context_management: [{ type: 'compaction' }] }, 'context_management'],
    [{ max_tool_calls: 1 }, 'max_tool_calls'],
    [{ moderation: { model: 'm' } }, 'moderation'],
    [{ access_programs: {} }, 'access_programs'],
    [{ image: {} }, 'image'],
    [{ stream_options: { include_obfuscation: true } }, 'stream_options.include_obfuscation'],
    [{ reasoning: { context: 'all_turns' } }, 'reasoning.context'],
    [{ reasoning: { mode: 'pro' } }, 'reasoning.mode'],
    [{ prompt_cache_options: { prewarm: true } }, 'prompt_cache_options.prewarm'],
    [{ prompt_cache_options: { comparison_response_id: 'r' } }, 'prompt_cache_options.comparison_response_id'],
    [{ include: ['reasoning.encrypted_content', 'file_search_call.results'] }, 'include[1]'],
    [{ n: 2 }, 'n'],
    [{ messages: [] }, 'messages'],
    ...['web_search', 'web_search_preview', 'file_search', 'code_interpreter', 'computer', 'computer_use_preview', 'mcp', 'image_generation', 'local_shell', 'shell', 'apply_patch', 'tool_search', 'namespace', 'programmatic_tool_calling']
      .map(type => [{ tools: [{ type: 'function', name: 'f' }, { type }] }, 'tools[1].type'] as const),
    [{ tools: [{ type: 'function', name: 'f', defer_loading: true }] }, 'tools[0].defer_loading'],
    [{ tools: [{ type: 'custom', name: 'f', async: true }] }, 'tools[0].async'],
    [{ tools: [{ type: 'function', name: 'f', allowed_callers: ['programmatic'] }] }, 'tools[0].allowed_callers'],
    [{ tools: [{ type: 'function', name: 'f', output_schema: {} }] }, 'tools[0].output_schema'],
    [{ tool_choice: { type: 'web_search' } }, 'tool_choice.type'],
    [{ tool_choice: { type: 'mcp', server_label: 's' } }, 'tool_choice.type'],
    [{ tool_choice: { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'mcp' }] } }, 'tool_choice.tools[0].type']
  ]
  for (const [change, param] of refused) {
    const { status, code, param: named, type } = refusal(change)
    t.same({ status, code, named, type }, { status: 400, code: 'unsupported_parameter', named: param, type: 'invalid_request_error' }, param)
  }
  t.ok(asked({ context_management: [], tools: [{ type: 'function', name: 'f', defer_loading: false, async: null, allowed_callers: ['direct'] }] }), 'but not what asks for nothing')
})
