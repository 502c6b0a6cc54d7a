/**
 * An upstream that is cut in the middle: what came is kept, the stream ends in exactly one error frame, and never in
 * `[DONE]`. In every dialect, and as the `openai` client sees it.
 */
import type { ServerResponse } from 'node:http'
import OpenAI, { APIError } from 'openai'
import t from 'tap'
import type { GatewayConfigFile } from '../../schemas/gateway-config.ts'
import { START, STOP, event, exception, text as bedrockText } from '../providers/bedrock/event-stream-server.ts'
import { configFile } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { DONE, completion, finish, role, scriptedUpstream, text } from '../support/scripted-upstream.ts'
import type { Script } from '../support/scripted-upstream.ts'

type Piece = string | Uint8Array

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const gemini = (part: string, finishReason?: string) => data({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: part }] }, finishReason }] })

/** One way to answer in each dialect: `begun` has the text "Hello" and no end; `end` is what makes it complete. */
const DIALECTS: ReadonlyArray<{ readonly name: 'openai' | 'gemini' | 'bedrock', readonly type: string, readonly begun: readonly Piece[], readonly half: Piece, readonly failure: Piece, readonly end: Piece }> = [
  {
    name: 'openai',
    type: 'text/event-stream',
    begun: [data(role()), data(text('Hel')), data(text('lo'))],
    half: data(text(' lost')).slice(0, -8),
    failure: data({ error: { message: 'overloaded', type: 'server_error' } }),
    end: data(finish('stop')) + DONE
  },
  {
    name: 'gemini',
    type: 'text/event-stream',
    begun: [gemini('Hel'), gemini('lo')],
    half: gemini(' lost').slice(0, -8),
    failure: data({ error: { code: 503, message: 'overloaded', status: 'UNAVAILABLE' } }),
    end: gemini('', 'STOP')
  },
  {
    name: 'bedrock',
    type: 'application/vnd.amazon.eventstream',
    begun: [START, bedrockText('Hel'), bedrockText('lo')],
    half: bedrockText(' lost').subarray(0, -8),
    failure: exception('modelStreamErrorException', 'overloaded'),
    end: Buffer.concat([event('contentBlockStop', { contentBlockIndex: 0 }), STOP])
  }
]

/** Ends a response in one of the ways in which they break. */
type Break = (response: ServerResponse) => Promise<void>

const BREAKS: Readonly<Record<string, { readonly extra?: 'half' | 'failure', readonly length?: boolean, readonly end: Break }>> = {
  'the socket is destroyed': { end: destroy },
  'the socket is destroyed inside an event': { extra: 'half', end: destroy },
  'the body ends in order, but without its terminal event': { end: async response => { response.end() } },
  'the body ends in order inside an event': { extra: 'half', end: async response => { response.end() } },
  'fewer bytes come than content-length said': { length: true, end: destroy },
  'an error comes in place of the rest': { extra: 'failure', end: async response => { response.end() } }
}

async function destroy (response: ServerResponse): Promise<void> {
  // After what was written has left.
  await new Promise<void>(resolve => { response.socket?.write('', () => resolve()) })
  response.socket?.destroy()
}

function broken (type: string, pieces: readonly Piece[], length: boolean, end: Break): Script {
  return async response => {
    const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)
    response.writeHead(200, { 'content-type': type, ...(length ? { 'content-length': bytes + 50 } : {}) })
    for (const piece of pieces) response.write(piece)
    await end(response)
  }
}

const upstream = await scriptedUpstream(t)
/** Each test has a target of its own, so that no breaker of another test is in its way. */
const names: string[] = []
const nameOf = (dialect: string, way: number) => `${dialect}-${way}`
const targets: GatewayConfigFile['targets'] = DIALECTS.flatMap(({ name }) => [...Object.keys(BREAKS), 'complete', 'client', 'whole'].map((_, way) => {
  const target = nameOf(name, way)
  names.push(target)
  if (name === 'gemini') return { name: target, provider: name, options: { baseURL: upstream.origin, apiKey: 'key', model: 'm' } }
  if (name === 'bedrock') return { name: target, provider: name, options: { endpoint: upstream.origin, region: 'eu-west-1', modelId: 'm' } }
  return { name: target, provider: name, options: { baseURL: upstream.baseURL, apiKey: 'key', model: 'm' } }
}))
const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'test',
  GATEWAY_CONFIG: await configFile(t, { targets })
})
const [COMPLETE, CLIENT, WHOLE] = [6, 7, 8]

async function post (model: string, stream: boolean): Promise<Response> {
  return await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] })
  })
}

interface Frame {
  readonly id: number
  readonly data: string
}

/** A body as frames of exactly the contract's shape. */
function framesOf (body: string): Frame[] {
  t.ok(body.endsWith('\n\n'), 'the last frame is whole')
  return body.split('\n\n').slice(0, -1).map(block => {
    const match = /^id: (\d+)\ndata: ([^\n]*)$/.exec(block)
    if (match === null) throw new Error(`not a frame: ${block}`)
    return { id: Number(match[1]), data: match[2] ?? '' }
  })
}

function contentOf (frames: readonly Frame[]): string {
  return frames.map(({ data }) => /"content":"([^"]*)"/.exec(data)?.[1] ?? '').join('')
}

for (const dialect of DIALECTS) {
  const { name, type, begun, half, failure, end } = dialect
  for (const [way, [title, { extra, length = false, end: ending }]] of Object.entries(BREAKS).entries()) {
    t.test(`${name}: ${title}`, async t => {
      const target = nameOf(name, way)
      upstream.next(broken(type, [...begun, ...(extra === 'half' ? [half] : extra === 'failure' ? [failure] : [])], length, ending))
      const response = await post(target, true)
      t.equal(response.status, 200)
      t.equal(response.headers.get('x-gateway-target'), target)
      const body = await response.text()
      t.notMatch(body, /\[DONE\]/)
      const frames = framesOf(body)
      t.same(frames.map(({ id }) => id), frames.map((_, index) => index + 1), 'numbered without gaps')
      t.equal(contentOf(frames), 'Hello', 'what came is there, and nothing of the broken rest')
      t.same(frames.filter(({ data }) => data.includes('"error"')), [frames.at(-1)], 'one error frame, the last')
      t.match(JSON.parse(frames.at(-1)?.data ?? ''), { error: { message: String, type: 'server_error', code: 'all_targets_failed', param: null } })
      t.notMatch(body, /127\.0\.0\.1|overloaded/, 'nothing of the upstream in it')
      await gateway.logged('attempt failed', { target, class: 'failure' })
    })
  }

  t.test(`${name}: the same with its end is complete`, async t => {
    upstream.next(broken(type, [...begun, end], false, async response => { response.end() }))
    const frames = framesOf(await (await post(nameOf(name, COMPLETE), true)).text())
    t.equal(frames.at(-1)?.data, '[DONE]')
    t.equal(contentOf(frames), 'Hello')
    t.notOk(frames.some(({ data }) => data.includes('"error"')))
  })

  t.test(`${name}: the openai client throws after what came`, async t => {
    upstream.next(broken(type, begun, false, destroy))
    const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: 'any', maxRetries: 0 })
    const stream = await client.chat.completions.create({ model: nameOf(name, CLIENT), stream: true, messages: [{ role: 'user', content: 'Hello' }] })
    let content = ''
    let thrown: unknown
    try {
      for await (const chunk of stream) content += chunk.choices[0]?.delta.content ?? ''
    } catch (error) {
      thrown = error
    }
    t.equal(content, 'Hello')
    t.ok(thrown instanceof APIError)
    t.match(thrown, { code: 'all_targets_failed', type: 'server_error' })
  })

  t.test(`${name}: a whole answer that is cut is none`, async t => {
    const json = JSON.stringify(completion('Hello'))
    upstream.next(broken('application/json', [json.slice(0, -20)], true, destroy), broken('application/json', [json.slice(0, -20)], false, async response => { response.end() }))
    for (const how of ['by its length', 'by its syntax']) {
      const response = await post(nameOf(name, WHOLE), false)
      t.equal(response.status, 502, how)
      t.match(await response.json(), { error: { code: 'all_targets_failed', attempts: [{ class: 'failure' }] } })
    }
  })
}

t.test('each broken stream is in the log as such', async t => {
  t.equal(names.length, DIALECTS.length * 9)
  await gateway.logged('request ended', { target: nameOf('bedrock', CLIENT) }) // the last of them: lines are written in batches
  t.equal(gateway.linesOf('request ended').filter(({ stream, error }) => stream === true && error === 'all_targets_failed').length, DIALECTS.length * 7)
})
