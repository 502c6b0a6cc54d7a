import t from 'tap'
import { ADMIN_KEY, buildGateway, CALLER_KEY, fileOf, openaiAt } from '../support/build-gateway.ts'
import { json } from '../support/chat-client.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { accumulated, eventsOf } from '../support/message-events.ts'
import { CUT, answering, completion, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

const HELLO: JsonObject = { model: 'auto', max_tokens: 50, messages: [{ role: 'user', content: 'Say hello' }] }
const STREAM: JsonObject = { ...HELLO, stream: true }

async function ask (url: string, body: JsonObject | string = HELLO, headers: Record<string, string> = {}, path = '/v1/messages'): Promise<Response> {
  return await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
}

t.test('a whole answer is a message; the target got a chat completion request', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, logged } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(status(200, completion('Hello, world')))
  const response = await ask(url, { ...HELLO, system: 'Be kind.', thinking: null }, { 'anthropic-beta': 'a,b', 'x-request-id': 'mine-1' }, '/v1/messages?beta=true')
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(response.headers.get('x-gateway-target'), 'openai')
  t.equal(response.headers.get('x-gateway-attempts'), '1')
  t.equal(response.headers.get('request-id'), 'mine-1')
  t.equal(response.headers.get('x-request-id'), 'mine-1')
  t.match(await json(response), { id: 'msg_1', type: 'message', model: 'scripted', content: [{ type: 'text', text: 'Hello, world' }], stop_reason: 'end_turn', usage: { input_tokens: 3, output_tokens: 5 } })
  t.same(upstream.requests.map(({ url, body }) => ({ url, body })), [{
    url: '/v1/chat/completions',
    body: { model: 'scripted', messages: [{ role: 'system', content: 'Be kind.' }, { role: 'user', content: 'Say hello' }], max_tokens: 50 }
  }])
  t.match(logged('request ended'), [{ path: '/v1/messages', status: 200, target: 'openai', promptTokens: 3 }])
})

t.test('a stream has the headers of every stream, and Anthropic\'s events', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(answering('one two three'))
  const response = await ask(url, STREAM)
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.equal(response.headers.get('x-accel-buffering'), 'no')
  t.match(response.headers.get('x-gateway-stream-id'), /^[\w-]{16,}$/)
  t.match(response.headers.get('request-id'), /^[0-9a-f-]{36}$/)
  t.match(accumulated(eventsOf(await response.text())), { content: [{ type: 'text', text: 'one two three' }], stop_reason: 'end_turn', usage: { input_tokens: 3, output_tokens: 5 } })
  t.match(upstream.requests[0]?.body, { stream: true, stream_options: { include_usage: true } })
})

t.test('a stream that breaks ends in an error event', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, logged } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(streaming(role(), text('Hel'), CUT))
  const response = await ask(url, STREAM, { 'x-request-id': 'mine-2' })
  const events = eventsOf(await response.text())
  t.same(events.map(({ type }) => type), ['message_start', 'content_block_start', 'content_block_delta', 'error'])
  t.match(events.at(-1), { error: { type: 'api_error', details: { error_code: 'all_targets_failed', attempts: [{ target: 'openai', class: 'failure' }] } }, request_id: 'mine-2' })
  t.match(logged('request ended'), [{ error: 'all_targets_failed' }])
})

t.test('every refusal is in Anthropic\'s format, with the request\'s id', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { file: fileOf({ a: upstream }), keys: true })
  const key = { 'x-api-key': CALLER_KEY }
  const big = JSON.stringify({ ...HELLO, system: 'x'.repeat(9 * 1024 * 1024) })
  const cases: Array<[string, Response, number, string, string, string | null]> = [
    ['no key', await ask(url), 401, 'authentication_error', 'missing_api_key', null],
    ['another key', await ask(url, HELLO, { 'x-api-key': 'x' }), 401, 'authentication_error', 'invalid_api_key', null],
    ['no JSON', await ask(url, '{', key), 400, 'invalid_request_error', 'invalid_json', null],
    ['not JSON', await ask(url, 'a=b', { ...key, 'content-type': 'application/x-www-form-urlencoded' }), 415, 'invalid_request_error', 'unsupported_media_type', null],
    ['too large', await ask(url, big, key), 413, 'request_too_large', 'body_too_large', null],
    ['no max_tokens', await ask(url, { model: 'chat', messages: HELLO['messages'] }, key), 400, 'invalid_request_error', 'missing_required_parameter', 'max_tokens'],
    ['an unknown field', await ask(url, { ...HELLO, frequency_penalty: 1 }, key), 400, 'invalid_request_error', 'invalid_value', 'frequency_penalty'],
    ['a field of a block', await ask(url, { ...HELLO, messages: [{ role: 'user', content: [{ type: 'text', text: 'a', bold: true }] }] }, key), 400, 'invalid_request_error', 'invalid_value', 'messages[0].content[0].bold'],
    ['what the core cannot say', await ask(url, { ...HELLO, container: 'c' }, key), 400, 'invalid_request_error', 'unsupported_parameter', 'container'],
    ['an unknown model', await ask(url, { ...HELLO, model: 'claude-none' }, key), 404, 'not_found_error', 'model_not_found', 'model']
  ]
  for (const [name, response, status, type, code, param] of cases) {
    t.equal(response.status, status, name)
    t.equal(response.headers.get('request-id'), response.headers.get('x-request-id'))
    const body = await json(response)
    t.match(body, { type: 'error', error: { type, message: String, details: { error_code: code, param } }, request_id: response.headers.get('request-id') })
  }
  t.equal(upstream.requests.length, 0)
  t.equal((await ask(url, HELLO, { authorization: `Bearer ${ADMIN_KEY}` })).status, 200, 'a bearer token will do')
})

t.test('failures of targets are in Anthropic\'s format, before a stream begins, too', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const refusal = (param: string) => status(400, { error: { message: `Invalid ${param}.`, type: 'invalid_request_error', param, code: 'invalid_value' } })
  for (const body of [HELLO, STREAM]) {
    upstream.next(refusal('max_completion_tokens'), refusal('messages'))
    t.match(await json(await ask(url, body)), { type: 'error', error: { type: 'invalid_request_error', message: 'Invalid max_completion_tokens.', details: { error_code: 'invalid_value', param: 'max_tokens' } } }, 'by the caller\'s own name')
    t.match(await json(await ask(url, body)), { error: { details: { param: 'messages' } } })
  }
  upstream.next(status(429, {}, { 'retry-after': '7' }))
  const limited = await ask(url, STREAM)
  t.equal(limited.status, 429)
  t.match(limited.headers.get('retry-after'), /^\d$/)
  t.match(await json(limited), { error: { type: 'rate_limit_error', details: { error_code: 'rate_limit_exceeded' } } })
})

t.test('every target fails: which ones, and how', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(status(500))
  upstreams.b.next(status(401))
  const response = await ask(url, STREAM)
  t.equal(response.status, 502)
  t.match(await json(response), { error: { type: 'api_error', details: { error_code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }, { target: 'b', class: 'misconfigured' }] } } })
})

t.test('other routes keep their own error format and headers', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const response = await ask(url, '{', {}, '/v1/chat/completions')
  t.match(await json(response), { error: { code: 'invalid_json' } })
  t.equal(response.headers.get('request-id'), null)
  t.equal((await ask(url, HELLO, {}, '/v1/messages/count_tokens')).status, 404)
})
