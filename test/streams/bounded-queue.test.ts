import t from 'tap'
import { BoundedQueue, QueueCancelledError, QueueClosedError } from '../../streams/bounded-queue.ts'

async function collect (queue: BoundedQueue<string>): Promise<string[]> {
  const items: string[] = []
  for await (const item of queue) items.push(item)
  return items
}

async function forEach (queue: BoundedQueue<string>, visit: (item: string) => void): Promise<void> {
  for await (const item of queue) visit(item)
}

t.test('a capacity that is no positive integer, and a byte limit that is not positive, are refused', async t => {
  for (const capacity of [0, -1, 1.5, NaN, Infinity]) t.throws(() => new BoundedQueue({ capacity }), RangeError, String(capacity))
  for (const maxBytes of [0, -1, NaN]) t.throws(() => new BoundedQueue({ maxBytes }), RangeError, String(maxBytes))
  t.equal(new BoundedQueue().capacity, 100)
})

t.test('the 101st item waits for the first to be taken', async t => {
  const queue = new BoundedQueue<string>()
  for (let i = 0; i < 100; i++) t.equal(queue.offer(`${i}`), 'accepted')
  t.equal(queue.offer('100'), 'full')
  let done = false
  const put = queue.put('100').then(() => { done = true })
  await Promise.resolve()
  t.equal(done, false)
  t.equal(queue.poll(), '0')
  await put
  t.equal(queue.size, 100)
})

t.test('a look at the next item leaves it where it is', async t => {
  const queue = new BoundedQueue<string>({ capacity: 2 })
  t.equal(queue.peek(), undefined)
  for (const item of ['a', 'b']) queue.offer(item)
  t.same([queue.peek(), queue.size, queue.poll(), queue.peek()], ['a', 2, 'a', 'b'])
  queue.offer('c') // in the first slot again
  t.same([queue.poll(), queue.peek(), queue.poll(), queue.peek()], ['b', 'c', 'c', undefined])
  queue.offer('d')
  queue.cancel()
  t.equal(queue.peek(), undefined)
})

t.test('an offer does not overtake a put that waits, even where the put alone is too large', async t => {
  const queue = new BoundedQueue<string>({ capacity: 4, maxBytes: 4, sizeOf: text => text.length })
  queue.offer('aa')
  const put = queue.put('bbb')
  t.equal(queue.offer('c'), 'full')
  t.equal(queue.poll(), 'aa')
  await put
  t.equal(queue.offer('c'), 'accepted')
  t.same(queue.drain(), ['bbb', 'c'])
})

t.test('an item over the byte limit gets through, alone', async t => {
  const queue = new BoundedQueue<string>({ maxBytes: 4, sizeOf: text => text.length })
  t.equal(queue.offer('much too long'), 'accepted')
  t.equal(queue.bytes, 13)
  t.equal(queue.offer(''), 'full')
  t.equal(queue.poll(), 'much too long')
  t.equal(queue.bytes, 0)
  queue.offer('a')
  t.equal(queue.offer('much too long'), 'full')
})

t.test('closing lets the reader have what is queued, and refuses puts that wait', async t => {
  const queue = new BoundedQueue<string>({ capacity: 2 })
  queue.offer('a')
  queue.offer('b')
  const late = queue.put('c')
  queue.close()
  await t.rejects(late, QueueClosedError)
  t.throws(() => queue.offer('d'), QueueClosedError)
  await t.rejects(queue.put('d'), QueueClosedError)
  t.equal(queue.exhausted, false)
  t.same(await collect(queue), ['a', 'b'])
  t.equal(queue.exhausted, true)
  t.same(await queue.next(), { done: true, value: undefined })
})

t.test('a failure comes after what was queued before, and is the one that was first', async t => {
  const queue = new BoundedQueue<string>()
  queue.offer('a')
  queue.fail(new Error('first'))
  queue.fail(new Error('second'))
  queue.close()
  t.match(await queue.next(), { value: 'a' })
  await t.rejects(queue.next(), { message: 'first' })
  await t.rejects(queue.next(), { message: 'first' }, 'and again')
  t.throws(() => queue.offer('b'), QueueClosedError)
})

t.test('a take that waits is told of the end and of the failure', async t => {
  const [closed, failed, cancelled] = [new BoundedQueue<string>(), new BoundedQueue<string>(), new BoundedQueue<string>()]
  const results = Promise.allSettled([closed.next(), failed.next(), cancelled.next()])
  closed.close()
  failed.fail(new Error('broken'))
  cancelled.cancel()
  t.match(await results, [
    { status: 'fulfilled', value: { done: true } },
    { status: 'rejected', reason: { message: 'broken' } },
    { status: 'fulfilled', value: { done: true } }
  ])
})

t.test('cancelling drops what is queued, refuses puts and aborts the signal with the reason', async t => {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  const reason = new Error('client left')
  const { signal } = queue
  queue.offer('a')
  const waiting = queue.put('b')
  queue.cancel(reason)
  await t.rejects(waiting, { message: 'client left' })
  await t.rejects(queue.put('c'), { message: 'client left' })
  t.equal(queue.offer('c'), 'cancelled')
  t.equal(signal.aborted, true)
  t.equal(signal.reason, reason)
  t.equal(queue.size, 0)
})

t.test('the signal of a queue that was cancelled before anybody asked for it is aborted', async t => {
  const queue = new BoundedQueue<string>()
  queue.cancel()
  t.equal(queue.signal.aborted, true)
  t.ok(queue.signal.reason instanceof QueueCancelledError)
})

t.test('cancelling a queue that ended and was read to its end is no cancellation', async t => {
  const queue = new BoundedQueue<string>()
  queue.close()
  queue.cancel()
  t.equal(queue.state.kind, 'closed')
  t.equal(queue.signal.aborted, false)
})

t.test('leaving the loop early cancels, by break and by throw; reading to the end does not', async t => {
  const [left, thrown, read] = [new BoundedQueue<string>(), new BoundedQueue<string>(), new BoundedQueue<string>()]
  for (const queue of [left, thrown, read]) queue.offer('a')
  for await (const item of left) if (item === 'a') break
  t.equal(left.state.kind, 'cancelled')
  await t.rejects(forEach(thrown, item => { throw new Error(item) }), { message: 'a' })
  t.equal(thrown.state.kind, 'cancelled')
  read.close()
  t.same(await collect(read), ['a'])
  t.equal(read.state.kind, 'closed')
})

t.test('whenFits calls once, and only for the last one who asked', async t => {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  const calls: string[] = []
  queue.offer('a')
  queue.whenFits('b', () => calls.push('first'))
  queue.whenFits('b', () => calls.push('second'))
  t.same(calls, [])
  queue.poll()
  queue.offer('b')
  queue.poll()
  t.same(calls, ['second'])
})

t.test('a producer that goes on inside whenFits keeps the order', async t => {
  const queue = new BoundedQueue<number>({ capacity: 2 })
  let n = 0
  const produce = () => {
    while (n < 7) {
      if (queue.offer(n) === 'full') return queue.whenFits(n, produce)
      n++
    }
    queue.close()
  }
  produce()
  const taken: number[] = []
  while (!queue.exhausted) taken.push(...queue.drain())
  t.same(taken, [0, 1, 2, 3, 4, 5, 6])
})

t.test('a queue that is full asks a consumer that is on its way, once', async t => {
  const queue = new BoundedQueue<number>({ capacity: 2 })
  const taken: number[] = []
  let calls = 0
  queue.onReadable(() => {}, () => {
    calls++
    taken.push(...queue.drain())
  })
  t.same([1, 2, 3, 4, 5].map(item => queue.offer(item)), ['accepted', 'accepted', 'accepted', 'accepted', 'full'])
  t.same(taken, [1, 2])
  t.equal(calls, 1)
})

t.test('a put that finds the queue full asks it as well', async t => {
  const queue = new BoundedQueue<number>({ capacity: 1 })
  queue.onReadable(() => {}, () => { queue.poll() })
  await queue.put(1)
  await queue.put(2)
  t.same(queue.drain(), [2])
})

t.test('a consumer that has come is not asked', async t => {
  for (const take of ['poll', 'drain'] as const) {
    const queue = new BoundedQueue<number>({ capacity: 1 })
    queue.onReadable(() => {}, () => { t.fail('it has been here') })
    queue.offer(1)
    queue[take]()
    queue.offer(2)
    t.equal(queue.offer(3), 'full')
  }
})

t.test('a consumer that cancels when it is asked makes no room', async t => {
  const queue = new BoundedQueue<number>({ capacity: 1 })
  queue.onReadable(() => {}, () => { queue.cancel() })
  queue.offer(1)
  t.equal(queue.offer(2), 'cancelled')
})

t.test('whoever wants to know of the cancellation is told, before or after it, and of nothing else', async t => {
  const [cancelled, closed] = [new BoundedQueue<number>(), new BoundedQueue<number>()]
  const reasons: string[] = []
  cancelled.onCancel(reason => { reasons.push(`first: ${reason.message}`) })
  cancelled.onCancel(reason => { reasons.push(`second: ${reason.message}`) })
  cancelled.cancel(new Error('gone'))
  cancelled.cancel(new Error('again'))
  cancelled.onCancel(reason => { reasons.push(`late: ${reason.message}`) })
  t.same(reasons, ['first: gone', 'second: gone', 'late: gone'])
  closed.onCancel(() => { t.fail('it was not cancelled') })
  closed.close()
  closed.cancel()
})

t.test('corked, the consumer hears of nothing until all is there', async t => {
  const queue = new BoundedQueue<number>({ capacity: 3 })
  const heard: string[] = []
  queue.onReadable(complete => heard.push(complete ? 'all' : 'some'))
  queue.cork()
  queue.offer(1)
  queue.offer(2)
  t.same(heard, [])
  queue.uncork()
  t.same(heard, ['all'])
  queue.uncork()
  queue.drain()
  queue.onReadable(complete => heard.push(complete ? 'all' : 'some'))
  queue.cork()
  queue.uncork()
  t.same(heard, ['all'], 'nothing has come')
  queue.offer(3)
  t.same(heard, ['all', 'some'])
})

t.test('corked, the end is heard of at the uncorking, too, and what was taken ahead as well', async t => {
  const [closed, taken] = [new BoundedQueue<number>({ capacity: 1 }), new BoundedQueue<number>({ capacity: 1 })]
  const heard: string[] = []
  closed.onReadable(() => heard.push('closed'))
  closed.cork()
  closed.close()
  t.same(heard, [])
  closed.uncork()
  t.same(heard, ['closed'])
  taken.onReadable(() => heard.push('taken'), () => { taken.drain() })
  taken.cork()
  taken.offer(1)
  taken.offer(2)
  taken.poll()
  taken.uncork()
  t.same(heard, ['closed', 'taken'])
})
