import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import t from 'tap'
import type { KeptTrace } from '../../failover/kept-request.ts'
import { takeoverSpan } from '../../tracing/takeover-span.ts'
import { SpanJournal } from '../support/span-journal.ts'

const TRACE = 'a'.repeat(32)
const KEPT: KeptTrace = { traceparent: `00-${TRACE}-${'b'.repeat(16)}-01`, tracestate: 'vendor=value', request: `00-${TRACE}-${'c'.repeat(16)}-01` }
const TAKEN = { requestId: 'r-1', model: 'told', from: 'a', handedOver: false, frames: 7 }

function begin (trace?: KeptTrace) {
  const journal = new SpanJournal()
  return { journal, takeover: takeoverSpan(journal.provider.getTracer('test'), { ...TAKEN, ...trace === undefined ? {} : { trace } }, () => 'closed') }
}

t.test('it is below the caller\'s span, with a link to the request\'s own, and its attempts are below it', t => {
  const { journal, takeover } = begin(KEPT)
  const observer = takeover.observe({ request: { messages: [] }, target: 'a', provider: 'openai', model: 'm', stream: true, number: 2, beside: false, carrying: true, server: undefined })
  takeover.ended({ outcome: 'ok', error: undefined })
  const [span] = journal.ended
  t.match(span, {
    name: 'take over stream',
    kind: SpanKind.INTERNAL,
    parentSpanContext: { traceId: TRACE, spanId: 'b'.repeat(16) },
    attributes: { 'gateway.request_id': 'r-1', 'gateway.model': 'told', 'gateway.takeover.from': 'a', 'gateway.takeover.frames': 7, 'gateway.takeover.handed_over': false, 'gateway.outcome': 'ok' },
    links: [{ context: { traceId: TRACE, spanId: 'c'.repeat(16) } }],
    status: { code: SpanStatusCode.UNSET }
  })
  const own = span?.spanContext()
  t.same(takeover.logFields, { trace_id: TRACE, span_id: own?.spanId })
  t.match(observer.headers, { traceparent: new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`), tracestate: 'vendor=value' })
  t.notMatch(observer.headers, { traceparent: new RegExp(own?.spanId ?? '') })
  t.end()
})

t.test('without a context, or with one that is none, it begins a trace of its own', t => {
  for (const trace of [undefined, { traceparent: 'none', request: 'none' }]) {
    const { journal, takeover } = begin(trace)
    takeover.ended({ outcome: 'left', error: undefined })
    t.equal(journal.ended[0]?.parentSpanContext, undefined)
    t.same(journal.ended[0]?.links, [])
    t.notOk('gateway.error' in (journal.ended[0]?.attributes ?? {}))
  }
  t.end()
})

t.test('one that could not be carried on is an error', t => {
  const { journal, takeover } = begin(KEPT)
  takeover.ended({ outcome: 'broken', error: 'stream_lost' })
  t.match(journal.ended, [{ status: { code: SpanStatusCode.ERROR }, attributes: { 'gateway.outcome': 'broken', 'gateway.error': 'stream_lost', 'error.type': 'stream_lost' } }])
  t.end()
})
