import t from 'tap'
import { ADMIN_KEY, buildGateway, CALLER_KEY, fileOf, openaiAt, UPSTREAM_KEY } from '../support/build-gateway.ts'
import type { RunningGateway } from '../support/build-gateway.ts'
import { bearer, chat, FrameReader, framesOf, HELLO } from '../support/chat-client.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { answering, chunk, CUT, DONE, finish, hangUp, role, scriptedUpstream, status, streaming, text, usage } from '../support/scripted-upstream.ts'

/** The lines of ended requests, once there are so many: a line is written after its answer has left. */
async function ended ({ logged }: RunningGateway, count: number): Promise<JsonObject[]> {
  while (logged('request ended').length < count) await new Promise(resolve => { setImmediate(resolve) })
  return logged('request ended')
}

t.test('one line for each request, with what it came to', async t => {
  const upstreams = { a: await scriptedUpstream(t), b: await scriptedUpstream(t) }
  const gateway = await buildGateway(t, { file: fileOf(upstreams) })
  const { url } = gateway
  const ask = async (body: JsonObject | string, id: string) => await (await chat(url, body, { headers: { 'x-request-id': id } })).text()
  upstreams.a.next(answering('one two'), status(503), streaming(role(), text('Hel'), CUT), status(400, { error: { message: 'no' } }))
  await ask(HELLO, 'whole')
  await ask({ ...HELLO, stream: true }, 'failed-over')
  await ask({ ...HELLO, stream: true }, 'broken')
  await ask(HELLO, 'invalid')
  await ask({}, 'refused')
  await ask('{', 'unreadable')
  await fetch(`${url}/v1/models`, { headers: { 'x-request-id': 'models' } })
  await fetch(`${url}/v1/nothing?key=hunter2`, { headers: { 'x-request-id': 'unknown' } })
  await fetch(`${url}/%zz`, { headers: { 'x-request-id': 'bad-url' } })
  const common = { method: 'POST', path: '/v1/chat/completions', level: 30, durationMs: Number }
  const lines = await ended(gateway, 9)
  t.match(lines, [
    { ...common, reqId: 'whole', status: 200, stream: false, target: 'a', attempts: 1, firstOutputMs: Number, chunks: null, promptTokens: 3, completionTokens: 5, usageSource: 'reported', finishReason: 'stop' },
    { ...common, reqId: 'failed-over', status: 200, stream: true, target: 'b', attempts: 2, firstOutputMs: Number, chunks: 4, promptTokens: 3, completionTokens: 5, usageSource: 'reported', finishReason: 'stop' },
    { ...common, reqId: 'broken', status: 200, error: 'all_targets_failed', stream: true, target: 'a', attempts: 1, chunks: 2, promptTokens: Number, completionTokens: Number, usageSource: 'estimated', finishReason: null },
    { ...common, reqId: 'invalid', status: 400, error: 'invalid_request', target: 'a', attempts: 1, firstOutputMs: null, chunks: null, promptTokens: null, usageSource: null },
    { ...common, reqId: 'refused', status: 400, error: 'missing_required_parameter' },
    { ...common, reqId: 'unreadable', status: 400, error: 'invalid_json' },
    { method: 'GET', path: '/v1/models', reqId: 'models', status: 200 },
    { method: 'GET', path: null, reqId: 'unknown', status: 404, error: 'route_not_found' },
    { method: 'GET', path: null, reqId: 'bad-url', status: 400, error: 'invalid_url' }
  ])
  t.equal(lines.length, 9, 'and none twice')
  t.notOk('error' in (lines[0] ?? {}))
  t.notOk('stream' in (lines[6] ?? {}))
})

t.test('a client that leaves has its line too, with 499, before and after the first output', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await buildGateway(t, { env: openaiAt(upstream) })
  const never = new Promise<void>(() => {})
  for (const [index, stream] of [false, true, true].entries()) {
    upstream.next(index === 2 ? streaming(role(), text('Hel'), never) : async () => await never)
    const aborter = new AbortController()
    const response = chat(gateway.url, { ...HELLO, stream }, { signal: aborter.signal })
    response.catch(() => {})
    const { closed } = await upstream.request(index + 1)
    if (index === 2) await new FrameReader(await response).next()
    aborter.abort()
    await closed
  }
  const lines = await ended(gateway, 3)
  t.match(lines, [
    { status: 499, stream: false, target: 'openai', attempts: 1, firstOutputMs: null, chunks: null },
    { status: 499, stream: true, target: 'openai', attempts: 1, firstOutputMs: null, chunks: null },
    { status: 499, stream: true, target: 'openai', attempts: 1, firstOutputMs: Number, chunks: 2, finishReason: null }
  ])
  t.notOk(gateway.log.some(line => line.includes('"level":50')), 'and a client that leaves is no error')
})

t.test('health checks are at debug', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await buildGateway(t, { env: openaiAt(upstream) })
  for (const path of ['/healthz', '/readyz']) await (await fetch(gateway.url + path)).text()
  t.match(await ended(gateway, 2), [{ level: 20, path: '/healthz' }, { level: 20, path: '/readyz' }])
  const quiet = await buildGateway(t, { env: openaiAt(upstream), logLevel: 'info' })
  await (await fetch(`${quiet.url}/healthz`)).text()
  await (await fetch(`${quiet.url}/v1/models`)).text()
  t.match(await ended(quiet, 1), [{ path: '/v1/models' }])
})

t.test('no prompt, answer, tool argument or key in any line at any level, whatever happens', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await buildGateway(t, { env: openaiAt(upstream), keys: true })
  const { url } = gateway
  const secret = 'words-for-nobody'
  const leak = `${secret} ${UPSTREAM_KEY}`
  const body = {
    messages: [{ role: 'system', content: secret }, { role: 'user', content: [{ type: 'text', text: secret }], name: secret }],
    tools: [{ type: 'function', function: { name: secret, description: secret } }],
    user: secret,
    metadata: { secret },
    [secret]: secret
  }
  const scripts = [
    answering(secret),
    streaming(role(), text(secret), chunk({ tool_calls: [{ index: 0, id: secret, type: 'function', function: { name: secret, arguments: secret } }] }), finish('tool_calls'), usage(), DONE),
    streaming(role(), text(secret), CUT),
    streaming(role(), text(secret), { error: { message: leak } }),
    streaming(role(), text(secret), `data: ${leak}\n\n`),
    status(200, leak),
    status(400, { error: { message: leak, code: 'bad', param: 'x' } }),
    status(401, { error: { message: `Incorrect API key provided: ${UPSTREAM_KEY}` } }),
    status(429, { error: { message: leak } }),
    status(500, leak),
    hangUp
  ]
  for (const script of scripts) {
    for (const stream of [true, false]) {
      await gateway.server.breakers.override('openai', 'reset', { by: 'test', reason: 'test' })
      upstream.next(script)
      await (await chat(url, { ...body, stream }, { headers: { ...bearer(CALLER_KEY), cookie: secret } })).text()
    }
  }
  const upstreamRequests = scripts.length * 2
  t.equal(upstream.requests.length, upstreamRequests, 'each of them was asked')
  for (const broken of [`{"messages": "${secret}`, JSON.stringify({ messages: secret }), JSON.stringify({ ...body, temperature: secret }), JSON.stringify({ ...body, tool_choice: secret })]) {
    await (await chat(url, broken, { headers: bearer(CALLER_KEY) })).text()
  }
  await (await chat(url, body, { headers: bearer(secret) })).text()
  await (await fetch(`${url}/v1/targets/openai/breaker?key=${secret}`, { method: 'POST', headers: bearer(ADMIN_KEY) })).text()
  await (await fetch(`${url}/v1/audit?cursor=${secret}`, { headers: bearer(ADMIN_KEY) })).text()
  await framesOf(await chat(url, { ...body, stream: true }, { headers: bearer(ADMIN_KEY) }))
  const lines = await ended(gateway, upstreamRequests + 8)
  t.equal(lines.length, upstreamRequests + 8)
  const log = gateway.log.join('')
  for (const word of [secret, UPSTREAM_KEY, CALLER_KEY, ADMIN_KEY, 'authorization', 'Bearer', 'postgres://', upstream.origin]) t.notOk(log.includes(word), word)
})
