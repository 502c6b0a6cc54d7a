import { mock } from 'node:test'
import t from 'tap'
import { releaseStartMemory } from '../start-memory.ts'
import { until } from './support/gateway-process.ts'
import { useVirtualTime } from './support/virtual-timers.ts'

const MIB = 2 ** 20

t.test('what the start has left is collected in the first second without work, and then no more', async t => {
  const time = useVirtualTime(t)
  const loop = { idle: 0, active: 0, utilization: 1 }
  const { mock: utilization } = mock.method(performance, 'eventLoopUtilization', () => loop)
  t.teardown(() => utilization.restore())
  let garbage = Array.from({ length: 500_000 }, (_, i) => ({ i }))
  const before = process.memoryUsage().heapUsed
  t.equal(garbage.length, 500_000)
  garbage = []

  releaseStartMemory()
  await time.advance(60_000)
  t.equal(time.pending, 1, 'busy: it looks again')
  loop.utilization = 0.01
  await time.advance(1000)
  t.equal(time.pending, 0)
  await until('the garbage is gone', () => process.memoryUsage().heapUsed < before - 10 * MIB)
})
