/**
 * What the official `@anthropic-ai/sdk` client makes of the gateway's errors, and of what a provider's server sends only
 * in rare cases.
 */
import Anthropic from '@anthropic-ai/sdk'
import type { MessageCreateParamsNonStreaming } from '@anthropic-ai/sdk/resources/messages'
import t from 'tap'
import type { Test } from 'tap'
import { buildGateway, CALLER_KEY, fileOf } from '../support/build-gateway.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { chunk, CUT, DONE, finish, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

const ASK: MessageCreateParamsNonStreaming = { model: 'chat', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }] }

async function started (t: Test): Promise<{ client: Anthropic, upstream: ScriptedUpstream, url: string }> {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { file: fileOf({ a: upstream }), keys: true })
  return { client: new Anthropic({ baseURL: url, apiKey: CALLER_KEY, maxRetries: 0 }), upstream, url }
}

/** The error that this is rejected with. */
async function refusal (promise: PromiseLike<unknown>): Promise<InstanceType<typeof Anthropic.APIError>> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Anthropic.APIError) return error
    throw error
  }
  throw new Error('it was not refused')
}

t.test('each error has its class, type, code and request id', async t => {
  const { client, upstream, url } = await started(t)
  const stranger = new Anthropic({ baseURL: url, apiKey: 'unknown', maxRetries: 0 })
  const limited = status(429)
  const cases: Array<[InstanceType<typeof Anthropic.APIError>, new (...args: never[]) => Error, number, string, string]> = [
    [await refusal(stranger.messages.create(ASK)), Anthropic.AuthenticationError, 401, 'authentication_error', 'invalid_api_key'],
    [await refusal(client.messages.create({ ...ASK, model: 'none' })), Anthropic.NotFoundError, 404, 'not_found_error', 'model_not_found'],
    [await refusal(client.messages.create({ ...ASK, container: 'c' })), Anthropic.BadRequestError, 400, 'invalid_request_error', 'unsupported_parameter'],
    [await refusal(client.messages.create({ ...ASK, max_tokens: 0 })), Anthropic.BadRequestError, 400, 'invalid_request_error', 'invalid_value']
  ]
  upstream.next(status(500))
  cases.push([await refusal(client.messages.stream(ASK).finalMessage()), Anthropic.InternalServerError, 502, 'api_error', 'all_targets_failed'])
  upstream.next(limited)
  cases.push([await refusal(client.messages.create(ASK)), Anthropic.RateLimitError, 429, 'rate_limit_error', 'rate_limit_exceeded'])
  for (const [error, kind, code, type, errorCode] of cases) {
    t.type(error, kind)
    t.match({ status: error.status, type: error.type, errorCode: error.errorCode }, { status: code, type, errorCode })
    t.match(error.requestID, /^[0-9a-f-]{36}$/)
    t.ok(error.apiMessage)
  }
})

t.test('a stream that breaks is an error of the client, and no message', async t => {
  const { client, upstream } = await started(t)
  upstream.next(streaming(role(), text('Hel'), CUT))
  const stream = client.messages.stream(ASK)
  let said = ''
  stream.on('text', piece => { said += piece })
  const error = await refusal(stream.finalMessage())
  t.equal(said, 'Hel', 'after what came before')
  t.match({ status: error.status, type: error.type, errorCode: error.errorCode }, { status: undefined, type: 'api_error', errorCode: 'all_targets_failed' })
})

t.test('the proof of what was thought comes back to the target as it was given', async t => {
  const { client, upstream } = await started(t)
  const details = [{ type: 'reasoning.text', index: 0, text: 'Hm.', signature: 'sig==' }, { type: 'reasoning.encrypted', index: 1, data: 'xyz' }]
  upstream.next(
    streaming(role(), chunk({ reasoning_content: 'Hm.', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm.' }] }), chunk({ reasoning_details: [{ type: 'reasoning.text', index: 0, signature: 'sig==' }, details[1]] }), text('So.'), finish('stop'), usage(), DONE)
  )
  const { content } = await client.messages.stream(ASK).finalMessage()
  t.same(content, [
    { type: 'thinking', thinking: 'Hm.', signature: 'sig==' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'text', text: 'So.', citations: null }
  ])
  await client.messages.create({ ...ASK, messages: [...ASK.messages, { role: 'assistant', content }, { role: 'user', content: 'And?' }] })
  t.match(upstream.requests[1]?.body, { messages: [{}, { role: 'assistant', content: 'So.', reasoning_content: 'Hm.', reasoning_details: details }, {}] })
})

t.test('calls that a target mixes come one after the other, each with its input', async t => {
  const { client, upstream } = await started(t)
  const call = (index: number, piece: string, id?: string) => chunk({ tool_calls: [{ index, ...(id === undefined ? {} : { id, type: 'function' }), function: { ...(id === undefined ? {} : { name: id }), arguments: piece } }] })
  const extra = { google: { thought_signature: 'abc' } }
  const signed = chunk({ tool_calls: [{ index: 2, id: 'c', type: 'function', function: { name: 'c', arguments: '{}' }, extra_content: extra }] })
  upstream.next(streaming(role(), call(0, '{"x":', 'a'), call(1, '{"y":', 'b'), signed, call(0, '1}'), call(1, '2}'), finish('tool_calls'), usage(), DONE))
  const { content, stop_reason: reason } = await client.messages.stream(ASK).finalMessage()
  t.equal(reason, 'tool_use')
  t.match(content, [{ id: 'a', input: { x: 1 } }, { id: 'b', input: { y: 2 } }, { id: 'c', input: {}, extra_content: extra }])
  await client.messages.create({
    ...ASK,
    messages: [...ASK.messages, { role: 'assistant', content }, { role: 'user', content: ['c', 'a', 'b'].map(id => ({ type: 'tool_result' as const, tool_use_id: id, content: id })) }]
  })
  t.match(upstream.requests[1]?.body, { messages: [{}, { tool_calls: [{ id: 'a' }, { id: 'b' }, { id: 'c', extra_content: extra }] }, { role: 'tool', tool_call_id: 'c' }, { role: 'tool' }, { role: 'tool' }] })
})

t.test('sources of a text are its citations', async t => {
  const { client, upstream } = await started(t)
  upstream.next(streaming(role(), text('So.'), chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.com', title: 'E', start_index: 0, end_index: 3 } }] }), finish('stop'), DONE))
  const stream = client.messages.stream(ASK)
  const cited: unknown[] = []
  stream.on('citation', citation => { cited.push(citation) })
  const [block] = (await stream.finalMessage()).content
  t.match(cited, [{ type: 'web_search_result_location', url: 'https://example.com', title: 'E' }])
  t.match(block, { type: 'text', text: 'So.', citations: cited })
})
