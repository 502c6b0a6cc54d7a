/**
 * Whatever comes in gets a clear error in OpenAI's shape, and changes nothing: after each of them a good request is
 * answered as before.
 */
import { connect } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import { configFile, targetAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

const upstream = await scriptedUpstream(t)
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  GATEWAY_CONFIG: await configFile(t, {
    targets: [
      targetAt(upstream, 'only'),
      { name: 'azure', provider: 'azure-openai', options: { endpoint: upstream.origin, deployment: 'd', apiVersion: '1', apiKey: 'key' } }
    ],
    default: 'only'
  })
})
const { port } = new URL(gateway.url)

const CHAT = '/v1/chat/completions'
const messages = [{ role: 'user', content: 'Hello' }]
const GOOD = JSON.stringify({ messages })
const TEN_MEGABYTES = 10 * 1024 * 1024

interface Answer {
  readonly status: number
  readonly body: unknown
}

async function send (body: string | Uint8Array<ArrayBuffer>, { path = CHAT, method = 'POST', type = 'application/json' } = {}): Promise<Answer> {
  const response = await fetch(gateway.url + path, { method, headers: { 'content-type': type }, ...(method === 'GET' ? {} : { body }) })
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.ok(response.headers.get('x-request-id'), 'with an id to ask about')
  return { status: response.status, body: await response.json() }
}

/** Sends bytes as they are; gives what came back by the time the server closed the connection. */
async function raw (...pieces: ReadonlyArray<string | Buffer>): Promise<string> {
  return await new Promise(resolve => {
    const socket = connect(Number(port), '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8').on('data', piece => { text += String(piece) })
    socket.on('error', () => {}) // it may be reset while it still writes; `close` follows
    socket.once('close', () => resolve(text))
    for (const piece of pieces) socket.write(piece)
  })
}

/** The answer in what a raw connection gave. */
function answerIn (text: string): Answer {
  const match = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n([^]*)$/.exec(text)
  return { status: Number(match?.[1]), body: JSON.parse(match?.[2] ?? '') }
}

function isError (t: Test, { status, body }: Answer, expected: { status: number, code?: string | RegExp, param?: string | null }): void {
  const { param = null, code = String } = expected
  t.equal(status, expected.status)
  t.match(body, { error: { message: String, type: 'invalid_request_error', code, param } })
  t.same(isJsonObject(body) && isJsonObject(body['error']) ? Object.keys(body['error']).sort() : [], ['code', 'message', 'param', 'type'], 'in OpenAI\'s shape, and no more')
  t.notMatch(JSON.stringify(body), /node_modules|\.ts:|FastifyError|SyntaxError|Unexpected token/, 'nothing of the inside in it')
}

const healthy = await send(GOOD)
t.match(healthy, { status: 200, body: { choices: [{ message: { content: 'Hello, world' } }] } })

/** A test of something bad, which ends by making sure that it changed nothing. */
function bad (title: string, run: (t: Test) => Promise<void>): void {
  t.test(title, async t => {
    const asked = upstream.requests.length
    await run(t)
    t.equal(upstream.requests.length, asked, 'no upstream was asked')
    t.same(await send(GOOD), healthy, 'a good request is answered as before')
    const targets: unknown = await (await fetch(`${gateway.url}/v1/targets`)).json()
    const well = { breaker: { state: 'closed', epoch: 0, failures: 0 } }
    t.match(targets, { data: [well, well] })
    t.equal(gateway.child.exitCode, null)
  })
}

function nested (depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth)
}

const BODIES: ReadonlyArray<readonly [title: string, body: string | Uint8Array<ArrayBuffer>, param: string | null]> = [
  ['broken JSON', '{"messages": [', null],
  ['no JSON at all', 'hello', null],
  ['an empty body', '', null],
  ['JSON that is no object', '[1]', null],
  ['null', 'null', null],
  ['garbage bytes', Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x22, 0xc3, 0x28, 0x7d]), null],
  ['no messages', '{"model": "only"}', 'messages'],
  ['messages of the wrong type', '{"messages": "Hello"}', 'messages'],
  ['no message', '{"messages": []}', 'messages'],
  ['a message of an unknown role', '{"messages": [{"role": "wizard", "content": "x"}]}', 'messages[0].role'],
  ['content of the wrong type', '{"messages": [{"role": "user", "content": 1}]}', 'messages[0].content'],
  ['stream of the wrong type', JSON.stringify({ messages, stream: 'true' }), 'stream'],
  ['temperature of the wrong type', JSON.stringify({ messages, temperature: '1' }), 'temperature'],
  ['n of the wrong type', JSON.stringify({ messages, n: 1.5 }), 'n'],
  ['a model of the wrong type', JSON.stringify({ messages, model: { a: 1 } }), 'model'],
  ['tools of the wrong type', JSON.stringify({ messages, tools: [{ type: 'function' }] }), 'tools[0].function'],
  ['__proto__ at the top', '{"__proto__": {"polluted": true}, "messages": [{"role": "user", "content": "x"}]}', null],
  ['__proto__ deep inside', '{"messages": [{"role": "user", "content": "x", "__proto__": {"polluted": true}}]}', null],
  ['constructor.prototype', '{"constructor": {"prototype": {"polluted": true}}, "messages": [{"role": "user", "content": "x"}]}', null],
  ['JSON nested a million deep', `{"messages": [{"role": "user", "content": "x"}], "extra": ${nested(1_000_000)}}`, null],
  ['JSON nested ten thousand deep', `{"messages": [{"role": "user", "content": "x"}], "extra": ${nested(10_000)}}`, null]
]

for (const [title, body, param] of BODIES) {
  bad(`400: ${title}`, async t => {
    isError(t, await send(body), { status: 400, param })
  })
}

bad('404: an unknown model', async t => {
  isError(t, await send(JSON.stringify({ messages, model: 'nonesuch' })), { status: 404, code: 'model_not_found', param: 'model' })
  for (const model of ['__proto__', 'constructor', 'toString', '/x', 'only/', 'azure/\ud800', 'azure/.', 'azure/..']) {
    isError(t, await send(JSON.stringify({ messages, model })), { status: 404, code: 'model_not_found', param: 'model' })
  }
})

bad('400: a model of a length that no model has', async t => {
  isError(t, await send(JSON.stringify({ messages, model: `azure/${'x'.repeat(100_000)}` })), { status: 400, code: 'invalid_value', param: 'model' })
})

bad('404: an unknown path or method', async t => {
  isError(t, await send(GOOD, { path: '/v1/chat/nonesuch' }), { status: 404, code: 'route_not_found' })
  isError(t, await send(GOOD, { path: '/v1/chat/completions', method: 'GET' }), { status: 404, code: 'route_not_found' })
  isError(t, await send(GOOD, { path: '/v1/models/..%2f..%2fetc%2fpasswd', method: 'GET' }), { status: 404, code: 'route_not_found' })
})

bad('400: a path that is none', async t => {
  isError(t, await send(GOOD, { path: '/v1/%zz', method: 'GET' }), { status: 400 })
})

bad('415: not JSON by its content type', async t => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/xml', 'nonsense']) {
    isError(t, await send(GOOD, { type }), { status: 415, code: 'unsupported_media_type' })
  }
})

bad('413: 10 MB with their length', async t => {
  const body = JSON.stringify({ messages: [{ role: 'user', content: 'x'.repeat(TEN_MEGABYTES) }] })
  const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
  isError(t, answerIn(await raw(head)), { status: 413, code: 'body_too_large' })
  // A client that sends it all may see the reset of its connection before the answer, but nothing else.
  const answer = await send(body).catch((error: unknown) => error)
  if (!(answer instanceof TypeError)) t.match(answer, { status: 413, body: { error: { code: 'body_too_large' } } })
})

bad('413: 10 MB in pieces', async t => {
  const piece = Buffer.alloc(1024 * 1024, 'x')
  const chunk = Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')])
  const head = `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`
  const text = await raw(head, ...Array.from({ length: 9 }, () => chunk))
  isError(t, answerIn(text), { status: 413, code: 'body_too_large' })
})

const RAW: ReadonlyArray<readonly [title: string, status: number, bytes: string | Buffer]> = [
  ['garbage in place of a request', 400, Buffer.from([0x00, 0xff, 0x16, 0x03, 0x01, 0x02, 0x0d, 0x0a, 0x0d, 0x0a])],
  ['a header that is none', 400, `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nno colon here\r\n\r\n`],
  ['a length that is none', 400, `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: ten\r\n\r\n`],
  ['a length and pieces at once', 400, `POST ${CHAT} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['headers of 100 kB', 431, `POST ${CHAT} HTTP/1.1\r\nhost: x\r\nx-large: ${'x'.repeat(100_000)}\r\n\r\n`]
]

for (const [title, status, bytes] of RAW) {
  bad(`${status}: ${title}`, async t => {
    isError(t, answerIn(await raw(bytes)), { status })
  })
}

bad('a request id that could forge a log line is not taken', async t => {
  const response = await fetch(`${gateway.url}/v1/models`, { headers: { 'x-request-id': 'a b" c' } })
  t.equal(response.status, 200)
  t.match(response.headers.get('x-request-id'), /^[\w-]{36}$/)
})

t.test('nothing of all this was an error of the gateway, and no prototype was polluted', async t => {
  t.same(gateway.logs.filter(({ level }) => typeof level === 'number' && level >= 50), [])
  t.same(gateway.linesOf('internal error'), [])
  t.same(gateway.errors, [])
})
