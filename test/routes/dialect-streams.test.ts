/**
 * Streams of the Responses and Messages APIs that are joined again, on two replicas with one database; and what of them their
 * official clients make.
 */
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import t from 'tap'
import type { Test } from 'tap'
import { PATHS, bodyOf } from '../faults/dialects.ts'
import { buildGateway, fileOf } from '../support/build-gateway.ts'
import type { RunningGateway } from '../support/build-gateway.ts'
import { errorOf, json, objectOf } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { eventsOf as messageEventsOf } from '../support/message-events.ts'
import { testDatabase } from '../support/postgres.ts'
import { joinAfter, reading } from '../support/resumable.ts'
import { eventsOf as responseEventsOf } from '../support/response-events.ts'
import { CUT, DONE, finish, role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'

const BOTH = ['responses', 'messages'] as const
type Either = typeof BOTH[number]

const RESUMABLE = { 'x-gateway-resumable': 'true' }
const bodyIn = (dialect: Either) => ({ model: 'chat', ...bodyOf(dialect, 'Say hello'), stream: true })

async function ask (url: string, dialect: Either, headers: Record<string, string> = RESUMABLE, change: object = {}, signal: AbortSignal | null = null): Promise<Response> {
  return await fetch(url + PATHS[dialect], { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify({ ...bodyIn(dialect), ...change }), signal })
}

async function twoReplicas (t: Test, env: Record<string, string> = {}): Promise<{ a: RunningGateway, b: RunningGateway, upstream: ScriptedUpstream }> {
  const upstream = await scriptedUpstream(t)
  const options = { env: { DATABASE_URL: await testDatabase(t), ...env }, file: fileOf({ a: upstream }) }
  return { a: await buildGateway(t, options), b: await buildGateway(t, options), upstream }
}

const idOf = (response: Response) => response.headers.get('x-gateway-stream-id') ?? ''

/** A stream's events, whose numbers have no gap; throws where they are not as the dialect has them. */
function typesOf (dialect: Either, stream: string): string[] {
  return (dialect === 'responses' ? responseEventsOf(stream) : messageEventsOf(stream)).map(({ type }) => String(type))
}

/** How an error with this code is said by the event after so many others. */
function errorIn (dialect: Either, code: string, after: number): object {
  return dialect === 'responses'
    ? { type: 'error', code, message: String, sequence_number: after, error: { code } }
    : { type: 'error', error: { type: String, message: String, details: { error_code: code } } }
}

for (const dialect of BOTH) {
  t.test(dialect, async t => {
    t.test('a stream that lost its client goes on, and is joined where it was, at either replica', async t => {
      const { a, b, upstream } = await twoReplicas(t)
      for (const { url } of [a, b]) {
        const more = Promise.withResolvers<void>()
        upstream.next(streaming(role(), text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
        const aborter = new AbortController()
        const response = await ask(a.url, dialect, RESUMABLE, {}, aborter.signal)
        aborter.abort()
        const joining = joinAfter(url, idOf(response), 2)
        more.resolve()
        const { text: rest } = await joining
        const { text: whole } = await joinAfter(url, idOf(response), 0)
        t.ok(rest !== '' && rest !== whole && whole.endsWith(rest))
        t.match(typesOf(dialect, whole).at(-1), dialect === 'responses' ? 'response.completed' : 'message_stop')
      }
    })

    t.test('whether its frames are kept changes no byte of a stream, but for its ids', async t => {
      const { a } = await twoReplicas(t)
      const [kept, plain] = await Promise.all([RESUMABLE, {}].map(async headers => await (await ask(a.url, dialect, headers)).text()))
      const comparable = (stream = '') => stream.replaceAll(/(?<=_)[\da-f]{32}/g, 'x').replaceAll(/(?<="completed_at":)\d+/g, '0')
      t.equal(comparable(kept), comparable(plain))
    })

    t.test('a model may keep its streams, and a request say that it need not', async t => {
      const upstream = await scriptedUpstream(t)
      const { url } = await buildGateway(t, { file: fileOf({ a: upstream }, { resumable: true }) })
      for (const [headers, status] of [[{}, 200], [{ 'x-gateway-resumable': 'false' }, 404]] as const) {
        const response = await ask(url, dialect, headers)
        await response.text()
        const joined = await fetch(`${url}/v1/streams/${idOf(response)}`)
        t.equal(joined.status, status)
        await joined.text()
      }
    })

    t.test('with an Idempotency-Key it is asked for once, here and elsewhere, at the same time and after', async t => {
      const { a, b, upstream } = await twoReplicas(t)
      const [begin, more] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      upstream.next(streaming(role(), begin.promise, text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
      const named = { 'idempotency-key': 'k1' }
      const asked = [a, b, a, b].map(async ({ url }) => await ask(url, dialect, named))
      await upstream.request(1)
      begin.resolve()
      const responses = await Promise.all(asked)
      more.resolve()
      responses.push(await ask(b.url, dialect, named))
      const texts = await Promise.all(responses.map(async response => await response.text()))
      t.equal(new Set(texts).size, 1)
      t.match(typesOf(dialect, texts[0] ?? '').at(-1), dialect === 'responses' ? 'response.completed' : 'message_stop')
      t.equal(responses.filter(({ headers }) => headers.get('x-gateway-replayed') === 'true').length, 4)
      t.equal(upstream.requests.length, 1)
    })

    t.test('the same key with what only this API has a field for, or at another API, is a mistake', async t => {
      const { a, b, upstream } = await twoReplicas(t)
      const named = { 'idempotency-key': 'k2' }
      await (await ask(a.url, dialect, named)).text()
      const other = dialect === 'responses' ? 'messages' : 'responses'
      // Hints and echoes, which say nothing to a target.
      const change = dialect === 'responses' ? { metadata: { order: '7' } } : { service_tier: 'auto' }
      for (const { url } of [a, b]) {
        for (const response of [await ask(url, dialect, named, change), await ask(url, other, named)]) {
          t.equal(response.status, 422)
          t.match(await response.text(), 'idempotency')
        }
      }
      t.equal(upstream.requests.length, 1)
    })

    t.test('deleting it, at either replica, ends its upstream request and its readers; then it is gone', async t => {
      const { a, b, upstream } = await twoReplicas(t)
      for (const [n, { url }] of [a, b].entries()) {
        const never = Promise.withResolvers<void>()
        upstream.next(streaming(role(), text('Hello'), never.promise))
        const response = await ask(a.url, dialect)
        const path = `/v1/streams/${idOf(response)}`
        const elsewhere = await reading(b.url, idOf(response))
        t.equal((await fetch(url + path, { method: 'DELETE' })).status, 200)
        t.equal(await (await upstream.request(n + 1)).closed, 'aborted')
        const told = await response.text()
        const types = typesOf(dialect, told)
        t.match(types.slice(types.indexOf('error')), dialect === 'responses' ? ['error', 'response.failed'] : ['error'])
        t.match(told, 'stream_cancelled')
        t.notMatch((await elsewhere.whole).text, /message_stop|response\.completed/)
        never.resolve()
        for (const replica of [a, b]) t.match(errorOf(await json(await fetch(replica.url + path))), { code: 'stream_not_found' })
      }
    })

    t.test('a position that never was is told in the stream\'s own words, without a number', async t => {
      const { a, b } = await twoReplicas(t)
      const response = await ask(a.url, dialect)
      const whole = await response.text()
      const { length } = typesOf(dialect, whole)
      for (const { url } of [a, b]) {
        const { text } = await joinAfter(url, idOf(response), 1000)
        const [, data = ''] = /^event: error\ndata: (.*)\n\n$/.exec(text) ?? []
        t.match(objectOf(data), errorIn(dialect, 'frames_gone', 1000))
        t.match(data, `Of this stream the frames 1 to ${length} are left.`)
      }
    })

    t.test('a stream that breaks has its error for those who join, too, and its name is free', async t => {
      const { a, b, upstream } = await twoReplicas(t)
      upstream.next(streaming(role(), text('Hel'), CUT))
      const response = await ask(a.url, dialect, { 'idempotency-key': 'k3' })
      const whole = await response.text()
      const types = typesOf(dialect, whole)
      t.same(types.slice(types.indexOf('error')), dialect === 'responses' ? ['error', 'response.failed'] : ['error'])
      for (const { url } of [a, b]) {
        t.equal((await joinAfter(url, idOf(response), 0)).text, whole)
        t.ok(whole.endsWith((await joinAfter(url, idOf(response), 3)).text))
      }
      await until('its name is free', async () => {
        const again = await ask(b.url, dialect, { 'idempotency-key': 'k3' })
        return typesOf(dialect, await again.text()).every(type => type !== 'error')
      })
    })
  })
}

t.test('the official clients read such streams as any, and what is joined, from any place on', async t => {
  const { a, b } = await twoReplicas(t)
  let id = ''
  // Whatever they ask for, they are given the rest of the stream.
  const joiningAfter = (lastId: number): typeof fetch => async () => await fetch(`${b.url}/v1/streams/${id}`, { headers: { 'last-event-id': String(lastId) } })

  const openai = new OpenAI({ baseURL: `${a.url}/v1`, apiKey: 'any', maxRetries: 0, defaultHeaders: RESUMABLE })
  const ask = { model: 'chat', input: 'Hi', stream: true } as const
  const { data: stream, response } = await openai.responses.create(ask).withResponse()
  id = idOf(response)
  const events = []
  for await (const event of stream) events.push(event)
  t.match(events.at(-1), { type: 'response.completed', response: { output: [{ content: [{ text: 'Hello, world' }] }] } })
  for (let after = 0; after < events.length; after++) {
    const rest = []
    for await (const event of await new OpenAI({ baseURL: 'http://gateway', apiKey: 'any', maxRetries: 0, fetch: joiningAfter(after) }).responses.create(ask)) rest.push(event)
    t.same(rest, events.slice(after), `what follows ${after}`)
  }
  await t.rejects(async () => {
    for await (const event of await new OpenAI({ baseURL: 'http://gateway', apiKey: 'any', maxRetries: 0, fetch: joiningAfter(1000) }).responses.create(ask)) t.fail(event.type)
  }, { code: 'frames_gone' })

  const anthropic = new Anthropic({ baseURL: a.url, apiKey: 'any', maxRetries: 0, defaultHeaders: RESUMABLE })
  const asked = { model: 'chat', max_tokens: 100, messages: [{ role: 'user' as const, content: 'Hi' }], stream: true as const }
  const message = await anthropic.messages.create(asked).withResponse()
  id = idOf(message.response)
  const said = []
  for await (const event of message.data) said.push(event)
  t.equal(said.at(-1)?.type, 'message_stop')
  const whole = await new Anthropic({ baseURL: 'http://gateway', apiKey: 'any', maxRetries: 0, fetch: joiningAfter(0) }).messages.stream(asked).finalMessage()
  t.match(whole, { content: [{ type: 'text', text: 'Hello, world' }], stop_reason: 'end_turn' })
  for (let after = 0; after < said.length; after++) {
    const rest = []
    for await (const event of await new Anthropic({ baseURL: 'http://gateway', apiKey: 'any', maxRetries: 0, fetch: joiningAfter(after) }).messages.create(asked)) rest.push(event)
    t.same(rest, said.slice(after), `what follows ${after}`)
  }
  await t.rejects(async () => {
    for await (const event of await new Anthropic({ baseURL: 'http://gateway', apiKey: 'any', maxRetries: 0, fetch: joiningAfter(1000) }).messages.create(asked)) t.fail(event.type)
  }, { message: /frames_gone/ })
})
