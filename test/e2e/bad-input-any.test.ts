/**
 * No input makes the gateway answer 5xx where the client was at fault: whatever is asked of targets that are well, the answer
 * is a completion or says what is wrong with the request, and nothing of the inside.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { MessagesRequest } from '../../schemas/messages-api-request.ts'
import { ResponsesRequest } from '../../schemas/responses-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { buildGateway, UPSTREAM_KEY } from '../support/build-gateway.ts'
import { fakeProviders } from '../support/fake-providers.ts'
import { nearlyValid } from '../support/mutated-json.ts'
import { share } from '../support/nightly.ts'

const providers = await fakeProviders(t, UPSTREAM_KEY)
const { url, logged } = await buildGateway(t, { env: providers.env, logLevel: 'error' })

const TARGETS = ['azure-apim', 'azure-openai', 'openai', 'gemini', 'bedrock']
const PNG = 'data:image/png;base64,iVBORw0KGgo='
const CALL = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Łódź"}' } }
const TOOL = { type: 'function', function: { name: 'weather', description: 'x', strict: true, parameters: { type: 'object', properties: { city: { type: 'string', enum: ['a'] } }, required: ['city'], additionalProperties: false } } }
const USER = { role: 'user', content: 'Hi' }

/** Valid requests, which between them have every field that is translated. */
const CHATS: readonly JsonObject[] = [
  { messages: [USER] },
  { messages: [{ role: 'system', content: 'Be brief.' }, { role: 'developer', content: [{ type: 'text', text: 'x' }] }, { ...USER, name: 'me' }, { role: 'assistant', content: 'Yes?' }, USER], temperature: 1, top_p: 0.5, max_tokens: 10, stop: ['a', 'b'], top_k: 4, user: 'u', metadata: { a: 'b' }, store: false },
  { messages: [{ role: 'user', content: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }, { type: 'image_url', image_url: { url: PNG, detail: 'low' } }] }], stream: true, stream_options: { include_usage: true } },
  { messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA==', format: 'wav' } }, { type: 'file', file: { file_data: 'data:application/pdf;base64,AA==', filename: 'x.pdf' } }] }] },
  { messages: [USER, { role: 'assistant', content: null, tool_calls: [{ ...CALL, extra_content: { google: { thought_signature: 'AA==' } } }], reasoning_content: 'Hm.', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm.', signature: 'AA==' }, { type: 'reasoning.encrypted', index: 1, data: 'AA==' }] }, { role: 'tool', tool_call_id: 'call_1', content: '21 degrees' }], tools: [TOOL], tool_choice: 'auto', parallel_tool_calls: true },
  { messages: [USER], tools: [TOOL], tool_choice: { type: 'function', function: { name: 'weather' } }, stream: true },
  { messages: [USER], response_format: { type: 'json_schema', json_schema: { name: 'x', strict: true, schema: { type: 'object', properties: { a: { type: 'number' } } } } }, max_completion_tokens: 5 },
  { messages: [USER], response_format: { type: 'json_object' }, stream: true },
  { messages: [USER], reasoning_effort: 'low', seed: 1, presence_penalty: 1, frequency_penalty: 1, logprobs: true, top_logprobs: 2, logit_bias: { 5: 1 }, n: 2 },
  { messages: [USER, { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: '1' }], modalities: ['text'], service_tier: 'auto' }
]

/** The same for the Messages API. */
const MESSAGES: readonly JsonObject[] = [
  { messages: [USER] },
  { system: [{ type: 'text', text: 'x', cache_control: { type: 'ephemeral', ttl: '1h' } }], messages: [USER, { role: 'assistant', content: 'Yes?' }, { role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } }] }], temperature: 1, top_p: 0.5, stop_sequences: ['a'], metadata: { user_id: 'u' } },
  { messages: [{ role: 'user', content: [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AA==' }, title: 'x' }] }], stream: true },
  { messages: [USER, { role: 'assistant', content: [{ type: 'thinking', thinking: 'Hm.', signature: 'AA==' }, { type: 'tool_use', id: 'a', name: 'weather', input: { city: 'x' } }] }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: 'no', is_error: true }] }], tools: [{ name: 'weather', input_schema: { type: 'object' } }], tool_choice: { type: 'auto' } },
  { messages: [USER], thinking: { type: 'enabled', budget_tokens: 1024 }, top_k: 4, stream: true },
  { messages: [USER], thinking: { type: 'disabled' }, output_config: { effort: 'low', format: { type: 'json_schema', schema: { type: 'object', properties: { a: { type: 'number' } } } } } }
].map(body => ({ max_tokens: 2048, ...body }))

/** The same for the Responses API. */
const RESPONSES: readonly JsonObject[] = [
  { input: 'Hi' },
  { input: [USER, { role: 'assistant', content: 'Yes?' }, { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'x' }, { type: 'input_image', image_url: PNG, detail: 'low' }] }], instructions: 'Be brief.', temperature: 1, top_p: 0.5, max_output_tokens: 20, user: 'u', metadata: { a: 'b' }, store: false },
  { input: [{ role: 'user', content: [{ type: 'input_file', file_data: 'data:application/pdf;base64,AA==', filename: 'x.pdf' }] }], stream: true },
  { input: [USER, { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 'Hm.' }] }, { type: 'function_call', call_id: 'a', name: 'weather', arguments: '{"city":"x"}' }, { type: 'function_call_output', call_id: 'a', output: '21 degrees' }], tools: [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} }, strict: false }], tool_choice: 'auto', parallel_tool_calls: true },
  { input: 'x', text: { format: { type: 'json_schema', name: 'x', strict: true, schema: { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false } }, verbosity: 'low' }, reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'], stream: true },
  { input: 'x', tools: [{ type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } }], tool_choice: { type: 'function', name: 'weather' }, include: ['message.output_text.logprobs'], top_logprobs: 2, service_tier: 'auto' }
]

interface Route {
  readonly path: string
  /** Valid requests; the model is set by the test. */
  readonly bodies: readonly JsonObject[]
  /** Of the body. */
  readonly fields: readonly string[]
  /** Whether an error's body is in the route's shape, and tells the caller what to look at. */
  readonly isTelling: (body: JsonObject) => boolean
}

const ROUTES: readonly Route[] = [
  { path: '/v1/chat/completions', bodies: CHATS, fields: Object.keys(ChatCompletionRequest.properties), isTelling: isOpenAIError },
  { path: '/v1/messages', bodies: MESSAGES, fields: Object.keys(MessagesRequest.properties), isTelling: isAnthropicError },
  { path: '/v1/responses', bodies: RESPONSES, fields: Object.keys(ResponsesRequest.properties), isTelling: isOpenAIError }
]

function isOpenAIError ({ error, ...others }: JsonObject): boolean {
  if (!isJsonObject(error) || Object.keys(others).length > 0) return false
  const { message, type, code, param } = error
  return typeof message === 'string' && message !== '' && type === 'invalid_request_error' && (typeof code === 'string' || typeof param === 'string')
}

function isAnthropicError ({ type, error, request_id: id }: JsonObject): boolean {
  if (type !== 'error' || typeof id !== 'string' || !isJsonObject(error) || !isJsonObject(error['details'])) return false
  const { message, details: { error_code: code, param } } = error
  return typeof message === 'string' && message !== '' && (typeof code === 'string' || typeof param === 'string')
}

const model = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...TARGETS) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...TARGETS), fc.oneof(fc.constantFrom('../x', '..', '.', '', '?', '#', '%2e%2e', 'a/../../b', '\ud800', '\u0000', '\r\nx: y', 'ü', '😀'), fc.string({ unit: 'binary', maxLength: 20 }))).map(([target, model]) => `${target}/${model}`) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(undefined, null, 'auto', '', 'constructor', '__proto__', 'x'.repeat(257), 5, [], {}) })

/** What a header may hold, and fetch sends. */
const headerValue = fc.string({ unit: fc.constantFrom(...'aZ0 ,;=:"\\/*%é\t'), maxLength: 40 })
const headers = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Record<string, string>>({}) },
  { weight: 1, arbitrary: fc.dictionary(fc.constantFrom('x-request-id', 'accept', 'authorization', 'accept-language', 'last-event-id', 'traceparent', 'x-stainless-retry-count'), headerValue) },
  { weight: 1, arbitrary: headerValue.map((value): Record<string, string> => ({ 'content-type': `application/json${value}` })) })

const LEAKS = new RegExp([UPSTREAM_KEY, 'node_modules', '\\.ts:\\d', 'FastifyError', '"internal_error"', 'all_targets_failed', ...providers.origins.map(origin => new URL(origin).host)].join('|'))

for (const { path, bodies, fields, isTelling } of ROUTES) {
  t.test(`POST ${path}`, async t => {
    const counts = new Map<number, number>()
    await fc.assert(fc.asyncProperty(model, nearlyValid(bodies, fields), headers, async (model, text, headers) => {
      const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: withModel(text, model) })
      const answer = await response.text()
      const { status } = response
      counts.set(status, (counts.get(status) ?? 0) + 1)
      assert.ok(status < 500, `${status} ${answer}`)
      assert.doesNotMatch(answer, LEAKS)
      if (status === 200) return
      const body: unknown = JSON.parse(answer)
      assert.ok(isJsonObject(body) && isTelling(body), answer)
    }), { numRuns: share(400, 5_000) })
    t.ok((counts.get(200) ?? 0) > 40 && (counts.get(400) ?? 0) > 40, 'there were some of both')
    t.comment(Object.fromEntries(counts))
  })
}

t.test('no target has suffered, and nothing was a defect of the gateway', async t => {
  const { data }: { data: ReadonlyArray<{ name: string, breaker: unknown }> } = JSON.parse(await (await fetch(`${url}/v1/targets`)).text())
  t.same(data.map(({ name }) => name).sort(), [...TARGETS].sort())
  for (const { breaker } of data) t.match(breaker, { state: 'closed', epoch: 0, failures: 0 })
  t.same(logged('internal error'), [])
  t.equal(Reflect.get({}, 'polluted'), undefined)
})

/** A body with the model set, where it is one that can have it. */
function withModel (text: string, model: unknown): string {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) && !('model' in value) ? JSON.stringify({ ...value, model }) : text
  } catch {
    return text
  }
}
