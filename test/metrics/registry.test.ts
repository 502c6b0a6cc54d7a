import fc from 'fast-check'
import t from 'tap'
import { MetricNameError, Registry } from '../../metrics/registry.ts'

t.test('a counter has a series for each set of labels that was counted', async t => {
  const registry = new Registry()
  const counter = registry.counter({ name: 'eaten_total', help: 'Eaten.', labelNames: ['who', 'what'] })
  counter.add({ who: 'cat', what: 'fish' })
  counter.add({ what: 'bone', who: 'dog' }, 2.5)
  counter.add({ who: 'cat', what: 'fish' }, 3)
  counter.add({ who: 'cat', what: 'bone' }, 0)
  t.same(await registry.collect(), [{
    kind: 'counter',
    together: 'sum',
    name: 'eaten_total',
    help: 'Eaten.',
    labelNames: ['who', 'what'],
    series: [{ labels: ['cat', 'fish'], value: 4 }, { labels: ['dog', 'bone'], value: 2.5 }, { labels: ['cat', 'bone'], value: 0 }]
  }])
})

t.test('a histogram puts what equals a bound below it, and what is above all into the last bucket', async t => {
  const registry = new Registry()
  const histogram = registry.histogram({ name: 'length_meters', help: 'Length.', labelNames: [], bounds: [1, 2] })
  for (const length of [0, 1, 1.5, 2, 2.5, 100]) histogram.observe({}, length)
  t.match(await registry.collect(), [{ kind: 'histogram', bounds: [1, 2], series: [{ labels: [], counts: [2, 2, 2], sum: 107 }] }])
})

t.test('a reading is read when it is asked for, also where that takes a while', async t => {
  const registry = new Registry()
  let value = 1
  registry.reading({ kind: 'gauge', name: 'now', help: 'Now.', labelNames: ['unit'], together: 'max', read: async () => [{ labels: { unit: 's' }, value }] })
  value = 2
  t.match(await registry.collect(), [{ kind: 'gauge', together: 'max', series: [{ labels: ['s'], value: 2 }] }])
})

t.test('what was collected does not change any more', async t => {
  const registry = new Registry()
  const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: [] })
  const histogram = registry.histogram({ name: 'y', help: 'Y.', labelNames: [], bounds: [1] })
  const count = () => {
    counter.add({})
    histogram.observe({}, 1)
  }
  count()
  const families = await registry.collect()
  count()
  t.match(families, [{ series: [{ value: 1 }] }, { series: [{ counts: [1, 0], sum: 1 }] }])
})

t.test('names are taken once, and are names', async t => {
  const registry = new Registry()
  registry.counter({ name: 'x_total', help: 'X.', labelNames: [] })
  t.throws(() => registry.counter({ name: 'x_total', help: 'X.', labelNames: [] }), MetricNameError)
  for (const name of ['', '1x', 'X', 'a-b', 'a b', 'a\n']) {
    t.throws(() => registry.counter({ name, help: 'X.', labelNames: [] }), MetricNameError)
    t.throws(() => registry.histogram({ name: 'y', help: 'X.', labelNames: [name], bounds: [] }), MetricNameError)
  }
  t.equal((await registry.collect()).length, 1)
})

t.test('sets of labels are never taken for another', async () => {
  const word = fc.oneof(fc.constantFrom('', 'a', 'b', 'ab', '\0', ',', '__proto__'), fc.string({ maxLength: 3 }))
  await fc.assert(fc.asyncProperty(fc.array(fc.record({ a: word, b: word })), async all => {
    const registry = new Registry()
    const counter = registry.counter({ name: 'x_total', help: 'X.', labelNames: ['a', 'b'] })
    for (const labels of all) counter.add(labels)
    const expected = Map.groupBy(all, ({ a, b }) => JSON.stringify([a, b]))
    const [family] = await registry.collect()
    if (family === undefined || family.kind === 'histogram') return false
    return family.series.length === expected.size && family.series.every(({ labels, value }) => expected.get(JSON.stringify(labels))?.length === value)
  }))
})
