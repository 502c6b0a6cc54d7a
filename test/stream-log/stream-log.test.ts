/**
 * Streams that are kept, on two replicas with one store. In virtual time.
 */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import type { FrameSource } from '../../stream-log/frame-source.ts'
import { MemoryStreamStore } from '../../stream-log/memory-store.ts'
import { StreamLog } from '../../stream-log/stream-log.ts'
import type { StreamStore } from '../../stream-log/stream-store.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { ChunkFrames, frame } from '../../streams/sse-frames.ts'
import { VirtualTime } from '../support/virtual-time.ts'

const TTL = 30_000

class Fleet {
  readonly time = new VirtualTime()
  readonly store = new MemoryStreamStore(this.time.now)
  readonly events: string[] = []

  replica (owner: string, store: StreamStore = this.store, maxBytes?: number): StreamLog {
    return new StreamLog({
      store,
      owner,
      ttlMs: TTL,
      maxBytes,
      now: this.time.now,
      schedule: this.time.schedule,
      lastFrame: id => frame(id, '"lost"'),
      onStore: ({ kind }) => this.events.push(`${owner} ${kind}`)
    })
  }
}

/** A stream that a replica keeps, fed by the test. */
function keep (log: StreamLog, caller: string | null = 'ada'): { id: string, queue: BoundedQueue<string>, abandoned: () => number } {
  const id = randomUUID()
  const queue = new BoundedQueue<string>({ capacity: 10 })
  let abandoned = 0
  const onAbandon = () => {
    abandoned++
    queue.fail(new Error('given up'))
  }
  log.keep({ begun: { id, caller, target: 'a' }, queue, frames: new ChunkFrames(({ message }) => JSON.stringify(message)), onAbandon })
  return { id, queue, abandoned: () => abandoned }
}

/** Reads on until nothing comes at once. */
class Reader {
  text = ''
  ended: 'no' | 'in order' | Error = 'no'
  readonly source: FrameSource

  constructor (source: FrameSource) {
    this.source = source
    void this.#run()
  }

  async #run (): Promise<void> {
    try {
      for (let text = await this.source.next(); text !== undefined; text = await this.source.next()) this.text += text
      this.ended = 'in order'
    } catch (error) {
      this.ended = error instanceof Error ? error : new Error('unknown')
    }
  }
}

async function join (log: StreamLog, id: string, afterId = 0, caller: string | null = 'ada'): Promise<Reader> {
  const joined = await log.join(id, caller, afterId)
  if (joined === undefined) throw new Error('there is no such stream')
  t.equal(joined.target, 'a')
  return new Reader(joined.source)
}

const all = (count: number, ...end: readonly string[]) => [...Array.from({ length: count }, (_, n) => `"${n + 1}"`), ...end].map((data, n) => frame(n + 1, data)).join('')

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

/** A store that one replica cannot reach any more, as if that were frozen or cut off. */
function severable (store: StreamStore): StreamStore & { severed: boolean } {
  const link = { severed: false }
  const through = <T>(ask: () => Promise<T>): Promise<T> => link.severed ? new Promise<T>(() => {}) : ask()
  return {
    get severed () { return link.severed },
    set severed (severed) { link.severed = severed },
    claim: async (...args) => await through(() => store.claim(...args)),
    release: async (...args) => await through(() => store.release(...args)),
    write: async (...args) => await through(() => store.write(...args)),
    beat: async (...args) => await through(() => store.beat(...args)),
    read: async (...args) => await through(() => store.read(...args)),
    declareLost: async (...args) => await through(() => store.declareLost(...args)),
    remove: async (...args) => await through(() => store.remove(...args)),
    sweep: async () => await through(() => store.sweep())
  }
}

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
