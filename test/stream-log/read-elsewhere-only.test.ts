/**
 * Guards against a stream being given up while it is read: its replica counted its own readers only, and so ended it under
 * those at other replicas when its time without a reader was over.
 */
import t from 'tap'
import { Fleet, TTL, all, join, keep } from '../support/stream-fleet.ts'

t.test('a stream that is read at another replica only goes on, until that reader leaves', async t => {
  const fleet = new Fleet()
  const [a, b] = [fleet.replica('a'), fleet.replica('b')]
  const { id, queue, abandoned } = keep(a)
  queue.offer('"1"')
  await fleet.time.advance(100)
  const reader = await join(b, id)
  await fleet.time.advance(TTL * 5)
  t.equal(abandoned(), 0)
  queue.offer('"2"')
  await fleet.time.advance(1_000)
  t.equal(reader.text, all(2))
  reader.source.close()
  await fleet.time.advance(TTL * 2)
  t.equal(abandoned(), 1)
})
