import t from 'tap'
import { FleetMetrics } from '../../cluster/fleet-metrics.ts'
import type { Family } from '../../metrics/family.ts'
import { VirtualTime, settle } from '../support/virtual-time.ts'

/** One counter and one gauge. */
const families = (counted: number, now: number): Family[] => [
  { kind: 'counter', together: 'sum', name: 'c_total', help: 'C.', labelNames: [], series: [{ labels: [], value: counted }] },
  { kind: 'gauge', together: 'sum', name: 'g', help: 'G.', labelNames: [], series: [{ labels: [], value: now }] }
]
const valuesOf = (collected: readonly Family[]) => Object.fromEntries(collected.map(family => [family.name, family.kind === 'histogram' ? undefined : family.series[0]?.value]))

/** Workers that are letters, and asked by this test. */
class TestFleet {
  readonly time = new VirtualTime()
  readonly asked: string[] = []
  readonly metrics = new FleetMetrics<string>({ ask: worker => this.asked.push(worker), schedule: this.time.schedule })

  constructor (...workers: readonly string[]) {
    for (const worker of workers) this.metrics.joined(worker)
  }

  /** Collects while these workers answer. */
  async collect (answers: Readonly<Record<string, Family[]>>): Promise<Record<string, unknown>> {
    const collecting = this.metrics.collect()
    for (const [worker, answer] of Object.entries(answers)) this.metrics.measured(worker, answer)
    await this.time.advance(60_000)
    return valuesOf(await collecting)
  }
}

t.test('all workers are asked, and what they say is put together as soon as all have said it', async t => {
  const fleet = new TestFleet('a', 'b')
  const collecting = fleet.metrics.collect()
  t.same(fleet.asked, ['a', 'b'])
  fleet.metrics.measured('a', families(1, 10))
  fleet.metrics.measured('b', families(2, 20))
  t.same(valuesOf(await collecting), { c_total: 3, g: 30 })
  t.equal(fleet.time.pending, 0, 'no timer is left')
})

t.test('who asks meanwhile gets the same answer; later there is a new one', async t => {
  const fleet = new TestFleet('a')
  const both = [fleet.metrics.collect(), fleet.metrics.collect()]
  t.same(fleet.asked, ['a'])
  fleet.metrics.measured('a', families(1, 1))
  t.same((await Promise.all(both)).map(valuesOf), [{ c_total: 1, g: 1 }, { c_total: 1, g: 1 }])
  t.same(await fleet.collect({ a: families(2, 5) }), { c_total: 2, g: 5 })
  t.same(fleet.asked, ['a', 'a'])
})

t.test('a worker that does not answer in time counts with what it had counted, and no more', async t => {
  const fleet = new TestFleet('a', 'b')
  await fleet.collect({ a: families(1, 1), b: families(5, 5) })
  t.same(await fleet.collect({ a: families(2, 2) }), { c_total: 7, g: 2 })
  fleet.metrics.measured('b', families(9, 9)) // late
  t.same(await fleet.collect({ a: families(2, 2) }), { c_total: 11, g: 2 })
})

t.test('what a worker has counted stays when it ends, and when the next one begins anew', async t => {
  const fleet = new TestFleet('a', 'b')
  await fleet.collect({ a: families(10, 1), b: families(5, 1) })
  fleet.metrics.ended('a')
  fleet.metrics.measured('a', families(100, 100)) // it is no more
  t.same(await fleet.collect({ b: families(6, 1) }), { c_total: 16, g: 1 })
  fleet.metrics.joined('c')
  t.same(await fleet.collect({ b: families(6, 1), c: families(1, 1) }), { c_total: 17, g: 2 })
  fleet.metrics.ended('c')
  t.same(await fleet.collect({ b: families(6, 1) }), { c_total: 17, g: 1 })
})

t.test('a worker that ends instead of answering is not waited for', async t => {
  const fleet = new TestFleet('a', 'b')
  let collected: unknown
  void fleet.metrics.collect().then(families => { collected = valuesOf(families) })
  fleet.metrics.measured('a', families(1, 1))
  await settle()
  t.equal(collected, undefined)
  fleet.metrics.ended('b')
  await settle()
  t.same(collected, { c_total: 1, g: 1 })
})

t.test('without workers there is nothing', async t => {
  const fleet = new TestFleet()
  t.same(await fleet.metrics.collect(), [])
})
