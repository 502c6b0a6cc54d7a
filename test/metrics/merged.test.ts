import t from 'tap'
import type { Family, Together } from '../../metrics/family.ts'
import { countedOf, merged } from '../../metrics/merged.ts'

const counter = (...series: ReadonlyArray<readonly [string, number]>): Family =>
  ({ kind: 'counter', together: 'sum', name: 'c_total', help: 'C.', labelNames: ['a'], series: series.map(([label, value]) => ({ labels: [label], value })) })
const gauge = (value: number, together: Together): Family => ({ kind: 'gauge', together, name: together, help: 'G.', labelNames: [], series: [{ labels: [], value }] })
const histogram = (counts: readonly number[], sum: number): Family => ({ kind: 'histogram', name: 'h', help: 'H.', labelNames: [], bounds: [1], series: [{ labels: [], counts, sum }] })

t.test('counters and histograms are added up, series by series', async t => {
  t.same(merged([[counter(['x', 1], ['y', 2]), histogram([1, 2], 5)], [histogram([3, 0], 1)], [counter(['y', 3], ['z', 4])]]), [
    counter(['x', 1], ['y', 5], ['z', 4]), histogram([4, 2], 6)
  ])
})

t.test('gauges become what each says', async t => {
  const of = (value: number) => [gauge(value, 'sum'), gauge(value, 'max'), gauge(value, 'min')]
  t.same(merged([of(2), of(5), of(1)]), [gauge(8, 'sum'), gauge(5, 'max'), gauge(1, 'min')])
})

t.test('one collection stays what it is, and none is none', async t => {
  const families = [counter(['x', 1]), gauge(3, 'max'), histogram([1, 1], 2)]
  t.same(merged([families]), families)
  t.same(merged([families, []]), families)
  t.same(merged([]), [])
})

t.test('of a process that is gone there is what it counted', async t => {
  t.same(countedOf([counter(['x', 1]), gauge(3, 'max'), histogram([1, 1], 2)]), [counter(['x', 1]), histogram([1, 1], 2)])
})
