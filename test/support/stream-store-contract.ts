/**
 * What every store of streams has to do, whatever it is made of.
 */
import { randomUUID } from 'node:crypto'
import type { Test } from 'tap'
import { frame } from '../../streams/sse-frames.ts'
import type { Segment } from '../../stream-log/frame-log.ts'
import type { NewStream, RequestClaim, StreamStore, StreamWrite } from '../../stream-log/stream-store.ts'

const TTL = 60_000

/** Frames from one number to another. */
export function segment (firstId: number, lastId: number): Segment {
  let text = ''
  for (let id = firstId; id <= lastId; id++) text += frame(id, `"ä ${id}"`)
  return { firstId, lastId, text }
}

function begun (change: Partial<NewStream> = {}): NewStream {
  return { id: randomUUID(), caller: 'ada', target: 'a', dialect: 'd', ...change }
}

function writeOf (id: string, change: Partial<StreamWrite> = {}): StreamWrite {
  return { id, begun: undefined, segment: undefined, ended: false, ...change }
}

/** Runs the whole contract against one store. `elapse` makes it believe that so many ms have passed. */
export async function testStreamStore (t: Test, store: StreamStore, elapse: (ms: number) => Promise<void>): Promise<void> {
  const textAfter = async (id: string, afterId: number) => (await store.read(id, afterId))?.segments.map(({ text }) => text).join('')

  await t.test('what is written is read from any position on, in order', async t => {
    const stream = begun()
    t.match(await store.write('r1', [writeOf(stream.id, { begun: stream, segment: segment(1, 3) })], TTL), { lost: [], deleted: [] })
    await store.write('r1', [writeOf(stream.id, { segment: segment(4, 4) }), writeOf(stream.id, {})].slice(0, 1), TTL)
    await store.write('r1', [writeOf(stream.id, { segment: segment(5, 9), ended: true })], TTL)
    t.match(await store.read(stream.id, 0), { caller: 'ada', target: 'a', state: 'ended', lastId: 9, segments: [segment(1, 3), segment(4, 4), segment(5, 9)] })
    t.same((await store.read(stream.id, 2))?.segments, [segment(1, 3), segment(4, 4), segment(5, 9)])
    t.same((await store.read(stream.id, 3))?.segments, [segment(4, 4), segment(5, 9)])
    t.same((await store.read(stream.id, 8))?.segments, [segment(5, 9)])
    t.same((await store.read(stream.id, 9))?.segments, [])
  })

  await t.test('several streams in one write, some of them new', async t => {
    const [a, b] = [begun(), begun({ caller: null })]
    await store.write('r1', [writeOf(a.id, { begun: a })], TTL)
    await store.write('r1', [writeOf(a.id, { segment: segment(1, 1) }), writeOf(b.id, { begun: b, segment: segment(1, 2), ended: true })], TTL)
    t.match(await store.read(a.id, 0), { state: 'running', lastId: 1 })
    t.match(await store.read(b.id, 0), { caller: null, state: 'ended', lastId: 2 })
  })

  await t.test('the same write again, or again with more, changes nothing but adds what is more', async t => {
    const stream = begun()
    const first = writeOf(stream.id, { begun: stream, segment: segment(1, 3) })
    await store.write('r1', [first], TTL)
    await store.write('r1', [first], TTL)
    await store.write('r1', [writeOf(stream.id, { begun: stream, segment: segment(4, 5), ended: true })], TTL)
    t.match(await store.write('r1', [writeOf(stream.id, { begun: stream, segment: segment(4, 5), ended: true })], TTL), { lost: [], deleted: [] })
    t.equal(await textAfter(stream.id, 0), segment(1, 5).text)
  })

  await t.test('there is nothing where there is nothing', async t => {
    t.equal(await store.read(randomUUID(), 0), undefined)
    t.equal(await store.read('no uuid', 0), undefined)
    await store.remove(randomUUID())
    await store.remove("'; drop table stream; --")
  })

  await t.test('a sign of life shows; one of a stream that is not there, or somebody else\'s, says so', async t => {
    const stream = begun()
    await store.write('r1', [writeOf(stream.id, { begun: stream })], TTL)
    const before = (await store.read(stream.id, 0))?.beat
    await elapse(5)
    const unknown = randomUUID()
    t.match(await store.beat('r1', [stream.id, unknown], TTL), { lost: [unknown], deleted: [] })
    t.not((await store.read(stream.id, 0))?.beat, before)
    t.match(await store.beat('r2', [stream.id], TTL), { lost: [stream.id], deleted: [] })
  })

  const lastFrame = (id: number, dialect: string) => frame(id, `"lost in ${dialect}"`)

  await t.test('who was declared lost writes nothing any more; the last frame says it, once', async t => {
    const stream = begun()
    await store.write('r1', [writeOf(stream.id, { begun: stream, segment: segment(1, 3) })], TTL)
    const beat = (await store.read(stream.id, 0))?.beat ?? ''
    const declared = await Promise.all([1, 2, 3].map(async () => await store.declareLost(stream.id, beat, lastFrame)))
    t.equal(declared.filter(Boolean).length, 1)
    t.match(await store.read(stream.id, 3), { state: 'lost', lastId: 4, segments: [{ firstId: 4, lastId: 4, text: frame(4, '"lost in d"') }] })
    t.match(await store.write('r1', [writeOf(stream.id, { segment: segment(4, 9), ended: true })], TTL), { lost: [stream.id], deleted: [] })
    t.match(await store.read(stream.id, 0), { state: 'lost', lastId: 4 })
    t.equal(await textAfter(stream.id, 0), segment(1, 3).text + frame(4, '"lost in d"'))
  })

  await t.test('who has given a sign of life meanwhile is not lost, nor who has ended', async t => {
    const stream = begun()
    await store.write('r1', [writeOf(stream.id, { begun: stream })], TTL)
    const beat = (await store.read(stream.id, 0))?.beat ?? ''
    await elapse(5)
    await store.beat('r1', [stream.id], TTL)
    t.notOk(await store.declareLost(stream.id, beat, () => ''))
    await store.write('r1', [writeOf(stream.id, { ended: true })], TTL)
    t.notOk(await store.declareLost(stream.id, (await store.read(stream.id, 0))?.beat ?? '', () => ''))
  })

  const beatOf = async (id: string) => (await store.read(id, 0))?.beat ?? ''
  const takeover = async (id: string, owner: string, beat: string, atMost = 3) => await store.takeOver({ id, beat, owner, ttlMs: TTL, atMost })

  await t.test('of many who want to take a silent stream over one gets it, with what was asked; its former owner is refused', async t => {
    const stream = begun({ request: '{"prompt": "ä"}' })
    await store.write('r1', [writeOf(stream.id, { begun: stream, segment: segment(1, 3) })], TTL)
    await elapse(5)
    const beat = await beatOf(stream.id)
    const taken = await Promise.all(['r2', 'r3', 'r4'].map(async owner => ({ owner, taken: await takeover(stream.id, owner, beat) })))
    const won = taken.filter(each => each.taken !== undefined)
    t.equal(won.length, 1)
    const owner = won[0]?.owner ?? ''
    t.same(won[0]?.taken?.stream, stream)
    t.match(won[0]?.taken, { lastId: 3, handedOver: false })
    t.ok((won[0]?.taken?.ageMs ?? 0) >= 5)
    t.match(await store.write('r1', [writeOf(stream.id, { segment: segment(4, 9), ended: true })], TTL), { lost: [stream.id], deleted: [] })
    t.match(await store.beat('r1', [stream.id], TTL), { lost: [stream.id] })
    t.match(await store.write(owner, [writeOf(stream.id, { segment: segment(4, 5), ended: true })], TTL), { lost: [], deleted: [] })
    t.match(await store.read(stream.id, 0), { state: 'ended', lastId: 5, target: 'a', caller: 'ada' })
    t.equal(await textAfter(stream.id, 0), segment(1, 5).text)
  })

  await t.test('who has given a sign of life is not taken over, nor who has ended or was deleted, nor what was asked without being kept', async t => {
    const [alive, ended, deleted, unkept] = [begun({ request: 'r' }), begun({ request: 'r' }), begun({ request: 'r' }), begun()]
    await store.write('r1', [alive, ended, deleted, unkept].map(stream => writeOf(stream.id, { begun: stream, segment: segment(1, 1) })), TTL)
    const before = await beatOf(alive.id)
    await elapse(5)
    await store.beat('r1', [alive.id], TTL)
    t.equal(await takeover(alive.id, 'r2', before), undefined)
    await store.write('r1', [writeOf(ended.id, { ended: true })], TTL)
    await store.remove(deleted.id)
    for (const { id } of [ended, deleted, unkept]) t.equal(await takeover(id, 'r2', await beatOf(id)), undefined)
    t.equal(await takeover(randomUUID(), 'r2', ''), undefined)
    t.ok(await store.declareLost(unkept.id, await beatOf(unkept.id), lastFrame))
  })

  await t.test('a stream is taken over so often, and no more', async t => {
    const stream = begun({ request: 'r' })
    await store.write('r1', [writeOf(stream.id, { begun: stream })], TTL)
    t.ok(await takeover(stream.id, 'r2', await beatOf(stream.id), 2))
    t.ok(await takeover(stream.id, 'r3', await beatOf(stream.id), 2))
    t.equal(await takeover(stream.id, 'r4', await beatOf(stream.id), 2), undefined)
    t.ok(await store.declareLost(stream.id, await beatOf(stream.id), lastFrame))
  })

  await t.test('who hands its streams over says so, and writes nothing any more; others\' it cannot', async t => {
    const [mine, other] = [begun({ request: 'r' }), begun({ request: 'r' })]
    await store.write('r1', [writeOf(mine.id, { begun: mine, segment: segment(1, 2) })], TTL)
    await store.write('r2', [writeOf(other.id, { begun: other })], TTL)
    t.match(await store.read(mine.id, 0), { handedOver: false })
    await store.handOver('r1', [mine.id, other.id])
    t.match(await store.read(mine.id, 0), { handedOver: true, state: 'running' })
    t.match(await store.read(other.id, 0), { handedOver: false })
    t.match(await store.write('r1', [writeOf(mine.id, { segment: segment(3, 3) })], TTL), { lost: [mine.id] })
    t.match(await takeover(mine.id, 'r2', await beatOf(mine.id)), { lastId: 2, handedOver: true })
    t.match(await store.read(mine.id, 0), { handedOver: false })
    t.match(await takeover(mine.id, 'r3', await beatOf(mine.id)), { handedOver: false }, 'r2 has not')
  })

  await t.test('what was asked is renewed by whose stream it is, while it runs, where it was kept', async t => {
    const [mine, other, unkept, ended] = [begun({ request: 'first' }), begun({ request: 'first' }), begun(), begun({ request: 'first' })]
    await store.write('r1', [mine, unkept, ended].map(stream => writeOf(stream.id, { begun: stream })), TTL)
    await store.write('r2', [writeOf(other.id, { begun: other })], TTL)
    await store.write('r1', [writeOf(ended.id, { ended: true })], TTL)
    for (const { id } of [mine, other, unkept, ended]) await store.renew('r1', id, 'second ä')
    t.equal((await takeover(mine.id, 'r3', await beatOf(mine.id)))?.stream.request, 'second ä')
    t.equal((await takeover(other.id, 'r3', await beatOf(other.id)))?.stream.request, 'first')
    for (const { id } of [unkept, ended]) t.equal(await takeover(id, 'r3', await beatOf(id)), undefined)
    await store.renew('r1', mine.id, 'third')
    t.equal((await takeover(mine.id, 'r4', await beatOf(mine.id)))?.stream.request, 'second ä', 'it is another\'s by now')
  })

  await t.test('its replica is told that it is read elsewhere, for a while', async t => {
    const [read, unread] = [begun(), begun()]
    t.same((await store.write('r1', [read, unread].map(stream => writeOf(stream.id, { begun: stream })), TTL)).followed, [])
    await store.read(read.id, 0)
    t.same((await store.beat('r1', [read.id, unread.id], TTL)).followed, [read.id])
    t.same((await store.write('r1', [read, unread].map(stream => writeOf(stream.id, { segment: segment(1, 1) })), TTL)).followed, [read.id])
    await elapse(11_000)
    t.same((await store.beat('r1', [read.id, unread.id], TTL)).followed, [])
  })

  await t.test('what is deleted has no frames any more, and its replica hears of it', async t => {
    const [running, ended] = [begun(), begun()]
    await store.write('r1', [writeOf(running.id, { begun: running, segment: segment(1, 3) }), writeOf(ended.id, { begun: ended, segment: segment(1, 3), ended: true })], TTL)
    for (const { id } of [running, ended]) {
      await store.remove(id)
      t.match(await store.read(id, 0), { state: 'deleted', segments: [] })
    }
    t.match(await store.beat('r1', [running.id], TTL), { lost: [], deleted: [running.id] })
    t.match(await store.write('r1', [writeOf(running.id, { segment: segment(4, 5) })], TTL), { lost: [], deleted: [running.id] })
    t.same((await store.read(running.id, 0))?.segments, [])
  })

  await t.test('it is forgotten when its time is over, which a sign of life prolongs', async t => {
    const [a, b] = [begun(), begun()]
    await store.write('r1', [writeOf(a.id, { begun: a, segment: segment(1, 1) }), writeOf(b.id, { begun: b, segment: segment(1, 1) })], TTL)
    await elapse(TTL - 5_000)
    await store.beat('r1', [b.id], TTL)
    await elapse(6_000)
    t.equal(await store.read(a.id, 0), undefined)
    t.match(await store.read(b.id, 0), { state: 'running' })
    await store.sweep()
    t.equal(await store.read(a.id, 0), undefined)
    t.match(await store.read(b.id, 0), { state: 'running', lastId: 1 })
  })

  const claimOf = (change: Partial<RequestClaim> = {}): RequestClaim => ({ id: randomUUID(), caller: 'ada', key: randomUUID(), dialect: 'd', digest: 'd', ...change })

  await t.test('of many who claim one name exactly one gets it, and all learn who', async t => {
    const key = randomUUID()
    const claims = Array.from({ length: 8 }, () => claimOf({ key }))
    const winners = await Promise.all(claims.map(async claim => await store.claim('r1', claim, TTL)))
    t.equal(new Set(winners.map(({ id }) => id)).size, 1)
    t.match(await store.read(winners[0]?.id ?? '', 0), { state: 'running', target: '', lastId: 0 })
  })

  await t.test('a name is its caller\'s own', async t => {
    const key = randomUUID()
    for (const caller of ['ada', 'eve', null]) {
      const claim = claimOf({ key, caller })
      t.equal((await store.claim('r1', claim, TTL)).id, claim.id)
    }
  })

  await t.test('what a stream is written in is known from its claim to its last frame', async t => {
    const claim = claimOf({ dialect: 'e' })
    await store.claim('r1', claim, TTL)
    t.match(await store.read(claim.id, 0), { dialect: 'e' })
    const unclaimed = begun({ dialect: 'f', request: 'r' })
    await store.write('r1', [writeOf(unclaimed.id, { begun: unclaimed, segment: segment(1, 1) })], TTL)
    t.match(await takeover(unclaimed.id, 'r2', await beatOf(unclaimed.id)), { stream: { dialect: 'f' } })
    for (const { id, dialect } of [claim, unclaimed]) {
      await store.declareLost(id, await beatOf(id), lastFrame)
      const { lastId = 0 } = await store.read(id, 0) ?? {}
      t.match(await store.read(id, 0), { dialect, state: 'lost' })
      t.equal(await textAfter(id, lastId - 1), frame(lastId, `"lost in ${dialect}"`))
    }
  })

  await t.test('a claimed stream begins with its first write, and keeps its name when it ends', async t => {
    const claim = claimOf()
    await store.claim('r1', claim, TTL)
    await store.write('r1', [writeOf(claim.id, { begun: { id: claim.id, caller: 'ada', target: 'a', dialect: 'd' }, segment: segment(1, 2), ended: true })], TTL)
    t.match(await store.read(claim.id, 0), { state: 'ended', target: 'a', lastId: 2 })
    t.match(await store.claim('r2', claimOf({ key: claim.key, digest: 'other' }), TTL), { id: claim.id, digest: 'd' })
  })

  await t.test('a name that was released, lost, deleted or has expired is free; a stream that has not begun is gone with it', async t => {
    const again = async (key: string) => {
      const claim = claimOf({ key })
      return (await store.claim('r2', claim, TTL)).id === claim.id
    }
    const unbegun = claimOf()
    await store.claim('r1', unbegun, TTL)
    await store.release(unbegun.id)
    t.equal(await store.read(unbegun.id, 0), undefined)
    t.ok(await again(unbegun.key))
    for (const end of ['release', 'declareLost', 'remove', 'expire'] as const) {
      const claim = claimOf()
      await store.claim('r1', claim, TTL)
      await store.write('r1', [writeOf(claim.id, { begun: { id: claim.id, caller: 'ada', target: 'a', dialect: 'd' }, segment: segment(1, 2) })], TTL)
      t.notOk(await again(claim.key))
      if (end === 'release') await store.release(claim.id)
      if (end === 'declareLost') await store.declareLost(claim.id, (await store.read(claim.id, 0))?.beat ?? '', lastFrame)
      if (end === 'remove') await store.remove(claim.id)
      if (end === 'expire') await elapse(TTL + 1)
      t.ok(await again(claim.key), end)
    }
  })
}
