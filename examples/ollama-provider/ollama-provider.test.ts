/**
 * The provider in a gateway, against a server that speaks Ollama's protocol, over real sockets.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import gateway, { gatewayConfig } from 'llm-stream-gateway'
import type { ChatCompletion, ChatCompletionChunk } from 'llm-stream-gateway/providers'
import ollama from './ollama-provider.ts'

const { DATABASE_URL } = process.env

interface FakeOllama {
  readonly baseURL: string
  /** What was asked, parsed. */
  readonly asked: Array<Record<string, unknown>>
  /** What to do with the next request. */
  answer: (response: ServerResponse) => void
}

const line = (object: object) => `${JSON.stringify({ model: 'llama3.2', created_at: '2026-11-26T09:00:00Z', ...object })}\n`
const says = (content: string) => line({ message: { role: 'assistant', content }, done: false })
const DONE = line({ message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 5 })

async function fakeOllama (t: TestContext): Promise<FakeOllama> {
  const asked: FakeOllama['asked'] = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (piece: string) => { text += piece }).on('end', () => {
      asked.push({ path: request.url, ...JSON.parse(text) })
      fake.answer(response)
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const fake: FakeOllama = { baseURL: `http://127.0.0.1:${address.port}`, asked, answer: response => response.end(says('Hel') + says('lo') + DONE) }
  return fake
}

/** Each has a target of its own, as the database, and with it what breakers have learnt, may be one for all. */
let gateways = 0

/** A gateway whose one target is Ollama. */
async function gatewayAt (t: TestContext, { baseURL }: FakeOllama): Promise<string> {
  const app = Fastify({ forceCloseConnections: true, pluginTimeout: 60_000 })
  t.after(async () => await app.close())
  await app.register(gateway, {
    config: gatewayConfig({
      database: { url: DATABASE_URL, dataDir: 'memory://' },
      targets: [{ name: `local-${++gateways}`, plugin: 'ollama', options: { baseURL, model: 'llama3.2' } }]
    }),
    providers: { ollama }
  })
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

async function ask (url: string, request: object = {}): Promise<Response> {
  return await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello!' }], ...request })
  })
}

/** The text of a stream's chunks, their other facts, and its last frame as it is. */
async function streamed (response: Response): Promise<{ content: string, finishReason: string | null, usage: unknown, last: string }> {
  const frames = (await response.text()).trimEnd().split('\n\n').map(frame => frame.slice(frame.indexOf('data: ') + 6))
  const last = frames.pop() ?? ''
  const chunks: ChatCompletionChunk[] = frames.map(frame => JSON.parse(frame))
  return {
    content: chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join(''),
    finishReason: chunks.find(({ choices }) => choices[0]?.finish_reason)?.choices[0]?.finish_reason ?? null,
    usage: chunks.at(-1)?.usage,
    last
  }
}

test('an answer is streamed, with its end and its token counts', async t => {
  const fake = await fakeOllama(t)
  const url = await gatewayAt(t, fake)
  const response = await ask(url, { stream: true, stream_options: { include_usage: true }, temperature: 0.5, max_tokens: 9 })
  assert.match(response.headers.get('x-gateway-target') ?? '', /^local-/)
  assert.deepEqual(await streamed(response), { content: 'Hello', finishReason: 'stop', usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 }, last: '[DONE]' })
  assert.deepEqual(fake.asked, [{
    path: '/api/chat', model: 'llama3.2', stream: true, messages: [{ role: 'user', content: 'Hello!' }], options: { temperature: 0.5, num_predict: 9 }
  }])
})

test('lines that arrive in pieces, a byte at a time, are the same answer', async t => {
  const fake = await fakeOllama(t)
  fake.answer = response => {
    void (async () => {
      for (const byte of Buffer.from(says('wörld 👍') + DONE)) {
        response.write(Buffer.of(byte))
        await new Promise(resolve => { setImmediate(resolve) })
      }
      response.end()
    })()
  }
  const { content, last } = await streamed(await ask(await gatewayAt(t, fake), { stream: true }))
  assert.equal(content, 'wörld 👍')
  assert.equal(last, '[DONE]')
})

test('a whole answer, with a tool call and images', async t => {
  const fake = await fakeOllama(t)
  fake.answer = response => response.end(line({ message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }] }, done: true, done_reason: 'stop', prompt_eval_count: 3, eval_count: 5 }))
  const response = await ask(await gatewayAt(t, fake), {
    messages: [{ role: 'user', content: [{ type: 'text', text: 'Where?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] }],
    tools: [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
  })
  const { choices: [choice], usage }: ChatCompletion = JSON.parse(await response.text())
  assert.equal(choice?.finish_reason, 'tool_calls')
  const [call] = choice?.message.tool_calls ?? []
  assert.ok(call?.type === 'function')
  assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Bern' })
  assert.equal(usage?.total_tokens, 8)
  assert.deepEqual(fake.asked[0]?.['messages'], [{ role: 'user', content: 'Where?', images: ['AAAA'] }])
})

test('an answer that breaks off, says an error or is no JSON never looks complete', async t => {
  const fake = await fakeOllama(t)
  const url = await gatewayAt(t, fake)
  for (const rest of ['', line({ error: 'out of memory' }), 'no JSON\n']) {
    fake.answer = response => response.end(says('Hel') + rest)
    const { last } = await streamed(await ask(url, { stream: true }))
    assert.equal(JSON.parse(last).error.code, 'all_targets_failed')
  }
})

test('what Ollama refuses or cannot express', async t => {
  const fake = await fakeOllama(t)
  const url = await gatewayAt(t, fake)
  assert.equal((await ask(url, { n: 2 })).status, 400)
  assert.equal(fake.asked.length, 0)
  fake.answer = response => response.writeHead(400).end('{"error": "invalid options"}')
  assert.equal((await ask(url)).status, 400)
  fake.answer = response => response.writeHead(500).end('{"error": "crashed"}')
  assert.equal((await ask(url)).status, 502)
})

test('a client that leaves ends the request to Ollama', async t => {
  const fake = await fakeOllama(t)
  const closed = Promise.withResolvers<void>()
  fake.answer = response => {
    response.write(says('Hel'))
    response.on('close', () => closed.resolve())
  }
  const response = await ask(await gatewayAt(t, fake), { stream: true })
  await response.body?.cancel()
  await closed.promise
})

test('wrong options stop the start', async () => {
  const app = Fastify()
  await assert.rejects(async () => await app.register(ollama, { baseURL: 'ftp://nowhere', model: 'x' }), { code: 'PROVIDER_OPTIONS', message: /target ollama.*baseURL/ })
  await app.close()
})
