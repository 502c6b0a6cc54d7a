/**
 * Replicas that are killed, frozen or told to end in the middle of streams which another one may carry on: their clients ask
 * again elsewhere, and have the whole answer in the end.
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import type { Test } from 'tap'
import { streamCompletion } from '../../client/index.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import type { GatewayProcess, Variables } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import { roundRobin } from '../support/round-robin.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { heardIn, storyOf, telling } from '../support/storyteller.ts'

const STREAMS = share(20, 300)
const STORY = storyOf(150)
const PAUSE_MS = 20

/** Replicas in front of one target, which goes on from a text that it is given. */
async function fleet (t: Test, size: number, env: Variables = {}): Promise<{ replicas: GatewayProcess[], databaseUrl: string, asked: () => number }> {
  const upstream = await scriptedUpstream(t)
  upstream.otherwise = telling(STORY, PAUSE_MS)
  const file = join(t.testdir({}), 'gateway.json')
  await writeFile(file, JSON.stringify({
    targets: [{ name: 'a', provider: 'openai', options: { baseURL: upstream.baseURL, model: 'm', apiKey: 'k', continuation: 'prefix' } }],
    models: { told: { targets: ['a'], midstreamFailover: 'continue', resumable: true } },
    default: 'told'
  }))
  const databaseUrl = await testDatabase(t)
  const all = { DATABASE_URL: databaseUrl, GATEWAY_CONFIG: file, STREAM_LOG_KEY: randomBytes(32).toString('hex'), ...env }
  return { replicas: await Promise.all(Array.from({ length: size }, async () => await startGateway(t, all))), databaseUrl, asked: () => upstream.requests.length }
}

/** Asks one replica, and goes on at the others, in turn, until the answer is complete. What has begun is stored. */
async function wholeFrom (first: GatewayProcess, others: readonly GatewayProcess[], onBegun: () => void): Promise<string> {
  let { id, text: frames, lastId } = await cutAfter(`${first.url}/v1/chat/completions`, Infinity, { onBegun })
  for (let join = 0; !heardIn(frames).complete && join < 10; join++) {
    const next = await joinAfter(others[join % others.length]?.url ?? '', id, lastId)
    frames += next.text
    lastId = Math.max(lastId, next.lastId)
  }
  return frames
}

t.test('killed: each client has the whole answer, each word once', { timeout: 300_000 }, async t => {
  const { replicas: [a, b, c] } = await fleet(t, 3)
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  let begun = 0
  const streams = Array.from({ length: STREAMS }, async (_, n) => {
    await delay(n * 2)
    return await wholeFrom(a, n % 2 === 0 ? [b, c] : [c, b], () => begun++)
  })
  await until('all have begun', () => begun === STREAMS)
  await delay(PAUSE_MS * 20) // well inside of all of them
  await a.kill()
  const heard = (await Promise.all(streams)).map(heardIn)
  t.equal(heard.filter(({ complete }) => complete).length, STREAMS)
  t.equal(heard.filter(({ text }) => text === STORY).length, STREAMS)
  t.equal(heard.filter(({ inOrder }) => inOrder).length, STREAMS)
  t.same(heard.flatMap(({ errors }) => errors), [])
  const took = [b, c].map(({ logs }) => logs.filter(({ msg }) => msg === 'stream taken over').length)
  t.equal(took[0] !== undefined && took[1] !== undefined ? took[0] + took[1] : 0, STREAMS, 'each was taken over once')
  t.notMatch([a, b, c].map(({ output }) => output).join('\n'), /wörd/, 'and nothing of it is logged')
  t.comment(`${STREAMS} streams, taken over ${took.join(' and ')}`)
})

t.test('told to end: what runs when its grace is over goes on elsewhere at once', { timeout: 300_000 }, async t => {
  const { replicas: [a, b] } = await fleet(t, 2, { SHUTDOWN_GRACE_MS: '500' })
  if (a === undefined || b === undefined) throw new Error('unreachable')
  let begun = 0
  const streams = Array.from({ length: 10 }, async () => await wholeFrom(a, [b], () => begun++))
  await until('all have begun', () => begun === 10)
  const ended = await a.stop()
  t.same(ended, { code: 0, signal: null })
  const heard = (await Promise.all(streams)).map(heardIn)
  t.same(heard.map(({ text, complete, inOrder }) => [text === STORY, complete, inOrder]), heard.map(() => [true, true, true]))
  t.same(heard.map(({ errors }) => errors), heard.map(() => ['stream_moved']), 'each was told where it stands')
  t.notMatch([...a.logs, ...b.logs].map(({ msg }) => msg), ['breaker opened'])
})

t.test('whoever uses our client notices nothing of it: one replica is killed, the next one ends, the last one carries all on', { timeout: 300_000 }, async t => {
  const { replicas: [a, b, c], asked } = await fleet(t, 3, { SHUTDOWN_GRACE_MS: '200' })
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  const front = await roundRobin(t)
  front.rotate([a.url, b.url, c.url])
  let begun = 0
  const told = Array.from({ length: 12 }, async () => {
    const stream = await streamCompletion({ baseURL: `${front.url}/v1`, request: { messages: [{ role: 'user', content: 'Tell it' }] } })
    let text = ''
    for await (const { choices } of stream) {
      if (stream.lastEventId === 1) begun++
      text += choices[0]?.delta.content ?? ''
    }
    return text
  })
  await until('all have begun', () => begun === 12)
  await delay(PAUSE_MS * 10)
  front.rotate([b.url, c.url])
  await a.kill()
  while (b.linesOf('stream taken over').length + c.linesOf('stream taken over').length < 4) await delay(20)
  front.rotate([c.url])
  t.same(await b.stop(), { code: 0, signal: null })
  t.same(await Promise.all(told), Array.from({ length: 12 }, () => STORY))
  t.equal(asked(), 12 + b.linesOf('stream taken over').length + c.linesOf('stream taken over').length, 'each is asked for once, and once by whoever takes it over')
})

t.test('killed between the head and the first stored frame: our client asks anew, and has all of it', { timeout: 300_000 }, async t => {
  const { replicas: [a, b], databaseUrl, asked } = await fleet(t, 2)
  if (a === undefined || b === undefined) throw new Error('unreachable')
  const front = await roundRobin(t)
  front.rotate([a.url])
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  t.teardown(async () => await sql.end())
  await sql`begin`
  await sql`lock table stream_segment in share mode` // what is read is read, and nothing is stored
  const stream = await streamCompletion({ baseURL: `${front.url}/v1`, request: { messages: [{ role: 'user', content: 'Tell it' }] } })
  const { id } = stream
  const chunks = stream[Symbol.asyncIterator]()
  const first = chunks.next()
  const waiting = async () => await sql`select pid from pg_locks where relation = 'stream_segment'::regclass and not granted`
  await until('its first frames wait', async () => (await waiting()).length > 0, 3_000)
  front.rotate([b.url])
  await a.kill()
  for (const { pid } of await waiting()) await sql`select pg_terminate_backend(${pid}::int)` // who has asked for it is gone
  await until('what it wanted to store is gone', async () => (await waiting()).length === 0, 3_000)
  await sql`rollback`
  let text = ''
  for (let next = await first; next.done !== true; next = await chunks.next()) text += next.value.choices[0]?.delta.content ?? ''
  t.equal(text, STORY)
  t.not(stream.id, id)
  t.equal(asked(), 2, 'it is asked for once by each')
})

t.test('frozen: its client stays where it is, and reads on when it is thawed what another one has carried on', { timeout: 300_000 }, async t => {
  const { replicas: [a, b], asked } = await fleet(t, 2)
  if (a === undefined || b === undefined) throw new Error('unreachable')
  const first = await cutAfter(`${a.url}/v1/chat/completions`, 3_000)
  const staying = joinAfter(a.url, first.id, first.lastId)
  while (asked() < 1) await delay(5)
  await delay(PAUSE_MS * 5)
  a.child.kill('SIGSTOP')
  const moved = await joinAfter(b.url, first.id, first.lastId)
  a.child.kill('SIGCONT')
  for (const rest of [moved, await staying]) {
    const { text, complete, inOrder, errors } = heardIn(first.text + rest.text)
    t.same([text === STORY, complete, inOrder, errors], [true, true, true, []])
  }
  t.equal(b.linesOf('stream taken over').length, 1)
})
