import t from 'tap'
import { askedResponse, responses } from '../../dialects/responses.ts'
import { GatewayError } from '../../errors/gateway-error.ts'
import type { ResponsesRequest } from '../../schemas/responses-request.ts'
import { completion } from '../support/scripted-upstream.ts'

const whole = (json: string, request: Partial<ResponsesRequest> = {}): unknown => JSON.parse(responses(askedResponse({ input: 'Hi', ...request }, 'x'), () => 5999).whole(json))

t.test('a whole answer, with everything that the reference says is there', async t => {
  t.same(whole(JSON.stringify({ ...completion('Hello'), service_tier: 'flex' })), {
    id: 'resp_x',
    object: 'response',
    created_at: 1_700_000_000,
    status: 'completed',
    completed_at: 5,
    error: null,
    incomplete_details: null,
    model: 'scripted',
    output: [{ id: 'msg_x_0', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }] }],
    usage: { input_tokens: 3, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, output_tokens: 5, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 8 },
    service_tier: 'flex',
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    parallel_tool_calls: true,
    previous_response_id: null,
    prompt_cache_key: null,
    reasoning: { effort: null, summary: null },
    safety_identifier: null,
    store: false,
    background: false,
    temperature: null,
    top_p: null,
    top_logprobs: 0,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    truncation: 'disabled',
    access_programs: null
  })
})

t.test('it repeats the settings of its request', async t => {
  const settings: Partial<ResponsesRequest> = {
    instructions: 'i',
    max_output_tokens: 5,
    metadata: { a: 'b' },
    parallel_tool_calls: false,
    prompt_cache_key: 'k',
    reasoning: { effort: 'low', summary: 'auto' },
    safety_identifier: 's',
    temperature: 1,
    top_p: 0.5,
    top_logprobs: 2,
    text: { format: { type: 'json_object' }, verbosity: 'low' },
    tool_choice: 'none',
    user: 'u',
    tools: [{ type: 'custom', name: 'c' }]
  }
  t.match(whole(JSON.stringify(completion('{}')), settings), settings)
  t.match(whole(JSON.stringify(completion('{}')), { tools: [{ type: 'function', name: 'f' }] }), { tools: [{ type: 'function', name: 'f', strict: false }] })
})

t.test('counts of tokens, as far as the provider told', async t => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 }, completion_tokens_details: { reasoning_tokens: 2 } }
  t.match(whole(JSON.stringify({ ...completion('a'), usage })), {
    usage: { input_tokens: 10, input_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 }, output_tokens: 5, output_tokens_details: { reasoning_tokens: 2 }, total_tokens: 15 }
  })
  t.match(whole(JSON.stringify({ ...completion('a'), usage: undefined })), { usage: null })
})

t.test('what is no completion is a 502', async t => {
  for (const json of ['', '{', 'null', '[]', '{}', '{"choices":[]}', '{"choices":[null]}']) {
    try {
      whole(json)
      t.fail('it was taken')
    } catch (error) {
      t.ok(error instanceof GatewayError)
      t.match(error, { status: 502, code: 'malformed_answer' })
    }
  }
})
