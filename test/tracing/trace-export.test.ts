import t from 'tap'
import type { TracingConfig } from '../../config/tracing.ts'
import { TraceExport } from '../../tracing/trace-export.ts'
import type { TraceExportEvent } from '../../tracing/trace-export.ts'
import { until } from '../support/gateway-process.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'

const TRIES = 12_000

function open (url: string, sampling: TracingConfig['sampling'] = { parentBased: true, ratio: 1 }) {
  const events: TraceExportEvent[] = []
  const traces = new TraceExport({ url: `${url}/v1/traces`, headers: {}, resource: { 'service.name': 'test' }, sampling }, event => events.push(event))
  const tracer = traces.provider.getTracer('test')
  const span = (count: number) => { for (let n = 0; n < count; n++) tracer.startSpan('span').end() }
  return { traces, events, span }
}

t.test('a collector that does not answer costs a limited queue; what does not fit is lost, and counted at once', async t => {
  const receiver = await otlpReceiver(t)
  const pause = Promise.withResolvers<void>()
  receiver.pause = pause.promise
  const { traces, events, span } = open(receiver.url)
  span(3000)
  t.equal(traces.lost, 952)
  await until('an export is on its way', () => receiver.exports.length > 0, TRIES)
  span(10)
  t.equal(traces.lost, 962, 'what is on its way takes room, too')
  pause.resolve()
  await until('the rest has arrived', () => traces.exported === 2048, TRIES)
  span(1)
  await traces.close()
  t.equal(traces.exported, 2049)
  t.equal(receiver.spans.length, 2049)
  t.same(events, [])
})

t.test('the end does not wait for a collector that does not answer', async t => {
  const receiver = await otlpReceiver(t)
  receiver.pause = new Promise<void>(() => {})
  const { traces, span } = open(receiver.url)
  span(1)
  await traces.close()
  t.equal(traces.exported, 0)
})

t.test('nobody listens: it is said once, by its code', async t => {
  const receiver = await otlpReceiver(t)
  const { url } = receiver
  await receiver.close()
  const { traces, events, span } = open(url)
  span(3)
  await until('they are lost', () => traces.lost === 3, TRIES)
  t.match(events, [{ kind: 'lost', code: 'ECONNREFUSED' }])
  await traces.close()
})

t.test('of many traces the share that is asked for is kept', async t => {
  const receiver = await otlpReceiver(t)
  const { traces, span } = open(receiver.url, { parentBased: false, ratio: 0.25 })
  span(2000)
  await traces.close()
  t.ok(receiver.spans.length > 350 && receiver.spans.length < 650, 'a quarter, give or take six standard deviations')
})
