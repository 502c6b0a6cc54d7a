/**
 * Streams whose replica is gone, and which another one carries on. On replicas with one store, in virtual time.
 */
import t from 'tap'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { ChunkFrames, frame } from '../../streams/sse-frames.ts'
import { dataOf } from '../../stream-log/frame-text.ts'
import type { StreamLog } from '../../stream-log/stream-log.ts'
import type { TakenStream } from '../../stream-log/stream-store.ts'
import { Fleet, TTL, all, join, keep, severable } from '../support/stream-fleet.ts'

/** What a replica was given to carry on, and how it does so. */
interface Carried {
  readonly taken: TakenStream
  readonly said: readonly string[]
  readonly queue: BoundedQueue<string>
  abandoned: number
}

/** Has a replica carry on what it is asked for. */
function carries (log: StreamLog): Carried[] {
  const carried: Carried[] = []
  log.carryOnBy(async (taken, said) => {
    const queue = new BoundedQueue<string>({ capacity: 100 })
    const heard: string[] = []
    for await (const some of said) heard.push(...dataOf(some))
    const frames = new ChunkFrames(({ message }) => JSON.stringify(message))
    frames.encode(heard)
    const each: Carried = { taken, said: heard, queue, abandoned: 0 }
    carried.push(each)
    return {
      queue,
      frames,
      onAbandon: () => {
        each.abandoned++
        queue.fail(new Error('given up'))
      }
    }
  })
  return carried
}

t.test('a replica dies: whoever is asked for its stream carries it on from what is saved, once, and all readers go on', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b, c] = [fleet.replica('a', link), fleet.replica('b'), fleet.replica('c')]
  const [byB, byC] = [carries(b), carries(c)]
  const { id, queue } = keep(a, 'ada', 'what was asked')
  queue.offer('"1"')
  queue.offer('"2"')
  await fleet.time.advance(2_000)
  link.severed = true
  const readers = [await join(b, id), await join(c, id, 1)]
  await fleet.time.advance(6_000)
  t.equal(byB.length + byC.length, 1)
  const [carried] = [...byB, ...byC]
  t.match(carried?.taken, { stream: { id, caller: 'ada', target: 'a', request: 'what was asked' }, lastId: 2 })
  t.same(carried?.said, ['"1"', '"2"'])
  carried?.queue.offer('"3"')
  await fleet.time.advance(1_000)
  carried?.queue.close()
  await fleet.time.advance(1_000)
  t.same(readers.map(({ text }) => text), [all(3, '[DONE]'), all(3, '[DONE]').slice(all(1).length)])
  t.same(readers.map(({ ended }) => ended), ['in order', 'in order'])
  t.equal(b.size + c.size, 0)
})

t.test('readers of a replica that was only frozen go on with what another one carries on, and see nothing that it had not saved', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b] = [fleet.replica('a', link), fleet.replica('b')]
  const byB = carries(b)
  const { id, queue, abandoned } = keep(a, 'ada', 'r')
  const here = await join(a, id)
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  link.severed = true
  queue.offer('"never saved"')
  const elsewhere = await join(b, id)
  await fleet.time.advance(6_000)
  byB[0]?.queue.offer('"2"')
  t.equal(here.text, all(1))
  link.severed = false
  await fleet.time.advance(6_000)
  t.equal(abandoned(), 1, 'its own upstream is given up')
  t.same([here.text, elsewhere.text], [all(2), all(2)])
  byB[0]?.queue.close()
  await fleet.time.advance(1_000)
  t.same([here.text, here.ended], [all(2, '[DONE]'), 'in order'])
  const late = await join(a, id, 1)
  await fleet.time.advance(1_000)
  t.equal(late.text, all(2, '[DONE]').slice(all(1).length), 'who asks it later is told the same')
  t.equal(a.size, 0)
})

t.test('who carries it on may die, too; but not more than three in a row', async t => {
  const fleet = new Fleet()
  const { id, queue } = keep(fleet.replica('first'), 'ada', 'r')
  queue.offer('"1"')
  await fleet.time.advance(100)
  fleet.time.clear()
  for (let death = 1; death <= 3; death++) {
    const log = fleet.replica(`r${death}`)
    const carried = carries(log)
    const reader = await join(log, id)
    await fleet.time.advance(6_000)
    t.equal(carried.length, 1)
    carried[0]?.queue.offer(`"${death + 1}"`)
    await fleet.time.advance(1_000)
    t.equal(reader.text, all(death + 1))
    fleet.time.clear()
  }
  const last = fleet.replica('last')
  const carried = carries(last)
  const reader = await join(last, id)
  await fleet.time.advance(6_000)
  t.equal(carried.length, 0)
  t.equal(reader.text, all(4, '"lost"'))
})

t.test('a replica that ends hands its streams over: the next one need not wait, and readers are told where they stand', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const byB = carries(b)
  const { id, queue } = keep(a, 'ada', 'r')
  const other = keep(a)
  const here = await join(a, id)
  queue.offer('"1"')
  other.queue.offer('"1"')
  await fleet.time.advance(100)
  queue.offer('"2"')
  const handedOver = a.handOver(1_000)
  await fleet.time.advance(100)
  await handedOver
  t.equal(queue.state.kind, 'cancelled', 'its upstream is not read any more')
  t.match(here.ended, { name: 'StreamMovedError' })
  t.equal(other.abandoned(), 0, 'what nobody can carry on stays')
  const elsewhere = await join(b, id)
  await fleet.time.advance(100)
  t.equal(byB.length, 1)
  t.ok(here.text === all(byB[0]?.taken.lastId ?? 0), 'they have what is saved')
  byB[0]?.queue.offer('"next"')
  await fleet.time.advance(1_000)
  t.ok(elsewhere.text.endsWith('"next"\n\n'))
  t.ok(elsewhere.text.startsWith(here.text))
  queue.offer('"too late"')
  await fleet.time.advance(10_000)
  t.notMatch(elsewhere.text, /late/)
})

t.test('a replica that ends takes nothing over', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b] = [fleet.replica('a', link), fleet.replica('b')]
  const byB = carries(b)
  const { id, queue } = keep(a, 'ada', 'r')
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  link.severed = true
  const reader = await join(b, id)
  await b.handOver(1_000)
  await fleet.time.advance(10_000)
  t.equal(byB.length, 0)
  t.match(reader.ended, { name: 'StreamMovedError' })
})

t.test('while the store fails, its readers wait; after half a minute they are told, and find all of it later', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const a = fleet.replica('a', link)
  const { id, queue } = keep(a, 'ada', 'r')
  const reader = await join(a, id)
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  link.severed = true
  queue.offer('"2"')
  await fleet.time.advance(30_000)
  t.same([reader.text, reader.ended], [all(1), 'no'])
  await fleet.time.advance(10_000)
  t.match(reader.ended, { name: 'StreamUnsavedError' })
  link.severed = false
  await fleet.time.advance(10_000)
  const again = await join(a, id, 1)
  await fleet.time.advance(0)
  t.equal(again.text, frame(2, '"2"'))
})

t.test('a stream that begins while the store fails is kept as one that nobody takes over: what is said is shown at once', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const a = fleet.replica('a', link)
  keep(a)
  link.severed = true
  await fleet.time.advance(10_000)
  const { id, queue } = keep(a, 'ada', 'r')
  const reader = await join(a, id)
  queue.offer('"1"')
  await fleet.time.advance(0)
  t.equal(reader.text, all(1))
})

t.test('deleted where it is carried on, it ends there', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b, c] = [fleet.replica('a', link), fleet.replica('b'), fleet.replica('c')]
  const byB = carries(b)
  const { id, queue } = keep(a, 'ada', 'r')
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  link.severed = true
  await join(b, id)
  await fleet.time.advance(6_000)
  t.equal(await c.remove(id, 'ada'), true)
  await fleet.time.advance(2_000)
  t.equal(byB[0]?.abandoned, 1)
  t.equal(b.size, 0)
})

t.test('it is carried on while somebody reads it, and no longer', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b] = [fleet.replica('a', link), fleet.replica('b')]
  const byB = carries(b)
  const { id, queue } = keep(a, 'ada', 'r')
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  link.severed = true
  const reader = await join(b, id)
  await fleet.time.advance(TTL * 3)
  t.equal(byB[0]?.abandoned, 0)
  reader.source.close()
  await fleet.time.advance(TTL * 2)
  t.equal(byB[0]?.abandoned, 1)
})

t.test('who takes a stream over is told what its replica has said last of it, be that before or after it was first stored', async t => {
  for (const when of ['at once', 'later']) {
    const fleet = new Fleet()
    const link = severable(fleet.store)
    const [a, b] = [fleet.replica('a', link), fleet.replica('b')]
    const carried = carries(b)
    const { id, queue } = keep(a, 'ada', 'first')
    const { id: plain } = keep(a)
    if (when === 'later') await fleet.time.advance(1_000)
    for (const each of [id, plain, 'nobody\'s']) await a.renew(each, 'second')
    queue.offer('"1"')
    await fleet.time.advance(1_000)
    link.severed = true
    await join(b, id)
    await fleet.time.advance(6_000)
    t.match(carried.map(({ taken }) => taken), [{ stream: { id, request: 'second' }, handedOver: false }], when)
  }
})

t.test('what cannot be renewed stays what it was, and the stream goes on', async t => {
  const fleet = new Fleet()
  const failing = { ...severable(fleet.store), renew: async () => { throw new Error('down') } }
  const [a, b] = [fleet.replica('a', failing), fleet.replica('b')]
  const carried = carries(b)
  const { id, queue } = keep(a, 'ada', 'first')
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  await a.renew(id, 'second')
  const reader = await join(a, id)
  queue.offer('"2"')
  await fleet.time.advance(1_000)
  t.equal(reader.text, all(2))
  const leaving = a.handOver(1_000)
  await fleet.time.advance(1_000)
  await leaving
  await join(b, id)
  await fleet.time.advance(1_000)
  t.match(carried.map(({ taken }) => taken), [{ stream: { request: 'first' }, handedOver: true }])
})
