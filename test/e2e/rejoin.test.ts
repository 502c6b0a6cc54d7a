/**
 * Streams whose connections are cut anywhere, and which are joined again at other replicas: the bytes are those of a
 * stream that was never cut. And replicas that die in the middle. In each dialect.
 */
import t from 'tap'
import { DIALECTS, PATHS, bodyOf } from '../faults/dialects.ts'
import type { Dialect } from '../faults/dialects.ts'
import { objectOf } from '../support/chat-client.ts'
import { openaiAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { dataOf, lastIdOf } from '../../stream-log/frame-text.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import type { Cut } from '../support/resumable.ts'
import { DONE, finish, role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'
import type { Script } from '../support/scripted-upstream.ts'

const STREAMS = share(20, 1_000)
const AT_ONCE = 20
const WORDS = 60

/** A word with each turn of the loop, some of them with characters of several bytes. */
const paced: Script = async (response, request) => {
  const words = Array.from({ length: WORDS }, (_, n) => [new Promise(resolve => { setImmediate(resolve) }), text(n % 7 === 0 ? ` wörd👍${n}` : ` word${n}`)])
  await streaming(role(), ...words.flat(), finish('stop'), DONE)(response, request)
}

const bodyIn = (dialect: Dialect) => ({ model: 'auto', ...bodyOf(dialect, 'Say hello'), stream: true })

/** A stream's text without what differs between two answers to the same question: ids of responses, and when they were complete. */
function comparable (stream: string): string {
  return stream.replaceAll(/(?<=_)[\da-f]{32}(?![\da-f])/g, 'x').replaceAll(/(?<="completed_at":)\d+/g, '0')
}

/** What is none of a stream's own: that this connection ends, though the stream does not; and comments. */
const UNNUMBERED = /(?<=^|\n\n)(?:(?:event: .*\n)?data|): .*\n\n/g

/** Joins a stream; what is none of its own is left out, and then it has not ended. */
async function joining (url: string, { id, lastId, bytes }: { readonly id: string, readonly lastId: number, readonly bytes?: number }): Promise<Cut> {
  const cut = await joinAfter(url, id, lastId, bytes)
  if (cut.status !== 200) throw new Error(`joining ${id} after ${lastId} is answered by ${cut.status}`)
  const text = cut.text.replaceAll(UNNUMBERED, '')
  return { ...cut, text, ended: cut.ended && text === cut.text }
}

/** The rest of a stream. */
async function restOf (url: string, { id, lastId }: Pick<Cut, 'id' | 'lastId'>): Promise<string> {
  let text = ''
  for (let after = lastId; ;) {
    const cut = await joining(url, { id, lastId: after })
    text += cut.text
    if (cut.ended) return text
    after = Math.max(after, cut.lastId)
  }
}

const upstream = await scriptedUpstream(t)
upstream.otherwise = paced
const env = { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) }
const [first, second] = await Promise.all([startGateway(t, env), startGateway(t, env)])

for (const dialect of DIALECTS) {
  t.test(`${dialect}: streams cut at random bytes and joined at another replica, again and again, are what they would have been`, { timeout: 600_000 }, async t => {
    const at = (n: number) => (n % 2 === 0 ? first : second).url
    const body = bodyIn(dialect)
    const ask = async (url: string, bytes: number, headers: Record<string, string> = {}) => await cutAfter(`${url}${PATHS[dialect]}`, bytes, { body, headers })
    const { text: whole, ended } = await ask(at(0), Infinity, { 'x-gateway-resumable': 'false' })
    t.ok(ended)
    const length = Buffer.byteLength(whole)
    let cuts = 0
    let differing = 0
    let inTheMiddle = 0
    for (let from = 0; from < STREAMS; from += AT_ONCE) {
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, STREAMS - from) }, async (_, n) => {
        // Spread over the whole length, the very first bytes included.
        const position = 1 + Math.floor(((from + n) * 7919) % (length - 1))
        const begun = await ask(at(n), position)
        let received = begun.text
        let { lastId, ended } = begun
        for (let join = 1; !ended; join++) {
          const next = await joining(at(n + join), { id: begun.id, lastId, ...(join < 3 ? { bytes: 1 + (position * join * 31) % length } : {}) })
          cuts++
          received += next.text
          lastId = Math.max(lastId, next.lastId)
          ended = next.ended
        }
        if (begun.lastId > 0 && !begun.ended) inTheMiddle++
        if (received !== await restOf(at(n + 1), { id: begun.id, lastId: 0 }) || comparable(received) !== comparable(whole)) differing++
      }))
    }
    t.equal(differing, 0)
    t.ok(inTheMiddle > STREAMS / 2)
    t.comment(`${STREAMS} streams, joined ${cuts} times; ${inTheMiddle} were cut between their first and last frame`)
  })
}

/** How each says that its replica has died, as the frame with this number. */
const LOST: Readonly<Record<Dialect, (id: number) => { readonly event: string, readonly data: object }>> = {
  chat: () => ({ event: '', data: { error: { code: 'stream_lost', type: 'server_error' } } }),
  responses: id => ({ event: 'event: error\n', data: { type: 'error', code: 'stream_lost', message: String, param: null, sequence_number: id - 1 } }),
  messages: () => ({ event: 'event: error\n', data: { type: 'error', error: { type: 'api_error', message: String, details: { error_code: 'stream_lost' } }, request_id: null } })
}

// The last test of this file: one of its replicas is gone then.
t.test('a replica that is killed in the middle: who reads at another one is told, in each dialect, and so is who asks later', async t => {
  const never = Promise.withResolvers<void>()
  const read = await Promise.all(DIALECTS.map(async dialect => {
    upstream.next(streaming(role(), text('Hello'), never.promise))
    const begun = await cutAfter(`${first.url}${PATHS[dialect]}`, 100, { body: bodyIn(dialect) })
    await joining(second.url, { id: begun.id, lastId: 0, bytes: 100 }) // so it is stored
    return { dialect, begun, reading: restOf(second.url, begun) }
  }))
  await first.kill()
  const killedAt = performance.now()
  for (const { dialect, begun, reading } of read) {
    const rest = await reading
    t.comment(`${dialect}: told after ${Math.round(performance.now() - killedAt)} ms`)
    const [, before = '', last = ''] = /^((?:.*\n\n)*)(.+\n\n)$/s.exec(rest) ?? []
    const lastId = lastIdOf(rest)
    const { event, data } = LOST[dialect](lastId)
    t.ok(last.startsWith(`${event}id: ${lastId}\ndata: `), last)
    t.equal(lastIdOf(begun.text + before), lastId - 1)
    t.match(objectOf(dataOf(last).join()), data)
    t.equal(await restOf(second.url, begun), rest)
  }
  never.resolve()
})
