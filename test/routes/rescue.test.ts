/**
 * A stream that breaks and is carried on, as clients of each dialect, the log and the audit log see it.
 */
import t from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import '../providers/bedrock/target.ts' // credentials that are nobody's
import { ADMIN_KEY, UPSTREAM_KEY, buildGateway, fileOf } from '../support/build-gateway.ts'
import { FIRST, TEXT, carrying, framesOfFirst } from '../support/carried-text.ts'
import { bearer, chat, contentOf, errorOf, framesOf, json, objectOf } from '../support/chat-client.ts'
import * as messages from '../support/message-events.ts'
import { bedrock, chatCompletions } from '../support/wires.ts'
import * as responses from '../support/response-events.ts'
import { CUT, DONE, answering, finish, role, scriptedUpstream, streaming, text, usage } from '../support/scripted-upstream.ts'
import type { Step } from '../support/scripted-upstream.ts'
import { settle } from '../support/virtual-time.ts'

const claude = await scriptedUpstream(t)
const openai = await scriptedUpstream(t)
const gateway = await buildGateway(t, {
  file: {
    targets: [
      { name: 'claude', provider: 'bedrock', options: { modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0', region: 'eu-west-1', endpoint: claude.origin } },
      { name: 'openai', provider: 'openai', options: { baseURL: openai.baseURL, apiKey: UPSTREAM_KEY, model: 'm' } }
    ],
    models: { 'claude-first': { targets: ['claude', 'openai'], midstreamFailover: 'continue' }, 'openai-first': { targets: ['openai', 'claude'], midstreamFailover: 'continue' } }
  },
  env: { FIRST_TOKEN_TIMEOUT_MS: '60000', IDLE_TIMEOUT_MS: '60000' }
})
for (const name of ['claude', 'openai']) await gateway.server.breakers.override(name, 'force_closed', { by: 'test', reason: 'faults are the subject' })
claude.otherwise = carrying({ wire: bedrock })
openai.otherwise = carrying({ wire: chatCompletions })

/** The line of a request, as soon as it is there: the client may have its answer before. */
async function logLine (message: string, id: string): Promise<JsonObject> {
  for (;;) {
    const line = gateway.logged(message).find(({ reqId }) => reqId === id)
    if (line !== undefined) return line
    await settle()
  }
}

async function post (path: string, body: JsonObject): Promise<string> {
  const response = await fetch(`${gateway.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return await response.text()
}

for (const [model, first, wire] of [['claude-first', claude, bedrock], ['openai-first', openai, chatCompletions]] as const) {
  const frames = framesOfFirst(wire)
  /** Behind each piece of the text. */
  const cuts = FIRST.map((_, i): Step[] => [...frames.slice(0, i + 1), CUT])

  t.test(`${model}: in the Messages API`, async t => {
    for (const steps of cuts) {
      first.next(wire.streaming(...steps))
      const message = messages.accumulated(messages.eventsOf(await post('/v1/messages', { model, max_tokens: 1000, stream: true, messages: [{ role: 'user', content: 'Say it' }] })))
      t.match(message, { role: 'assistant', stop_reason: 'end_turn' })
      t.same(Array.isArray(message['content']) && message['content'].map((block: unknown) => isJsonObject(block) ? [block['type'], block['text']] : block), [['text', TEXT]])
    }
  })

  t.test(`${model}: in the Responses API`, async t => {
    for (const steps of cuts) {
      first.next(wire.streaming(...steps))
      const events = responses.eventsOf(await post('/v1/responses', { model, stream: true, input: 'Say it' }))
      responses.checkOrder(events)
      const { last } = responses.accumulated(events)
      t.match(last, { status: 'completed' })
      const [item] = last.output
      t.equal(last.output.length, 1)
      t.equal(item?.type === 'message' && item.content[0]?.type === 'output_text' ? item.content[0].text : undefined, TEXT)
    }
  })
}

t.test('the log has one line of it, the request\'s line counts all attempts, and each is in the audit log', async t => {
  openai.next(streaming(role(), text(FIRST[0] ?? ''), CUT))
  const response = await chat(gateway.url, { model: 'openai-first', messages: [{ role: 'user', content: 'words-for-nobody' }], stream: true, stream_options: { include_usage: true } }, { headers: { 'x-request-id': 'carried' } })
  t.equal(response.headers.get('x-gateway-target'), 'openai')
  t.equal(response.headers.get('x-gateway-attempts'), '1', 'as many as there were when it went out')
  const frames = await framesOf(response)
  t.equal(contentOf(frames), TEXT)
  const counts = objectOf(frames.at(-2)?.data ?? '')
  const line = await logLine('request ended', 'carried')
  t.match(line, { status: 200, attempts: 2, target: 'claude', finishReason: 'stop', usageSource: 'estimated' })
  t.match(counts, { choices: [], usage: { prompt_tokens: line?.['promptTokens'], completion_tokens: line?.['completionTokens'] } })
  t.ok(Number(line?.['completionTokens']) > 5, 'the five of the one that carried on, and those before')
  const lines = gateway.logged('stream carried on').filter(({ reqId }) => reqId === 'carried')
  t.match(lines, [{ level: 30, from: 'openai', to: 'claude', how: 'prefix', reason: 'reset' }])
  t.equal(lines.length, 1)
  t.notMatch(gateway.log.join(''), /words-for-nobody|Once, “/)
})

t.test('a stream that can be joined again is one stream, seam and all', async t => {
  openai.next(streaming(role(), ...FIRST.slice(0, 4).map(text), CUT))
  const response = await chat(gateway.url, { model: 'openai-first', messages: [{ role: 'user', content: 'Say it' }], stream: true }, { headers: { 'x-gateway-resumable': 'true' } })
  const frames = await framesOf(response)
  t.equal(contentOf(frames), TEXT)
  const joined = await fetch(`${gateway.url}/v1/streams/${String(response.headers.get('x-gateway-stream-id'))}`, { headers: { 'last-event-id': '3' } })
  t.same(await framesOf(joined), frames.slice(3))
})

t.test('where nobody can carry on, the error frame tells what broke first', async t => {
  claude.next(bedrock.streaming(bedrock.text('Hello, '), bedrock.failure))
  openai.next(streaming(role(), text('Good day'), finish('stop'), usage(), DONE))
  claude.next(bedrock.error(400, 'This model does not support assistant message prefill.'))
  claude.next(bedrock.error(500, 'out of order'))
  const response = await chat(gateway.url, { model: 'claude-first', messages: [{ role: 'user', content: 'Hi' }], stream: true }, { headers: { 'x-request-id': 'lost' } })
  const frames = await framesOf(response)
  t.equal(contentOf(frames.slice(0, -1)), 'Hello, ')
  t.match(errorOf(objectOf(frames.at(-1)?.data ?? '')), { code: 'all_targets_failed', attempts: [{ target: 'claude', class: 'failure' }], message: 'The provider reported an error inside its answer.' })
  t.match(gateway.logged('stream not carried on'), [{ level: 40, reqId: 'lost', from: 'claude', reason: 'in_band_error' }])
})

t.test('a long answer at full speed, through queues of few slots', async t => {
  const [a, b] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  const { url } = await buildGateway(t, { file: fileOf({ a, b }, { midstreamFailover: 'continue' }), env: { STREAM_QUEUE_CAPACITY: '5', IDLE_TIMEOUT_MS: '60000' } })
  const words = Array.from({ length: 8_000 }, (_, n) => `word ${n} of many, `)
  const together = (pieces: readonly string[]) => pieces.map(piece => `data: ${JSON.stringify(text(piece))}\n\n`).join('')
  const whole = words.join('')
  a.next(streaming(role(), together(words.slice(0, 4_000)), CUT))
  // In other pieces, of five characters each.
  b.next(streaming(role(), together(whole.match(/.{1,5}/gs) ?? []), finish('stop'), usage(), DONE))
  const frames = await framesOf(await chat(url, { messages: [{ role: 'user', content: 'Hi' }], stream: true }))
  t.ok(contentOf(frames) === whole, 'all of it, once')
  t.equal(frames.at(-1)?.data, '[DONE]')
})

t.test('a gateway that is not told to carry on ends the stream in an error frame', async t => {
  const [a, b] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  a.next(streaming(role(), text('Hel'), CUT))
  b.otherwise = answering('Hello')
  const { url, logged } = await buildGateway(t, { file: fileOf({ a, b }) })
  const frames = await framesOf(await chat(url, { messages: [{ role: 'user', content: 'Hi' }], stream: true }))
  t.match(errorOf(objectOf(frames.at(-1)?.data ?? '')), { code: 'all_targets_failed' })
  t.equal(b.requests.length, 0)
  t.same(logged('stream not carried on'), [])
})

t.test('by the variable, for all models', async t => {
  const [a, b] = [await scriptedUpstream(t), await scriptedUpstream(t)]
  a.next(streaming(role(), text('Hel'), CUT))
  b.otherwise = answering('Hello')
  const { url, log } = await buildGateway(t, { keys: true, file: fileOf({ a, b }), env: { MIDSTREAM_FAILOVER: 'continue' } })
  t.notMatch(log.join(''), /not built/)
  const frames = await framesOf(await chat(url, { messages: [{ role: 'user', content: 'Hi' }], stream: true }, { headers: { ...bearer(ADMIN_KEY), 'x-request-id': 'r' } }))
  t.equal(contentOf(frames), 'Hello')
  for (;;) {
    const { data } = await json(await fetch(`${url}/v1/audit?kind=attempt&request_id=r`, { headers: bearer(ADMIN_KEY) }))
    if (!Array.isArray(data) || data.length < 2) continue
    t.match(new Set(data.map((each: unknown) => isJsonObject(each) ? `${String(each['target'])} ${String(each['reason'])}` : each)), new Set(['a reset', 'b null']))
    break
  }
})
