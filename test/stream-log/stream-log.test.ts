/**
 * Streams that are kept, on two replicas with one store. In virtual time.
 */
import t from 'tap'
import { frame } from '../../streams/sse-frames.ts'
import { Fleet, TTL, all, join, keep, severable } from '../support/stream-fleet.ts'

t.test('readers here and elsewhere get the same frames from their positions on, while it runs and after it has ended', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const { id, queue } = keep(a)
  const here = await join(a, id)
  queue.offer('"1"')
  queue.offer('"2"')
  await fleet.time.advance(100)
  const elsewhere = await join(b, id, 1)
  await fleet.time.advance(0)
  t.equal(here.text, all(2))
  t.equal(elsewhere.text, frame(2, '"2"'))
  queue.offer('"3"')
  await fleet.time.advance(100)
  queue.close()
  await fleet.time.advance(100)
  t.equal(here.text, all(3, '[DONE]'))
  t.equal(elsewhere.text, all(3, '[DONE]').slice(all(1).length))
  t.same([here.ended, elsewhere.ended], ['in order', 'in order'])
  here.source.close()
  for (const log of [a, b]) {
    const later = await join(log, id, 3)
    await fleet.time.advance(0)
    t.equal(later.text, frame(4, '[DONE]'))
    t.equal(later.ended, 'in order')
    const nothing = await join(log, id, 4)
    await fleet.time.advance(0)
    t.same([nothing.text, nothing.ended], ['', 'in order'])
  }
  t.equal(a.size, 0, 'nothing stays in memory')
  await fleet.time.advance(TTL)
  const late = a.join(id, 'ada', 0)
  await fleet.time.advance(1_000)
  t.equal(await late, undefined, 'its time is over')
})

t.test('nobody else\'s stream can be joined or deleted', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const { id, abandoned } = keep(a)
  await fleet.time.advance(100)
  for (const log of [a, b]) {
    for (const caller of ['eve', null]) {
      t.equal(await log.join(id, caller, 0), undefined)
      t.equal(await log.remove(id, caller), false)
    }
  }
  t.equal(abandoned(), 0)
})

t.test('a client that is quicker at another replica than the stream\'s first write is waited for', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const { id, queue } = keep(a)
  queue.offer('"1"')
  const joining = join(b, id)
  await fleet.time.advance(1_000)
  t.equal((await joining).text, all(1))
})

t.test('a client that has more than is stored yet gets what follows that', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const { id, queue } = keep(a)
  queue.offer('"1"')
  await fleet.time.advance(100)
  const ahead = await join(b, id, 2)
  await fleet.time.advance(1_000)
  t.same([ahead.text, ahead.ended], ['', 'no'])
  queue.offer('"2"')
  queue.offer('"3"')
  await fleet.time.advance(1_000)
  t.equal(ahead.text, frame(3, '"3"'))
})

t.test('who comes back in time keeps it alive; where nobody does it is given up, and what was said stays for those who ask late', async t => {
  const fleet = new Fleet()
  const log = fleet.replica('a')
  const { id, queue, abandoned } = keep(log)
  const first = await join(log, id)
  queue.offer('"1"')
  await fleet.time.advance(TTL * 3)
  t.equal(abandoned(), 0, 'it is read')
  first.source.close()
  await fleet.time.advance(TTL - 1)
  const second = await join(log, id)
  second.source.close()
  await fleet.time.advance(TTL - 1)
  t.equal(abandoned(), 0)
  await fleet.time.advance(1)
  t.equal(abandoned(), 1)
  const late = await join(log, id)
  await fleet.time.advance(100)
  t.equal(late.text, all(1, '"given up"'))
  t.equal(late.ended, 'in order')
})

t.test('deleting it ends it where it runs, for readers everywhere, and nobody finds it any more', async t => {
  for (const where of ['a', 'b'] as const) {
    const fleet = new Fleet()
    const logs = { a: fleet.replica('a'), b: fleet.replica('b') }
    const { id, queue, abandoned } = keep(logs.a)
    queue.offer('"1"')
    await fleet.time.advance(100)
    const [here, elsewhere] = [await join(logs.a, id), await join(logs.b, id)]
    await fleet.time.advance(100)
    t.equal(await logs[where].remove(id, 'ada'), true)
    await fleet.time.advance(1_100) // the next sign of life
    t.equal(abandoned(), 1)
    t.equal(here.text, all(1, '"given up"'))
    t.match(elsewhere.ended, { name: 'FramesGoneError' })
    here.source.close()
    for (const log of [logs.a, logs.b]) {
      t.equal(await log.join(id, 'ada', 0), undefined)
      t.equal(await log.remove(id, 'ada'), false)
    }
    t.equal(logs.a.size, 0)
  }
})

t.test('when its replica dies readers are told within 6 s, all the same frame; should it come back, it is refused', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b, c] = [fleet.replica('a', link), fleet.replica('b'), fleet.replica('c')]
  const { id, queue, abandoned } = keep(a)
  queue.offer('"1"')
  await fleet.time.advance(3_000)
  const readers = [await join(b, id), await join(c, id, 1)]
  await fleet.time.advance(2_000)
  link.severed = true
  await fleet.time.advance(6_000)
  t.same(readers.map(({ text }) => text), [all(1, '"lost"'), frame(2, '"lost"')])
  t.same(readers.map(({ ended }) => ended), ['in order', 'in order'])
  queue.offer('"2"')
  link.severed = false
  await fleet.time.advance(10_000)
  t.equal(abandoned(), 1, 'it has heard of it')
  const late = await join(b, id)
  await fleet.time.advance(0)
  t.equal(late.text, all(1, '"lost"'))
})

t.test('a store that fails for everybody makes nobody lost', async t => {
  const fleet = new Fleet()
  const link = severable(fleet.store)
  const [a, b] = [fleet.replica('a', link), fleet.replica('b', link)]
  const { id, queue, abandoned } = keep(a)
  queue.offer('"1"')
  await fleet.time.advance(1_000)
  const [here, elsewhere] = [await join(a, id), await join(b, id)]
  await fleet.time.advance(2_000)
  link.severed = true
  await fleet.time.advance(20_000)
  queue.offer('"2"')
  await fleet.time.advance(1_000)
  t.equal(here.text, all(2), 'here it goes on')
  link.severed = false
  await fleet.time.advance(20_000)
  t.equal(abandoned(), 0)
  t.same(fleet.events, ['a lost', 'a back'])
  t.equal(elsewhere.text, all(1))
  t.match(elsewhere.ended, { name: 'StreamStoreTimeoutError' }, 'who reads it elsewhere is told after a while')
  const again = await join(b, id, 1)
  await fleet.time.advance(1_000)
  t.equal(again.text, frame(2, '"2"'))
  t.equal(again.ended, 'no')
})

t.test('a replica that ends leaves no timer behind', async t => {
  const fleet = new Fleet()
  const log = fleet.replica('a')
  const { queue } = keep(log)
  queue.offer('"1"')
  await fleet.time.advance(100)
  const closed = log.close(1_000)
  await fleet.time.advance(0)
  await closed
  t.equal(fleet.time.pending, 0)
})
