import t from 'tap'
import { BoundedQueue } from '../../streams/bounded-queue.ts'

t.test('a later whenFits replaces an earlier one, even where the later one is called at once', async t => {
  const queue = new BoundedQueue<string>({ capacity: 2, maxBytes: 4, sizeOf: text => text.length })
  const calls: string[] = []
  queue.offer('aaa')
  queue.whenFits('too large', () => calls.push('first'))
  queue.whenFits('b', () => calls.push('second'))
  t.same(calls, ['second'])
  queue.poll()
  t.same(calls, ['second'])
})
