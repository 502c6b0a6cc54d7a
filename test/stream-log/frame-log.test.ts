import fc from 'fast-check'
import t from 'tap'
import { FrameLog } from '../../stream-log/frame-log.ts'
import type { FrameReader } from '../../stream-log/frame-log.ts'
import { frame } from '../../streams/sse-frames.ts'

const frames = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => frame(from + n, `"${from + n}"`)).join('')
const SMALL = 200 // about six frames

function logOf (maxBytes = 1_000_000, maySkip = false, savedFirst = false): { log: FrameLog, room: () => number } {
  let rooms = 0
  return { log: new FrameLog({ maxBytes, maySkip: () => maySkip, onRoom: () => rooms++, savedFirst }), room: () => rooms }
}

t.test('each reader gets what follows its position, then what comes, then the end', async t => {
  const { log } = logOf()
  log.append(frames(1, 3))
  const [all, some] = [log.read(0), log.read(2)]
  t.same(all.take(), { kind: 'frames', text: frames(1, 3) })
  t.same(some.take(), { kind: 'frames', text: frames(3, 3) })
  t.same(all.take(), { kind: 'none' })
  const changed = all.changed()
  log.append(frames(4, 5))
  await changed
  t.same(all.take(), { kind: 'frames', text: frames(4, 5) })
  const ended = all.changed()
  log.end()
  await ended
  t.same(all.take(), { kind: 'end' })
  t.same(some.take(), { kind: 'frames', text: frames(4, 5) })
  t.same(some.take(), { kind: 'end' })
})

t.test('a reader that is closed no longer waits, and no longer counts', async t => {
  const { log } = logOf()
  const reader = log.read(0)
  const changed = reader.changed()
  t.equal(log.readers, 1)
  reader.close()
  reader.close()
  await changed
  await reader.changed()
  t.equal(log.readers, 0)
})

t.test('when it is full the producer waits until something of it is saved', async t => {
  const { log, room } = logOf(SMALL)
  t.equal(log.append(frames(1, 2)), true)
  t.equal(log.append(frames(3, 8)), false)
  log.read(0).take()
  t.equal(room(), 0, 'that it was read here does not help others')
  t.same(log.unsaved(), { firstId: 1, lastId: 8, text: frames(1, 8) })
  log.savedThrough(2)
  t.equal(room(), 0, 'what is left is too much by itself')
  log.savedThrough(8)
  t.equal(room(), 1)
  t.equal(log.unsaved(), undefined)
  t.equal(log.hasGap, false)
  t.same(log.find(0), { kind: 'left_out' })
})

t.test('while the store takes nothing, what all readers here have read is left out, and the stream goes on', async t => {
  const { log, room } = logOf(SMALL, true)
  const [quick, slow] = [log.read(0), log.read(0)]
  t.equal(log.append(frames(1, 8)), false)
  quick.take()
  t.equal(room(), 0)
  slow.take()
  t.equal(room(), 1)
  t.equal(log.hasGap, true)
  t.equal(log.append(frames(9, 9)), true)
  t.same(slow.take(), { kind: 'frames', text: frames(9, 9) })
  t.equal(log.firstId, 9)
})

t.test('where another replica may take it over, readers are shown what is saved, and the end when all of it is', async t => {
  const { log } = logOf(1_000_000, true, true)
  const reader = log.read(0)
  log.append(frames(1, 2))
  t.same(reader.take(), { kind: 'none' })
  const segment = log.unsaved()
  log.append(frames(3, 4))
  log.end()
  const changed = reader.changed()
  log.savedThrough(segment?.lastId ?? 0)
  await changed
  t.same(reader.take(), { kind: 'frames', text: frames(1, 2) })
  t.same(reader.take(), { kind: 'none' }, 'it has ended, but not all of it is saved')
  log.savedThrough(4)
  t.same(reader.take(), { kind: 'frames', text: frames(3, 4) })
  t.same(reader.take(), { kind: 'end' })
})

t.test('nothing of such a stream is left out that is not saved, even while the store takes nothing', async t => {
  const { log, room } = logOf(SMALL, true, true)
  log.read(0)
  t.equal(log.append(frames(1, 8)), false)
  log.review()
  t.same([room(), log.hasGap], [0, false])
  log.savedThrough(8)
  t.same([room(), log.hasGap], [1, false])
})

t.test('when nobody will take it over any more, all of it is shown', async t => {
  const log = new FrameLog({ maxBytes: SMALL, maySkip: () => false, onRoom: () => {}, savedFirst: true })
  const reader = log.read(0)
  log.append(frames(1, 2))
  const changed = reader.changed()
  log.showAll()
  await changed
  t.same(reader.take(), { kind: 'frames', text: frames(1, 2) })
})

t.test('of a stream that was taken over, what was before is left to the store', async t => {
  const log = new FrameLog({ maxBytes: SMALL, maySkip: () => false, onRoom: () => {}, savedFirst: true, after: 7 })
  t.same([log.lastId, log.firstId, log.unsaved()], [7, 8, undefined])
  t.same(log.find(3), { kind: 'left_out' })
  const reader = log.read(7)
  t.same(reader.take(), { kind: 'none' })
  log.append(frames(8, 9))
  t.same(log.unsaved(), { firstId: 8, lastId: 9, text: frames(8, 9) })
  log.savedThrough(9)
  t.same(reader.take(), { kind: 'frames', text: frames(8, 9) })
})

t.test('whatever comes in whatever order, readers get all frames once and in order, and the window is bounded', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('append'), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('read'), count: fc.nat(3) }),
    fc.record({ kind: fc.constant('save'), count: fc.nat(3) })
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), fc.boolean(), (steps, savedFirst) => {
    let room = true
    const log = new FrameLog({ maxBytes: SMALL, maySkip: () => false, onRoom: () => { room = true }, savedFirst })
    const readers: Array<{ reader: FrameReader, text: string }> = Array.from({ length: 3 }, () => ({ reader: log.read(0), text: '' }))
    let store = ''
    let id = 0
    const save = () => {
      const segment = log.unsaved()
      if (segment === undefined) return
      store += segment.text
      log.savedThrough(segment.lastId)
    }
    const read = (n: number) => {
      const each = readers[n % 3]
      if (each === undefined) return
      const found = each.reader.take()
      if (found.kind === 'frames') each.text += found.text
      if (savedFirst && each.text.length > store.length) throw new Error('a reader has what is not saved')
      if (found.kind === 'left_out') { // the store has it
        each.text = store
        each.reader.skipTo(Number(/id: (\d+)\n(?!.*id: )/s.exec(store)?.[1] ?? 0))
      }
    }
    for (const { kind, count } of steps) {
      if (kind === 'append' && room) {
        room = log.append(frames(id + 1, id + count))
        id += count
        if (log.bytes > SMALL + 400) throw new Error('the window is not bounded')
      }
      if (kind === 'read') read(count)
      if (kind === 'save') save()
    }
    save()
    if (!room) throw new Error('the producer waits for nothing')
    for (let n = 0; n < 6; n++) read(n)
    for (const { text } of readers) if (text !== frames(1, id)) throw new Error('a reader missed something')
    if (store !== frames(1, id)) throw new Error('the store missed something')
  }))
})
