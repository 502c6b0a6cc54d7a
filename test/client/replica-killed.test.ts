/**
 * A replica that is killed when its client has the head of the answer, and nothing of it is stored.
 */
import postgres from 'postgres'
import t from 'tap'
import { streamCompletion } from '../../client/index.ts'
import { until } from '../support/gateway-process.ts'
import { STORY, fleet } from '../support/replicas.ts'
import { roundRobin } from '../support/round-robin.ts'

t.test('killed between the head and the first stored frame: the client asks anew, and has all of it', { timeout: 300_000 }, async t => {
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
