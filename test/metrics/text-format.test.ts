import fc from 'fast-check'
import t from 'tap'
import type { Family } from '../../metrics/family.ts'
import { textOf } from '../../metrics/text-format.ts'
import { PrometheusText } from '../support/prometheus-text.ts'

t.test('values and histograms, as Prometheus has them', async t => {
  t.equal(textOf([
    { kind: 'counter', together: 'sum', name: 'requests_total', help: 'Requests.', labelNames: ['code', 'method'], series: [{ labels: ['200', 'GET'], value: 1027 }, { labels: ['400', 'GET'], value: 3.5 }] },
    { kind: 'gauge', together: 'max', name: 'empty', help: 'Nothing\nyet \\ at all.', labelNames: ['a'], series: [] },
    { kind: 'gauge', together: 'max', name: 'plain', help: 'No labels.', labelNames: [], series: [{ labels: [], value: 1e-9 }] },
    { kind: 'histogram', name: 'latency_seconds', help: 'Latency.', labelNames: ['target'], bounds: [0.1, 1], series: [{ labels: ['a "b"\n\\'], counts: [2, 0, 1], sum: 7.5 }] }
  ]), `# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code="200",method="GET"} 1027
requests_total{code="400",method="GET"} 3.5
# HELP empty Nothing\\nyet \\\\ at all.
# TYPE empty gauge
# HELP plain No labels.
# TYPE plain gauge
plain 1e-9
# HELP latency_seconds Latency.
# TYPE latency_seconds histogram
latency_seconds_bucket{target="a \\"b\\"\\n\\\\",le="0.1"} 2
latency_seconds_bucket{target="a \\"b\\"\\n\\\\",le="1"} 2
latency_seconds_bucket{target="a \\"b\\"\\n\\\\",le="+Inf"} 3
latency_seconds_sum{target="a \\"b\\"\\n\\\\"} 7.5
latency_seconds_count{target="a \\"b\\"\\n\\\\"} 3
`)
  t.equal(textOf([]), '')
})

t.test('whatever the labels and values are, a reader gets them back', async () => {
  const value = fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.constantFrom(0, Infinity, -Infinity, 1e300))
  const label = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('"', '\\', '\n', 'n', '{', '}', ',', '=', ' '), { maxLength: 8 }).map(parts => parts.join('')))
  const series = fc.uniqueArray(fc.record({ labels: fc.tuple(label, label), value }), { selector: ({ labels }) => JSON.stringify(labels) })
  fc.assert(fc.property(series, series => {
    const gauge: Family = { kind: 'gauge', together: 'sum', name: 'x', help: 'Any.', labelNames: ['a', 'b'], series }
    const read = new PrometheusText(textOf([gauge])).samples('x')
    if (read.length !== series.length) return false
    return read.every(({ labels, value }, index) => labels['a'] === series[index]?.labels[0] && labels['b'] === series[index]?.labels[1] && value === series[index]?.value)
  }), { numRuns: 500 })
})

t.test('the tests\' reader refuses what is wrong', async t => {
  const head = '# HELP x X.\n# TYPE x gauge\n'
  const histogram = '# HELP h H.\n# TYPE h histogram\n'
  const wrong = [
    'x 1\n', '# HELP x X.\nx 1\n', `${head}x 1`, `${head}x\n`, `${head}x one\n`, `${head}x 1\nx 2\n`, `${head}y 1\n`, `${head}x{a=b} 1\n`, `${head}x{a="b",} 1\n`,
    `${head}x{a="\\x"} 1\n`, `${head}x{a="1",a="2"} 1\n`, `${head}${head}`, '# HELP x X.\n# TYPE x counter\n', '# HELP x_ms X.\n# TYPE x_ms gauge\n', '# HELP x_total X.\n# TYPE x_total counter\nx_total -1\n',
    `${histogram}h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n`, `${histogram}h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`, `${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n`,
    `${histogram}h_bucket{le="+Inf"} 1\nh_count 1\n`
  ]
  for (const [index, text] of wrong.entries()) t.throws(() => new PrometheusText(text), `case ${index}`)
  t.doesNotThrow(() => new PrometheusText(`${head}x{a="}\\"\\\\\\n"} +Inf\n${histogram}h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n`))
})
