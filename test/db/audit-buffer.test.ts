import t from 'tap'
import { AUDIT_BATCH, AUDIT_CAPACITY, AUDIT_WRITE_TIMEOUT_MS, AuditBuffer } from '../../db/audit-buffer.ts'
import type { AttemptRow, GapRow } from '../../db/audit.ts'
import { attemptRecord } from '../support/attempts.ts'
import { VirtualTime } from '../support/virtual-time.ts'

function setup (capacity?: number) {
  const time = new VirtualTime()
  const log: string[] = []
  const state = { written: Array<AttemptRow>(), gaps: Array<GapRow>(), write: async () => {}, writeGap: async () => {} }
  const buffer = new AuditBuffer({
    write: async rows => {
      await state.write()
      state.written.push(...rows)
      log.push(`${rows.length} rows`)
    },
    writeGap: async gap => {
      state.gaps.push(gap)
      await state.writeGap()
    },
    capacity,
    isRejection: error => error instanceof TypeError,
    now: time.now,
    schedule: time.schedule,
    onLost: () => log.push('lost'),
    onBack: () => log.push('back')
  })
  const add = (count: number) => { for (let n = 0; n < count; n++) buffer.add(attemptRecord({ attemptNo: n })) }
  return { time, log, state, buffer, add }
}

t.test('writes in batches, with the age of each row', async t => {
  const { time, log, state, buffer, add } = setup()
  add(AUDIT_BATCH)
  await time.advance(200)
  add(1)
  await buffer.flush()
  t.same(log, [`${AUDIT_BATCH} rows`, '1 rows'])
  t.match([state.written[0]?.agoMs, state.written.at(-1)?.agoMs], [200, 0])
  t.equal(buffer.size, 0)
  t.equal(time.pending, 0)
  await buffer.flush()
  t.equal(log.length, 2, 'nothing waits, nothing is written')
})

t.test('keeps rows while the database is away, in order, and pauses longer each time', async t => {
  const { time, log, state, buffer, add } = setup()
  let tries = 0
  state.write = async () => {
    tries++
    throw new Error('down')
  }
  add(3)
  for (let n = 0; n < 70; n++) {
    await buffer.flushUnlessPaused()
    await time.advance(1_000)
  }
  // At 0, 1, 3, 7 s, and from there on each 5 s.
  t.equal(tries, 16)
  t.same(log, ['lost'])
  state.write = async () => {}
  await time.advance(5_000)
  await buffer.flushUnlessPaused()
  t.same(log, ['lost', '3 rows', 'back'])
  t.same(state.written.map(row => row.attemptNo), [0, 1, 2])
  t.same(state.gaps, [])
})

t.test('drops the oldest beyond its capacity, and writes down how many', async t => {
  for (const capacity of [undefined, 20]) {
    const { time, state, buffer, add } = setup(capacity)
    const most = capacity ?? AUDIT_CAPACITY
    add(most + 7)
    t.equal(buffer.size, most)
    t.equal(buffer.dropped, 7)
    await time.advance(40_000)
    await buffer.flush()
    t.equal(state.written.length, most)
    t.equal(state.written[0]?.attemptNo, 7)
    t.match(state.gaps, [{ lost: 7, sinceMs: 40_000 }])
    await buffer.flush()
    t.equal(state.gaps.length, 1, 'once')
  }
})

t.test('a batch that the database refuses is counted as lost, not tried for ever', async t => {
  const { state, buffer, add } = setup()
  state.write = async () => { throw new TypeError('bad row') }
  add(2)
  await buffer.flush()
  t.equal(buffer.size, 0)
  state.write = async () => {}
  await buffer.flush()
  t.match(state.gaps, [{ lost: 2 }])
})

t.test('a write that hangs is given up, and its rows are written again', async t => {
  const { time, state, buffer, add } = setup()
  state.write = async () => await new Promise(() => {})
  add(2)
  const flushed = buffer.flush()
  await time.advance(AUDIT_WRITE_TIMEOUT_MS)
  await flushed
  t.equal(buffer.size, 2)
  state.write = async () => {}
  await buffer.flush()
  t.equal(state.written.length, 2)
})

// A frozen database takes them all the same when it goes on: they would be there and counted as lost.
t.test('rows that a write was begun for are never dropped', async t => {
  const { time, state, buffer, add } = setup(AUDIT_BATCH + 10)
  state.write = async () => await new Promise(() => {})
  add(AUDIT_BATCH)
  const flushed = buffer.flush()
  add(30)
  await time.advance(AUDIT_WRITE_TIMEOUT_MS)
  await flushed
  add(5)
  t.equal(buffer.size, AUDIT_BATCH + 10)
  t.equal(buffer.dropped, 25)
  state.write = async () => {}
  await buffer.flush()
  const begun = Array.from({ length: AUDIT_BATCH }, (_, n) => n)
  t.same(state.written.map(row => row.attemptNo), [...begun, 25, 26, 27, 28, 29, 0, 1, 2, 3, 4], 'dropped are the oldest of the others')
  t.match(state.gaps, [{ lost: 25 }])
})

// Else the same loss would be noted twice, or the second time with more.
t.test('a gap that may be written twice is the same both times, and what is lost meanwhile is another', async t => {
  const { time, state, buffer, add } = setup(10)
  add(14)
  state.writeGap = async () => await new Promise(() => {})
  const flushed = buffer.flush()
  await time.advance(AUDIT_WRITE_TIMEOUT_MS)
  await flushed
  add(13)
  state.writeGap = async () => {}
  await buffer.flush()
  t.match(state.gaps, [{ lost: 4 }, { lost: 4, sinceMs: AUDIT_WRITE_TIMEOUT_MS }, { lost: 3, sinceMs: 0 }])
  const [first, again, other] = state.gaps.map(gap => gap.id)
  t.equal(first, again)
  t.not(other, first)
  t.equal(state.written.length, 20)
})
