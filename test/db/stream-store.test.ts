import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'drizzle-orm'
import t from 'tap'
import type { Database } from '../../db/database.ts'
import { FrameCipher } from '../../db/frame-cipher.ts'
import { openPglite } from '../../db/pglite.ts'
import { openPostgres } from '../../db/postgres.ts'
import { PostgresStreamStore } from '../../db/stream-store.ts'
import { testDatabase } from '../support/postgres.ts'
import { segment, testStreamStore } from '../support/stream-store-contract.ts'

/** Makes all stored streams `ms` older. */
async function rewindStreams (database: Database, ms: number): Promise<void> {
  const by = sql`${ms}::float8 * interval '1 millisecond'`
  await database.execute(sql`update stream set begun_at = begun_at - ${by}, beat_at = beat_at - ${by}, followed_until = followed_until - ${by}, expires_at = expires_at - ${by}`)
}

const TTL = 60_000

t.test('the PostgreSQL store fulfils the contract', async t => {
  const database = await openPostgres(await testDatabase(t), 4)
  t.teardown(async () => await database.close())
  await testStreamStore(t, new PostgresStreamStore(database, new FrameCipher([])), async ms => await rewindStreams(database, ms))
})

t.test('so does PGlite, with sealed frames', async t => {
  const database = await openPglite('memory://')
  t.teardown(async () => await database.close())
  await testStreamStore(t, new PostgresStreamStore(database, new FrameCipher([randomBytes(32)])), async ms => await rewindStreams(database, ms))
})

t.test('nothing of an answer is in the tables where there is a key, and without the key nobody reads it', async t => {
  const database = await openPostgres(await testDatabase(t), 2)
  t.teardown(async () => await database.close())
  const key = randomBytes(32)
  const store = new PostgresStreamStore(database, new FrameCipher([key]))
  const stream = { id: randomUUID(), caller: null, target: 'a', dialect: 'd', request: 'what was asked' }
  await store.write('r1', [{ id: stream.id, begun: stream, segment: segment(1, 3), ended: false }], TTL)
  const [asked] = await database.execute<{ request: string }>(sql`select encode(request, 'escape') as request from stream`)
  t.match(asked, { request: /./ })
  t.notMatch(asked?.request, /asked/)
  await store.write('r1', [{ id: stream.id, begun: undefined, segment: undefined, ended: true }], TTL)
  t.same(await database.execute(sql`select request from stream`), [{ request: null }], 'it is forgotten when the stream has ended')
  const rows = await database.execute<{ body: string }>(sql`select encode(body, 'escape') as body from stream_segment`)
  t.equal(rows.length, 1)
  t.notMatch(rows[0]?.body, /data|id: 1/)
  await t.rejects(new PostgresStreamStore(database, new FrameCipher([randomBytes(32)])).read(stream.id, 0), { name: 'SealBrokenError' })
  const rotated = new PostgresStreamStore(database, new FrameCipher([randomBytes(32), key]))
  t.same((await rotated.read(stream.id, 0))?.segments, [segment(1, 3)])
})

t.test('what is new of a stream is announced while somebody elsewhere reads it, and only then', async t => {
  const database = await openPostgres(await testDatabase(t), 4)
  t.teardown(async () => await database.close())
  const store = new PostgresStreamStore(database, new FrameCipher([]))
  const heard: string[] = []
  const listening = Promise.withResolvers<void>()
  const stop = database.listen?.('stream', { onNotification: id => heard.push(id), onListening: () => listening.resolve() })
  await listening.promise
  const [unread, read] = [randomUUID(), randomUUID()].map(id => ({ id, caller: null, target: 'a', dialect: 'd' }))
  if (unread === undefined || read === undefined) throw new Error('unreachable')
  const write = async (stream: typeof read, from: number, to: number) => await store.write('r1', [{ id: stream.id, begun: stream, segment: segment(from, to), ended: false }], TTL)
  await write(unread, 1, 2)
  await write(read, 1, 2)
  await store.read(read.id, 0)
  await write(unread, 3, 4)
  await write(read, 3, 4)
  await store.remove(read.id) // comes last: what was announced before has arrived by then
  while (heard.length < 2) await new Promise(resolve => { setImmediate(resolve) })
  t.same(heard, [read.id, read.id])
  await stop?.()
})
