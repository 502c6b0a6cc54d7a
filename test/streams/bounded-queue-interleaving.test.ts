/**
 * Several producers and consumers on one queue, in every order in which their steps can come: nothing is lost, doubled
 * or overtaken, and the queue never holds more than it may.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { BoundedQueue } from '../../streams/bounded-queue.ts'

interface Item { readonly producer: number, readonly n: number }

/** Puts `count` items, giving way to the others before each; returns how many were taken. */
async function produce (s: fc.Scheduler, queue: BoundedQueue<Item>, producer: number, count: number): Promise<number> {
  for (let n = 0; n < count; n++) {
    await s.schedule(Promise.resolve(), `producer ${producer}`)
    try {
      await queue.put({ producer, n })
    } catch (error) {
      assert.ok(error instanceof Error && error.name === 'QueueCancelledError')
      return n
    }
    assert.ok(queue.size <= queue.capacity)
  }
  return count
}

/** Takes until the end, or until it has enough and cancels for everybody. */
async function consume (s: fc.Scheduler, queue: BoundedQueue<Item>, enough: number): Promise<Item[]> {
  const items: Item[] = []
  for (;;) {
    await s.schedule(Promise.resolve(), 'consumer')
    const result = await queue.next()
    if (result.done === true) return items
    items.push(result.value)
    if (items.length === enough) queue.cancel()
  }
}

function isAscending (items: readonly Item[], producer: number): boolean {
  const own = items.filter(item => item.producer === producer)
  return own.every(({ n }, i) => i === 0 || n > (own[i - 1]?.n ?? Infinity))
}

t.test('whatever the order of steps, everything put is taken once and in its producer\'s order', async () => {
  await fc.assert(fc.asyncProperty(
    fc.scheduler(),
    fc.integer({ min: 1, max: 3 }),
    fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 2 }),
    async (s, capacity, counts, consumers) => {
      const queue = new BoundedQueue<Item>({ capacity })
      const producing = Promise.all(counts.map((count, producer) => produce(s, queue, producer, count))).then(() => queue.close())
      const consuming = Promise.all(Array.from({ length: consumers }, () => consume(s, queue, Infinity)))
      await s.waitFor(Promise.all([producing, consuming]))
      const taken = await consuming
      for (const items of taken) for (const producer of counts.keys()) assert.ok(isAscending(items, producer))
      const names = (items: readonly Item[]) => items.map(({ producer, n }) => `${producer}/${n}`).sort()
      assert.deepEqual(names(taken.flat()), names(counts.flatMap((count, producer) => Array.from({ length: count }, (_, n) => ({ producer, n })))))
    }))
})

t.test('whenever the consumer cancels, every producer comes to an end and what was taken has no gaps', async () => {
  await fc.assert(fc.asyncProperty(
    fc.scheduler(),
    fc.integer({ min: 1, max: 3 }),
    fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
    fc.integer({ min: 1, max: 6 }),
    async (s, capacity, counts, enough) => {
      const queue = new BoundedQueue<Item>({ capacity })
      const producing = Promise.all(counts.map((count, producer) => produce(s, queue, producer, count))).then(accepted => {
        queue.close()
        return accepted
      })
      const consuming = consume(s, queue, enough)
      await s.waitFor(Promise.all([producing, consuming]))
      const items = await consuming
      const total = counts.reduce((sum, count) => sum + count, 0)
      assert.equal(items.length, Math.min(enough, total))
      for (const producer of counts.keys()) {
        const own = items.filter(item => item.producer === producer)
        assert.deepEqual(own.map(({ n }) => n), [...own.keys()])
      }
      assert.equal(queue.size, 0)
    }))
})
