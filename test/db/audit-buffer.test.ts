import t from 'tap'
import { AUDIT_BATCH, AUDIT_CAPACITY, AUDIT_WRITE_TIMEOUT_MS, AuditBuffer } from '../../db/audit-buffer.ts'
import type { AttemptRow } from '../../db/audit.ts'
import { attemptRecord } from '../support/attempts.ts'
import { VirtualTime } from '../support/virtual-time.ts'

function setup () {
  const time = new VirtualTime()
  const log: string[] = []
  const state = { written: Array<AttemptRow>(), gaps: Array<{ lost: number, sinceMs: number }>(), write: async () => {} }
  const buffer = new AuditBuffer({
    write: async rows => {
      await state.write()
      state.written.push(...rows)
      log.push(`${rows.length} rows`)
    },
    writeGap: async (lost, sinceMs) => { state.gaps.push({ lost, sinceMs }) },
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
  // At 0, 1, 3, 7, 15, 31 and 61 s.
  t.equal(tries, 7)
  t.same(log, ['lost'])
  state.write = async () => {}
  await time.advance(30_000)
  await buffer.flushUnlessPaused()
  t.same(log, ['lost', '3 rows', 'back'])
  t.same(state.written.map(row => row.attemptNo), [0, 1, 2])
  t.same(state.gaps, [])
})

t.test('drops the oldest beyond its capacity, and writes down how many', async t => {
  const { time, state, buffer, add } = setup()
  state.write = async () => { throw new Error('down') }
  add(AUDIT_CAPACITY)
  await buffer.flush()
  add(7)
  t.equal(buffer.size, AUDIT_CAPACITY)
  t.equal(buffer.dropped, 7)
  await time.advance(40_000)
  state.write = async () => {}
  await buffer.flush()
  t.equal(state.written.length, AUDIT_CAPACITY)
  t.equal(state.written[0]?.attemptNo, 7)
  t.same(state.gaps, [{ lost: 7, sinceMs: 40_000 }])
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
