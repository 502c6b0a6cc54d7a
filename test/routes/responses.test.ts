import t from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { buildGateway, CALLER_KEY, fileOf, openaiAt } from '../support/build-gateway.ts'
import { bearer, errorOf, json } from '../support/chat-client.ts'
import { accumulated, checkOrder, eventsOf } from '../support/response-events.ts'
import { answering, chunk, completion, CUT, DONE, finish, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

async function ask (url: string, body: JsonObject = {}, headers: Record<string, string> = {}): Promise<Response> {
  return await fetch(`${url}/v1/responses`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ input: 'Say hello', ...body }) })
}

t.test('a whole answer is a response, and the target is asked in its own format', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(answering('Hello'))
  const response = await ask(url, { instructions: 'Be brief.', max_output_tokens: 7, store: false })
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
  t.equal(response.headers.get('x-gateway-target'), 'openai')
  t.equal(response.headers.get('x-gateway-attempts'), '1')
  const answer = await json(response)
  t.match(answer, { object: 'response', id: /^resp_[0-9a-f]{32}$/, status: 'completed', output: [{ content: [{ text: 'Hello' }] }], usage: { input_tokens: 3, output_tokens: 5 } })
  t.same(upstream.requests[0]?.body, {
    messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Say hello' }], max_tokens: 7, store: false, model: 'scripted'
  })
})

t.test('a stream is its events, numbered from 1, with nothing after the last', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(answering('one two three'))
  const response = await ask(url, { stream: true })
  t.equal(response.status, 200)
  t.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8')
  t.match(response.headers.get('x-gateway-stream-id'), /^[\w-]{16,}$/)
  const events = eventsOf(await response.text())
  checkOrder(events)
  t.match(accumulated(events).last, { status: 'completed', output: [{ content: [{ text: 'one two three' }] }], usage: { input_tokens: 3, output_tokens: 5, total_tokens: 8 } })
  t.match(upstream.requests[0]?.body, { stream: true, stream_options: { include_usage: true } })
})

t.test('two answers have nothing in common that could be taken for the other', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const [one, other] = [await json(await ask(url)), await json(await ask(url))]
  t.not(one['id'], other['id'])
})

t.test('a failed target before output leaves no trace in the stream', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const { url } = await buildGateway(t, { file: fileOf(upstreams) })
  upstreams.a.next(streaming(role(), finish('')))
  upstreams.b.next(answering('from b'))
  const response = await ask(url, { stream: true })
  t.equal(response.headers.get('x-gateway-target'), 'b')
  t.equal(response.headers.get('x-gateway-attempts'), '2')
  t.match(accumulated(eventsOf(await response.text())).last, { status: 'completed', output: [{ content: [{ text: 'from b' }] }] })
})

t.test('a stream that breaks after output ends in an error and a failed response', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const endings = {
    cut: streaming(role(), text('Hel'), CUT),
    'no terminal event': streaming(role(), text('Hel')),
    'an error in the stream': streaming(role(), text('Hel'), { error: { message: 'boom at http://10.0.0.1/', type: 'server_error', code: null } })
  }
  for (const [name, script] of Object.entries(endings)) {
    upstream.next(script)
    const body = await (await ask(url, { stream: true })).text()
    t.match(eventsOf(body).slice(-3), [
      { type: 'response.output_text.delta', delta: 'Hel' },
      { type: 'error', code: 'all_targets_failed', error: { type: 'server_error', code: 'all_targets_failed', attempts: [{ target: 'openai', class: 'failure' }] } },
      { type: 'response.failed', response: { status: 'failed', output: [] } }
    ], name)
    t.notMatch(body, /boom|10\.0\.0\.1|\[DONE\]|response\.completed/)
    await (await ask(url)).text() // a success between them keeps the breaker closed
  }
})

t.test('an answer that is larger than what may be kept is broken off, and so is the upstream', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const never = new Promise<void>(() => {})
  upstream.next(streaming(role(), ...Array.from({ length: 70 }, () => text('x'.repeat(65_536))), never))
  const events = eventsOf(await (await ask(url, { stream: true })).text())
  t.match(events.slice(-2), [{ type: 'error', code: 'answer_too_large' }, { type: 'response.failed' }])
  t.equal(await upstream.requests[0]?.closed, 'aborted')
  t.match(await json(await ask(url)), { status: 'completed' }, 'which says nothing against the target')
})

t.test('an answer that is none is a 502', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  upstream.next(status(200, { ...completion(''), choices: [{ index: 1, message: { role: 'assistant', content: 'other' }, finish_reason: 'stop' }] }))
  const response = await ask(url)
  t.equal(response.status, 502)
  t.equal(errorOf(await json(response))['code'], 'malformed_answer')
})

t.test('what cannot be served is refused before any target is asked', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  for (const [body, code, param] of [
    [{ input: null }, 'invalid_value', 'input'],
    [{ input: [] }, 'invalid_value', 'input'],
    [{ input: [{ role: 'robot', content: 'Hi' }] }, 'invalid_value', 'input[0].role'],
    [{ input: [{ type: 'function_call', name: 'f', arguments: '{}' }] }, 'missing_required_parameter', 'input[0].call_id'],
    [{ input: [{ role: 'user', content: [{ type: 'input_text' }] }] }, 'missing_required_parameter', 'input[0].content[0].text'],
    [{ temperature: 3 }, 'invalid_value', 'temperature'],
    [{ text: { format: { type: 'json_schema', name: 'n' } } }, 'missing_required_parameter', 'text.format.schema'],
    [{ tools: [{ type: 'web_search' }] }, 'unsupported_parameter', 'tools[0].type'],
    [{ store: true }, 'unsupported_parameter', 'store'],
    [{ previous_response_id: 'resp_1' }, 'unsupported_parameter', 'previous_response_id'],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }, 'unsupported_parameter', 'input[0].type'],
    [{ input: [{ type: 'reasoning', summary: [], encrypted_content: 'garbage' }] }, 'invalid_value', 'input[0].encrypted_content'],
    [{ unheard_of: 1 }, 'unsupported_parameter', 'unheard_of']
  ] as const) {
    for (const stream of [false, true]) {
      const response = await ask(url, { ...body, stream })
      t.equal(response.status, 400)
      t.match(errorOf(await json(response)), { type: 'invalid_request_error', code, param })
    }
  }
  const missing = await fetch(`${url}/v1/responses`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
  t.match(errorOf(await json(missing)), { code: 'missing_required_parameter', param: 'input' })
  t.same(upstream.requests, [])
})

t.test('keys are asked for as everywhere', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  t.equal((await ask(url)).status, 401)
  t.equal((await ask(url, {}, bearer(CALLER_KEY))).status, 200)
})

t.test('what a provider wants back goes out and comes back, through a client that knows no field of ours', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: openaiAt(upstream) })
  const details = [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 'sig' }]
  const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'abc' } } }
  upstream.next(streaming(
    role(), chunk({ reasoning_content: 'Hm', reasoning_details: details }), text('One moment.'), chunk({ tool_calls: [{ index: 0, ...call }] }), finish('tool_calls'), usage(), DONE
  ))
  const asked = { include: ['reasoning.encrypted_content'], tools: [{ type: 'function', name: 'f' }] }
  const { output } = accumulated(eventsOf(await (await ask(url, { ...asked, stream: true })).text())).last
  const known = output.map(item => Object.fromEntries(Object.entries(item).filter(([field]) => field !== 'extra_content')))
  await ask(url, { ...asked, input: [{ role: 'user', content: 'Say hello' }, ...known, { type: 'function_call_output', call_id: 'call_1', output: 'done' }] })
  const sent = upstream.requests[1]?.body['messages']
  t.same(Array.isArray(sent) && sent.filter(isJsonObject).slice(1), [
    { role: 'assistant', content: 'One moment.', reasoning_content: 'Hm', reasoning_details: details, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'call_1', content: 'done' }
  ])
})
