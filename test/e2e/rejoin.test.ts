/**
 * Streams whose connections are cut anywhere, and which are joined again at other replicas: the bytes are those of a
 * stream that was never cut. And replicas that die in the middle.
 */
import t from 'tap'
import { HELLO, chat } from '../support/chat-client.ts'
import { openaiAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import { DONE, finish, role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'
import type { Script } from '../support/scripted-upstream.ts'

const STREAMS = share(40, 1_000)
const AT_ONCE = 20
const WORDS = 60

/** A word with each turn of the loop, some of them with characters of several bytes. */
const paced: Script = async (response, request) => {
  const words = Array.from({ length: WORDS }, (_, n) => [new Promise(resolve => { setImmediate(resolve) }), text(n % 7 === 0 ? ` wörd👍${n}` : ` word${n}`)])
  await streaming(role(), ...words.flat(), finish('stop'), DONE)(response, request)
}

t.test('streams cut at random bytes and joined at another replica, again and again, are what they would have been', { timeout: 600_000 }, async t => {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = paced
  const env = { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) }
  const replicas = await Promise.all([startGateway(t, env), startGateway(t, env)])
  const at = (n: number) => replicas[n % 2]?.url ?? ''
  const whole = await (await chat(at(0), { ...HELLO, stream: true })).text()
  const length = Buffer.byteLength(whole)
  let cuts = 0
  let differing = 0
  let inTheMiddle = 0
  for (let from = 0; from < STREAMS; from += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, STREAMS - from) }, async (_, n) => {
      // Spread over the whole length, the very first bytes included.
      const position = 1 + Math.floor(((from + n) * 7919) % (length - 1))
      const first = await cutAfter(`${at(n)}/v1/chat/completions`, position)
      let received = first.text
      let { lastId, ended } = first
      for (let join = 1; !ended; join++) {
        const next = join < 3
          ? await cutAfter(`${at(n + join)}/v1/streams/${first.id}`, 1 + (position * join * 31) % length, { method: 'GET', headers: { 'last-event-id': String(lastId) } })
          : await joinAfter(at(n + join), first.id, lastId)
        cuts++
        received += next.text
        lastId = Math.max(lastId, next.lastId)
        ended = next.ended
      }
      if (first.lastId > 0 && !first.ended) inTheMiddle++
      if (received !== whole) differing++
    }))
  }
  t.equal(differing, 0)
  t.ok(inTheMiddle > STREAMS / 2)
  t.comment(`${STREAMS} streams, joined ${cuts} times; ${inTheMiddle} were cut between their first and last frame`)
})

t.test('a replica that is killed in the middle: who reads at another one is told, and so is who asks later', async t => {
  const upstream = await scriptedUpstream(t)
  const never = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hello'), never.promise))
  const env = { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) }
  const [a, b] = await Promise.all([startGateway(t, env), startGateway(t, env)])
  const first = await cutAfter(`${a.url}/v1/chat/completions`, 100)
  await cutAfter(`${b.url}/v1/streams/${first.id}`, 100, { method: 'GET' }) // so it is stored
  const reading = joinAfter(b.url, first.id, first.lastId)
  await a.kill()
  const killedAt = performance.now()
  const { text: rest } = await reading
  t.comment(`told after ${Math.round(performance.now() - killedAt)} ms`)
  t.match(rest, /id: \d+\ndata: \{"error":\{[^\n]*"code":"stream_lost"[^\n]*\}\n\n$/)
  const later = await joinAfter(b.url, first.id, first.lastId)
  t.equal(later.text, rest)
  never.resolve()
})
