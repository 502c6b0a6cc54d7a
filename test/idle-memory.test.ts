import { Session } from 'node:inspector/promises'
import { mock } from 'node:test'
import t from 'tap'
import { releaseIdleMemory } from '../idle-memory.ts'
import { until } from './support/gateway-process.ts'
import { useVirtualTime } from './support/virtual-timers.ts'

const MIB = 2 ** 20

t.test('what is not used is given back each time that the process is idle and has grown, and only then', async t => {
  const time = useVirtualTime(t)
  const loop = { idle: 0, active: 0, utilization: 1 }
  let resident = 100 * MIB
  const mocks = [
    mock.method(performance, 'eventLoopUtilization', () => loop),
    mock.method(process.memoryUsage, 'rss', () => resident),
    mock.method(Session.prototype, 'post') // which collects as ever
  ] as const
  t.teardown(() => { for (const { mock } of mocks) mock.restore() })
  const [,, collections] = mocks
  const looks = async (seconds: number) => {
    for (let second = 0; second < seconds; second++) {
      await time.advance(1000)
      await until('it will look again', () => time.pending === 1)
    }
    return collections.mock.callCount()
  }

  let garbage = Array.from({ length: 500_000 }, (_, i) => ({ i }))
  const before = process.memoryUsage().heapUsed
  t.equal(garbage.length, 500_000)
  garbage = []
  releaseIdleMemory()
  t.equal(await looks(60), 0, 'busy')
  loop.utilization = 0.01
  t.equal(await looks(1), 1, 'idle: what the start has left')
  t.ok(process.memoryUsage().heapUsed < before - 10 * MIB, 'the garbage is gone')
  t.equal(await looks(60), 1, 'once')
  resident = 163 * MIB
  t.equal(await looks(10), 1, 'grown by little')
  resident = 60 * MIB
  await looks(1)
  resident = 123 * MIB
  t.equal(await looks(10), 1, 'grown by little from where it had been since')
  resident = 124 * MIB
  t.equal(await looks(10), 2, 'grown by much: once more')
})
