import fc from 'fast-check'
import t from 'tap'
import { BatchPump } from '../../streams/batch-pump.ts'
import type { BatchEncoder } from '../../streams/batch-pump.ts'
import { BoundedQueue } from '../../streams/bounded-queue.ts'
import { settle } from '../support/virtual-time.ts'

const BRACKETS: BatchEncoder<string> = {
  encode: items => `[${items.join(' ')}]`,
  end: () => '[end]',
  fail: error => `[failed: ${error.message}]`
}

/** A sink that notes what it gets, and has enough when it is told so. */
class Sink {
  readonly pieces: string[] = []
  enough = false
  ended: 'in order' | Error | undefined
  write (text: string): boolean {
    this.pieces.push(text)
    return !this.enough
  }

  end (text: string): void {
    this.pieces.push(text)
    this.ended = 'in order'
  }

  abort (error: Error): void { this.ended = error }
}

function pumped (capacity: number, encoder: BatchEncoder<string> = BRACKETS): { queue: BoundedQueue<string>, sink: Sink, pump: BatchPump<string> } {
  const queue = new BoundedQueue<string>({ capacity })
  const sink = new Sink()
  return { queue, sink, pump: new BatchPump(queue, encoder, sink) }
}

t.test('a queue that fills up before the turn has ended is taken ahead once, and all leaves together', async t => {
  const { queue, sink, pump } = pumped(2)
  pump.pull()
  t.same(['a', 'b', 'c', 'd', 'e'].map(item => queue.offer(item)), ['accepted', 'accepted', 'accepted', 'accepted', 'full'], 'not without a bound')
  t.same(sink.pieces, [], 'nothing has left within the turn')
  await settle()
  t.same(sink.pieces, ['[a b][c d]'])
})

t.test('what holds nearly the bytes of a queue becomes no longer', async t => {
  for (const [maxBytes, pieces] of [[16, ['[aaaa bbbb]', '[cccc]']], [100, ['[aaaa bbbb][cccc]']]] as const) {
    const queue = new BoundedQueue<string>({ capacity: 2, maxBytes, sizeOf: text => 2 * text.length })
    const sink = new Sink()
    const pump = new BatchPump(queue, BRACKETS, sink)
    pump.pull()
    for (const item of ['aaaa', 'bbbb', 'cccc']) t.equal(queue.offer(item), 'accepted')
    await settle()
    t.same(sink.pieces, pieces)
  }
})

t.test('while a piece that held nearly the bytes of a queue waits in the sink, nothing is queued', async t => {
  const queue = new BoundedQueue<string>({ maxBytes: 16, sizeOf: text => 2 * text.length })
  const sink = new Sink()
  const pump = new BatchPump(queue, BRACKETS, sink)
  sink.enough = true
  for (const [item, next] of [['small', 'accepted'], ['nearly all of it', 'full']] as const) {
    pump.pull()
    queue.offer(item)
    await settle()
    t.equal(sink.pieces.at(-1), `[${item}]`)
    t.equal(queue.full, next === 'full')
    t.equal(queue.offer('next'), next)
    t.ok(queue.awaitsConsumer)
    pump.pull()
    t.equal(queue.full, false)
  }
})

t.test('nothing is taken ahead for a sink that has enough', async t => {
  const { queue, sink, pump } = pumped(2)
  sink.enough = true
  pump.pull()
  queue.offer('a')
  await settle()
  t.same(sink.pieces, ['[a]'])
  t.same(['b', 'c', 'd'].map(item => queue.offer(item)), ['accepted', 'accepted', 'full'])
  await settle()
  t.same(sink.pieces, ['[a]'])
  pump.pull()
  t.same(sink.pieces, ['[a]', '[b c]'])
})

t.test('the end leaves with what was queued before it', async t => {
  const { queue, sink, pump } = pumped(2)
  pump.pull()
  queue.offer('a')
  queue.close()
  await settle()
  t.same(sink.pieces, ['[a][end]'])
  t.equal(sink.ended, 'in order')
})

t.test('a failure without words comes after what was queued before it', async t => {
  const { queue, sink, pump } = pumped(2, { ...BRACKETS, fail: () => undefined })
  pump.pull()
  queue.offer('a')
  queue.fail(new Error('broken'))
  await settle()
  t.same(sink.pieces, ['[a]'])
  t.match(sink.ended, { message: 'broken' })
})

t.test('stopped, it cancels the queue and writes nothing any more', async t => {
  const { queue, sink, pump } = pumped(2)
  pump.pull()
  queue.offer('a')
  pump.stop(new Error('gone'))
  await settle()
  t.same(sink.pieces, [])
  t.match(queue.state, { kind: 'cancelled', reason: { message: 'gone' } })
})

t.test('whatever the order of offers, ends and pulls: every item once and in order, in pieces of at most two queues full', async t => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constant('offer' as const) },
    { weight: 2, arbitrary: fc.constant('put' as const) },
    { weight: 3, arbitrary: fc.constant('turn' as const) },
    { weight: 2, arbitrary: fc.constant('pull' as const) },
    { weight: 1, arbitrary: fc.constant('enough' as const) },
    { weight: 1, arbitrary: fc.constant('wants' as const) }
  )
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 60 }), fc.constantFrom('close' as const, 'fail' as const), async (capacity, steps, end) => {
    const { queue, sink, pump } = pumped(capacity, { encode: items => items.map(item => `${item} `).join(''), end: () => 'end', fail: () => 'failed' })
    const taken: string[] = []
    const puts: Promise<void>[] = []
    let next = 0
    for (const step of steps) {
      if (step === 'turn') await settle()
      else if (step === 'pull') pump.pull()
      else if (step === 'enough') sink.enough = true
      else if (step === 'wants') sink.enough = false
      else if (step === 'offer') {
        if (queue.offer(`${next}`) === 'accepted') taken.push(`${next++}`)
      } else {
        taken.push(`${next}`)
        puts.push(queue.put(`${next++}`))
      }
    }
    sink.enough = false
    while (puts.length > 0 && await Promise.race([Promise.all(puts).then(() => false), settle().then(() => true)])) pump.pull()
    queue[end === 'close' ? 'close' : 'fail'](new Error('broken'))
    for (let turn = 0; turn < 2; turn++) {
      pump.pull()
      await settle()
    }
    t.equal(sink.pieces.join(''), [...taken, end === 'close' ? 'end' : 'failed'].join(' '))
    t.ok(sink.pieces.every(piece => piece.trim().split(' ').length <= 2 * capacity + 1), sink.pieces.join('|'))
  }), { numRuns: 200 })
})

t.test('an encoder that can use no more ends the sink in order, and the producer is told', async t => {
  for (const queued of ['before the pull', 'after it', 'too many to wait for the turn\'s end']) {
    let over = false
    const { queue, sink, pump } = pumped(2, {
      get over () { return over },
      encode: items => {
        over ||= items.includes('last')
        return `[${items.join(' ')}]`
      },
      end: () => '[end]',
      fail: () => '[failed]'
    })
    if (queued !== 'before the pull') pump.pull()
    queue.offer('a')
    queue.offer('last')
    if (queued === 'too many to wait for the turn\'s end') queue.offer('late')
    if (queued === 'before the pull') pump.pull()
    await settle()
    t.match(sink.pieces.join(''), /^\[a last\]/, queued)
    t.notMatch(sink.pieces.join(''), /end|failed/)
    t.equal(sink.ended, 'in order')
    t.equal(queue.offer('more'), 'cancelled')
  }
})
