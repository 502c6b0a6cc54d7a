import { mock } from 'node:test'
import { PerformanceObserver, constants } from 'node:perf_hooks'
import t from 'tap'
import { releaseIdleMemory } from '../idle-memory.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import { useVirtualTime } from './support/virtual-timers.ts'

const MIB = 2 ** 20

t.test('memory is given back when a load is over and it has grown, and only then', async t => {
  const time = useVirtualTime(t)
  const loop = { idle: 0, active: 0, utilization: 1 }
  let resident = 100 * MIB
  const mocks = [
    mock.method(performance, 'eventLoopUtilization', () => loop),
    mock.method(process.memoryUsage, 'rss', () => resident)
  ]
  let collections = 0
  const observer = new PerformanceObserver(list => {
    for (const entry of list.getEntries()) {
      const detail: unknown = Reflect.get(entry, 'detail')
      // Not those by V8 itself, and not those at the start, which are not told from them.
      if (isJsonObject(detail) && (Number(detail['flags']) & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) collections++
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  t.teardown(() => {
    observer.disconnect()
    for (const { mock } of mocks) mock.restore()
  })
  /** How many collections there have been after so many seconds at this load. */
  const after = async (seconds: number, utilization: number) => {
    loop.utilization = utilization
    await time.advance(seconds * 1000)
    for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve)) // they are told later
    return collections
  }

  let garbage = Array.from({ length: 500_000 }, (_, i) => ({ i }))
  t.equal(garbage.length, 500_000, 'there is garbage')
  garbage = []
  const before = process.memoryUsage().heapUsed
  releaseIdleMemory()
  await after(5, 0.9)
  t.ok(process.memoryUsage().heapUsed > before - 10 * MIB, 'it starts')
  await after(1, 0.05)
  t.ok(process.memoryUsage().heapUsed < before - 10 * MIB, 'it has started: the garbage is gone')
  resident = 300 * MIB
  t.equal(await after(5, 0.05), 0, 'it has grown without a load')
  resident = 131 * MIB
  t.equal(await after(5, 0.9), 0, 'under load')
  t.equal(await after(5, 0.3), 0, 'a load that is not over')
  t.equal(await after(12, 0.05), 0, 'it has grown by little')
  resident = 60 * MIB
  t.equal(await after(5, 0.05), 0, 'V8 goes on by itself')
  resident = 92 * MIB
  await after(5, 0.9)
  t.equal(await after(9, 0.05), 0, 'a pause')
  await after(1, 0.2)
  t.equal(await after(9, 0.05), 0, 'and one more, with a request between them')
  t.equal(await after(5, 0.05), 1, 'a load is over, and it has grown by much from where it had been since: once')
})
