/**
 * Streams of the Responses and the Messages API whose replica is killed: another one goes on in the same format, in the middle of the
 * same items and blocks.
 */
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import { PATHS, bodyOf, readIn } from '../faults/dialects.ts'
import { objectOf } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { accumulated as messageOf, eventsOf as messageEventsOf } from '../support/message-events.ts'
import { share } from '../support/nightly.ts'
import { PAUSE_MS, STORY, fleet, wholeFrom } from '../support/replicas.ts'
import { accumulated as responseOf, eventsOf as responseEventsOf } from '../support/response-events.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import { chunk, role, streaming, text } from '../support/scripted-upstream.ts'
import { dataOf } from '../../stream-log/frame-text.ts'

const STREAMS = share(10, 150)

/** The answer that a stream adds up to, by strict readers. */
const WHOLE = {
  responses: (frames: string): unknown => {
    const { before, last } = responseOf(responseEventsOf(frames))
    t.same(before?.output, last.output, 'the last event holds what the others add up to')
    return last
  },
  messages: (frames: string): unknown => messageOf(messageEventsOf(frames))
}

const TOLD = {
  responses: { id: /^resp_[\da-f]{32}$/, model: 'scripted', status: 'completed', output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: STORY }] }] },
  messages: { model: 'scripted', content: [{ type: 'text', text: STORY }], stop_reason: 'end_turn' }
}

/** Up to the beginning of a call's arguments, behind a text. */
const FRAMES = { responses: 7, messages: 6 }

const DIALECTS = ['responses', 'messages'] as const

t.test('each client has the whole answer, each word once, in one item', { timeout: 300_000 }, async t => {
  const { replicas: [a, b] } = await fleet(t, 2)
  if (a === undefined || b === undefined) throw new Error('unreachable')
  let begun = 0
  const streams = DIALECTS.flatMap(dialect => Array.from({ length: STREAMS }, async () => ({ dialect, frames: await wholeFrom(a, [b], () => begun++, { dialect }) })))
  await until('all have begun', () => begun === streams.length)
  await delay(PAUSE_MS * 20) // well inside of all of them
  await a.kill()
  for (const { dialect, frames } of await Promise.all(streams)) {
    t.same(readIn(dialect, frames), { text: STORY, ending: 'complete' }, dialect)
    t.match(WHOLE[dialect](frames), TOLD[dialect], dialect)
  }
  t.equal(b.linesOf('stream taken over').length, streams.length)
})

t.test('a tool call cannot be carried on: its reader is told, in the stream\'s own form', { timeout: 300_000 }, async t => {
  const { replicas: [a, b], upstream, databaseUrl } = await fleet(t, 2)
  if (a === undefined || b === undefined) throw new Error('unreachable')
  const never = Promise.withResolvers<void>()
  upstream.otherwise = streaming(role(), text('I look.'), chunk({ tool_calls: [{ index: 0, id: 'c', type: 'function', function: { name: 'f', arguments: '{"a":' } }] }), never.promise)
  let begun = 0
  const reading = DIALECTS.map(async dialect => ({ dialect, cut: await cutAfter(`${a.url}${PATHS[dialect]}`, Infinity, { onBegun: () => begun++, body: { model: 'auto', ...bodyOf(dialect, 'Hi'), stream: true } }) }))
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  t.teardown(async () => await sql.end())
  await until('the calls are stored, and both clients know of their streams', async () => {
    const stored = await sql<Array<{ dialect: string, last_id: number }>>`select dialect, last_id from stream`
    return begun === DIALECTS.length && DIALECTS.every(dialect => stored.some(({ dialect: name, last_id: lastId }) => name === dialect && lastId === FRAMES[dialect]))
  })
  await a.kill()
  await Promise.all(reading.map(async answer => {
    const { dialect, cut: { id, text: before, lastId } } = await answer
    const { text: rest } = await joinAfter(b.url, id, lastId)
    t.match(readIn(dialect, before + rest), { text: 'I look.', ending: /error/ })
    t.match(dataOf(rest).map(data => objectOf(data)).find(({ type }) => type === 'error'), dialect === 'responses' ? { code: 'stream_lost' } : { error: { details: { error_code: 'stream_lost' } } })
  }))
  t.equal(upstream.requests.length, DIALECTS.length, 'nobody was asked for the rest')
  never.resolve()
})
