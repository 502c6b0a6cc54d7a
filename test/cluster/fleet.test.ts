import fc from 'fast-check'
import t from 'tap'
import { Fleet } from '../../cluster/fleet.ts'
import type { FleetEvent, WorkerExit } from '../../cluster/fleet.ts'
import { settle, VirtualTime } from '../support/virtual-time.ts'

const FAILED: WorkerExit = { code: 1, signal: null }
const KILLED: WorkerExit = { code: null, signal: 'SIGKILL' }
const DRAINED: WorkerExit = { code: 0, signal: null }
/** Longer than any pause. */
const LONG_MS = 3_600_000

/** A fleet whose workers are numbers, from 1. */
class TestFleet {
  readonly time = new VirtualTime()
  readonly drained: number[] = []
  readonly events: Array<FleetEvent<number>> = []
  readonly fleet: Fleet<number>
  forked = 0
  code: 0 | 1 | undefined

  constructor (size: number) {
    this.fleet = new Fleet<number>({
      size,
      fork: () => ++this.forked,
      drain: worker => { this.drained.push(worker) },
      now: this.time.now,
      schedule: this.time.schedule,
      onEvent: event => { this.events.push(event) }
    })
    void this.fleet.over.then(code => { this.code = code })
    this.fleet.start()
  }

  get pauses (): number[] {
    return this.events.flatMap(event => event.kind === 'replaced' ? [event.nextInMs] : [])
  }

  serve (...workers: readonly number[]): this {
    for (const worker of workers) this.fleet.serves(worker)
    return this
  }
}

t.test('the first worker goes ahead; the others follow once it serves', async t => {
  const all = new TestFleet(3)
  t.same(all.fleet.workers, [1])
  all.serve(1)
  t.same(all.fleet.workers, [1, 2, 3])
  all.serve(1, 2, 3)
  t.equal(all.forked, 3, 'and no more than that')
})

t.test('the first worker ends by itself before it serves: it has said why, and no other is tried', async t => {
  const all = new TestFleet(2)
  all.fleet.ended(1, FAILED)
  await settle()
  t.equal(all.code, 1)
  t.equal(all.forked, 1)
  t.same(all.events, [{ kind: 'gave_up', worker: 1, exit: FAILED }])
})

t.test('first workers that are killed are replaced, more and more slowly, and given up after five', async t => {
  const all = new TestFleet(2)
  for (const worker of [1, 2, 3, 4]) {
    all.fleet.ended(worker, KILLED)
    t.equal(all.forked, worker, 'not at once')
    await all.time.advance(all.pauses.at(-1) ?? 0)
    t.same(all.fleet.workers, [worker + 1])
  }
  t.same(all.pauses, [100, 200, 400, 800])
  all.fleet.ended(5, KILLED)
  await all.time.advance(LONG_MS)
  t.equal(all.code, 1)
  t.equal(all.forked, 5)
})

t.test('a worker that ends is replaced, whatever its exit code, and the pause grows to 30 s', async t => {
  const all = new TestFleet(2).serve(1, 2)
  let worker = 2
  for (const exit of [KILLED, FAILED, DRAINED, KILLED, KILLED, KILLED, KILLED, KILLED, KILLED, KILLED, KILLED]) {
    all.fleet.ended(worker, exit)
    t.same(all.fleet.workers, [1])
    await all.time.advance(all.pauses.at(-1) ?? 0)
    t.same(all.fleet.workers, [1, ++worker])
    all.serve(worker)
  }
  t.same(all.pauses, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000])
  t.equal(all.code, undefined)
})

t.test('one that served for a minute is replaced as quickly as the first', async t => {
  const all = new TestFleet(2).serve(1, 2)
  all.fleet.ended(2, KILLED)
  await all.time.advance(100)
  all.serve(3)
  await all.time.advance(59_999)
  all.fleet.ended(3, KILLED)
  await all.time.advance(200)
  all.serve(4)
  await all.time.advance(60_000)
  all.fleet.ended(4, KILLED)
  t.same(all.pauses, [100, 200, 100])
})

t.test('each place has a pause of its own', async t => {
  const all = new TestFleet(3).serve(1, 2, 3)
  all.fleet.ended(2, KILLED)
  all.fleet.ended(3, KILLED)
  t.same(all.pauses, [100, 100])
})

t.test('as long as one serves, replacements that cannot start are tried for ever', async t => {
  const all = new TestFleet(2).serve(1)
  for (let worker = 2; worker < 30; worker++) {
    all.fleet.ended(worker, FAILED)
    await all.time.advance(30_000)
  }
  t.equal(all.code, undefined)
  t.same(all.fleet.workers, [1, 30])
})

t.test('when none serves any more, and replacements do not start, it is given up, and those that still try are ended', async t => {
  const all = new TestFleet(2).serve(1, 2)
  all.fleet.ended(1, KILLED)
  all.fleet.ended(2, KILLED)
  await all.time.advance(100)
  t.same(all.fleet.workers, [3, 4])
  for (let worker = 3; worker <= 6; worker++) {
    all.fleet.ended(worker === 3 ? 3 : worker + 1, FAILED)
    await all.time.advance(30_000)
  }
  t.same(all.fleet.workers.sort(), [4, 8])
  all.fleet.ended(8, FAILED)
  t.same(all.drained, [4])
  await settle()
  t.equal(all.code, undefined, 'it waits for the one that still tries')
  all.fleet.ended(4, DRAINED)
  await settle()
  t.equal(all.code, 1)
})

t.test('a worker that served in between starts the count anew', async t => {
  const all = new TestFleet(1).serve(1)
  let worker = 1
  for (const attempt of [1, 2, 3]) {
    for (let failed = 0; failed < 4; failed++) {
      all.fleet.ended(worker++, KILLED)
      await all.time.advance(30_000)
    }
    t.equal(all.code, undefined, `attempt ${attempt}`)
    all.serve(worker)
    all.fleet.ended(worker++, KILLED)
    await all.time.advance(30_000)
    all.serve(worker)
  }
})

t.test('a drain asks all that run, those that start as well, and is over when they have ended', async t => {
  const all = new TestFleet(3).serve(1, 2)
  all.fleet.drain()
  t.same(all.drained, [1, 2, 3])
  all.fleet.ended(3, KILLED)
  all.fleet.ended(1, DRAINED)
  await settle()
  t.equal(all.code, undefined)
  all.fleet.ended(2, DRAINED)
  await settle()
  t.equal(all.code, 0)
  t.same(all.events, [], 'ends that were asked for are no events')
})

t.test('a drain calls off replacements that were due', async t => {
  const all = new TestFleet(2).serve(1, 2)
  all.fleet.ended(2, KILLED)
  all.fleet.drain()
  t.equal(all.time.pending, 0)
  all.fleet.ended(1, DRAINED)
  await all.time.advance(LONG_MS)
  t.equal(all.code, 0)
  t.equal(all.forked, 2)
})

t.test('a drain while a replacement is all there is, is over at once', async t => {
  const all = new TestFleet(1).serve(1)
  all.fleet.ended(1, KILLED)
  all.fleet.drain()
  await settle()
  t.equal(all.code, 0)
})

t.test('one that breaks off in the drain makes it a failure', async t => {
  const all = new TestFleet(2).serve(1, 2)
  all.fleet.drain()
  all.fleet.drain()
  t.same(all.drained, [1, 2], 'asked once')
  all.fleet.ended(1, KILLED)
  all.fleet.ended(2, DRAINED)
  await settle()
  t.equal(all.code, 1)
})

t.test('whatever happens, there are never more workers than places, and a drain always comes to an end', async () => {
  type Step = { do: 'serve' | 'fail' | 'kill' | 'exit', which: number } | { do: 'wait', ms: number }
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constantFrom('serve' as const, 'fail' as const, 'kill' as const, 'exit' as const), which: fc.nat(7) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(70_000) })
  )
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 40 }), async (size, steps) => {
    const all = new TestFleet(size)
    for (const step of steps) {
      const { workers } = all.fleet
      if (step.do === 'wait') await all.time.advance(step.ms)
      else {
        const worker = workers[step.which % Math.max(1, workers.length)] ?? 0
        if (step.do === 'serve') all.fleet.serves(worker)
        else all.fleet.ended(worker, step.do === 'fail' ? FAILED : step.do === 'kill' ? KILLED : DRAINED)
      }
      const running = all.fleet.workers.length
      if (running > size || running + all.time.pending > size) throw new Error(`${running} run, ${all.time.pending} are due, ${size} wanted`)
      await settle()
      if (all.code === undefined && running + all.time.pending === 0) throw new Error('nothing runs, nothing is due, and it is not over')
    }
    all.fleet.drain()
    for (const worker of all.fleet.workers) all.fleet.ended(worker, DRAINED)
    const { forked } = all
    await all.time.advance(LONG_MS)
    if (all.code === undefined || all.forked !== forked || all.time.pending > 0) throw new Error('it goes on')
  }), { numRuns: 300 })
})
