import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { converseBody } from '../../../providers/bedrock/request.ts'
import { CLAUDE, GPT_OSS, HELLO, NOVA, PROFILE, converse, refusal } from './converse.ts'

t.test('a plain request', async t => {
  t.strictSame(converse(), { messages: [{ role: 'user', content: [{ text: 'Hello' }] }], inferenceConfig: {} })
})

t.test('sampling', async t => {
  t.strictSame(converse({ temperature: 0, top_p: 0.5, max_tokens: 5, stop: 'END' }).inferenceConfig, { temperature: 0, topP: 0.5, maxTokens: 5, stopSequences: ['END'] })
  t.strictSame(converse({ max_tokens: 5, max_completion_tokens: 7, stop: ['a', 'b'] }).inferenceConfig, { maxTokens: 7, stopSequences: ['a', 'b'] })
  t.strictSame(converse({ temperature: null, top_p: null, max_tokens: null, max_completion_tokens: null, stop: [] }).inferenceConfig, {})
  t.strictSame(refusal({ temperature: 1.2 }), { reason: 'unsupported', param: 'temperature' }, 'Converse goes up to 1')
  t.strictSame(refusal({ stop: ['a', ''] }), { reason: 'invalid_request', param: 'stop' })
})

t.test('top_k: a field of the model', async t => {
  t.strictSame(converse({ top_k: 3 }, CLAUDE).additionalModelRequestFields, { top_k: 3 })
  t.strictSame(converse({ top_k: 3 }, NOVA).additionalModelRequestFields, { inferenceConfig: { topK: 3 } })
  t.equal(converse({ top_k: null }, PROFILE).additionalModelRequestFields, undefined)
  for (const model of [GPT_OSS, PROFILE]) t.strictSame(refusal({ top_k: 3 }, model), { reason: 'unsupported', param: 'top_k' })
  t.strictSame(refusal({ top_k: -1 }, CLAUDE), { reason: 'invalid_request', param: 'top_k' })
})

t.test('service_tier: a hint, for models that have tiers', async t => {
  for (const model of [GPT_OSS, NOVA, 'us.deepseek.v3-v1:0', 'qwen.qwen3-32b-v1:0']) {
    for (const tier of ['flex', 'priority'] as const) t.strictSame(converse({ service_tier: tier }, model).serviceTier, { type: tier }, model)
    for (const tier of ['auto', 'default', 'scale', null]) t.equal(converse({ service_tier: tier }, model).serviceTier, undefined)
  }
  for (const model of [CLAUDE, PROFILE, 'amazon.nova-micro-v1:0']) t.equal(converse({ service_tier: 'flex' }, model).serviceTier, undefined, model)
})

t.test('a request that is nested too deep to be written is the caller\'s fault', async t => {
  let deep: Record<string, unknown> = { type: 'string' }
  for (let depth = 0; depth < 100_000; depth++) deep = { type: 'object', properties: deep }
  for (const rest of [{ tools: [{ type: 'function' as const, function: { name: 'f', parameters: deep } }] }, { response_format: { type: 'json_schema' as const, json_schema: { name: 'a', schema: deep } } }]) {
    try {
      converseBody({ messages: [HELLO], ...rest }, NOVA)
      t.fail('it was written')
    } catch (error) {
      t.ok(error instanceof UpstreamError)
      t.match(error, { reason: 'invalid_request', status: 400 })
    }
  }
})

t.test('fields without a counterpart', async t => {
  const plain = converse()
  t.strictSame(converse({
    model: 'x',
    stream: true,
    stream_options: { include_usage: true },
    n: 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    logprobs: false,
    top_logprobs: 0,
    logit_bias: {},
    seed: null,
    modalities: ['text'],
    user: 'u',
    metadata: { a: 'b' },
    store: true,
    service_tier: 'auto',
    prompt_cache_retention: '24h',
    prompt_cache_key: 'k',
    safety_identifier: 's',
    response_format: null,
    audio: null,
    tools: null
  }), plain, 'dropped where they ask for nothing')
  for (const [field, value] of Object.entries({
    n: 2,
    seed: 1,
    presence_penalty: 0.1,
    frequency_penalty: -1,
    logprobs: true,
    top_logprobs: 2,
    logit_bias: { 1: 2 },
    modalities: ['text', 'audio'],
    audio: { voice: 'a' },
    prediction: {},
    web_search_options: {},
    constructor: 1
  })) t.strictSame(refusal({ [field]: value }), { reason: 'unsupported', param: field }, field)
})
