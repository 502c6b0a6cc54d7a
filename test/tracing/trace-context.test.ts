import { createTraceState, isSpanContextValid } from '@opentelemetry/api'
import fc from 'fast-check'
import t from 'tap'
import { headersOf, spanContextOf } from '../../tracing/trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

t.test('reads what the specification allows', async t => {
  const read = (traceparent: unknown, tracestate?: unknown) => spanContextOf({ traceparent, tracestate })
  const context = { traceId: TRACE, spanId: SPAN, traceFlags: 1, isRemote: true }
  t.match(read(`00-${TRACE}-${SPAN}-01`), context)
  t.match(read(` 00-${TRACE}-${SPAN}-01 `), context, 'blanks around a header\'s value are none of it')
  t.match(read(`00-${TRACE}-${SPAN}-03`), context, 'other flags say nothing of sampling')
  t.match(read(`00-${TRACE}-${SPAN}-02`), { traceFlags: 0 })
  t.match(read(`cc-${TRACE}-${SPAN}-01`), context, 'a later version')
  t.match(read(`cc-${TRACE}-${SPAN}-01-what.is-more`), context, 'which may have more')
  t.equal(read(`00-${TRACE}-${SPAN}-01`, 'a=1,b=2')?.traceState?.serialize(), 'a=1,b=2')
  t.equal(read(`00-${TRACE}-${SPAN}-01`, `a=${'x'.repeat(600)}`)?.traceState, undefined)
})

t.test('ignores what it does not', async t => {
  const wrong = [
    undefined, 7, ['a'], '', '00', `00-${TRACE}-${SPAN}`, `00-${TRACE}-${SPAN}-01-more`, `ff-${TRACE}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${TRACE}-${SPAN}-1`, `00-${TRACE}-${SPAN}-0x`, `0-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01.more`
  ]
  for (const traceparent of wrong) t.equal(spanContextOf({ traceparent }), undefined)
})

t.test('reads what it writes', async () => {
  const hex = (length: number) => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length }).filter(digits => /[^0]/.test(digits))
  fc.assert(fc.property(hex(32), hex(16), fc.constantFrom(0, 1), fc.constantFrom('', 'a=1', 'a=1,b@c=2'), (traceId, spanId, traceFlags, state) => {
    const headers = headersOf({ traceId, spanId, traceFlags, traceState: createTraceState(state) })
    const read = spanContextOf(headers)
    return read?.traceId === traceId && read.spanId === spanId && read.traceFlags === traceFlags && (read.traceState?.serialize() ?? '') === state
  }))
})

t.test('whatever is sent, it throws nothing, and what it reads is valid', async () => {
  const near = fc.tuple(fc.constantFrom('00', 'ff', '01', 'g0'), fc.string({ unit: fc.constantFrom('0', 'a', 'G'), maxLength: 33 }), fc.string({ unit: fc.constantFrom('0', 'b'), maxLength: 17 }), fc.string({ maxLength: 3 })).map(parts => parts.join('-'))
  fc.assert(fc.property(fc.oneof(fc.string(), near, fc.constant(`00-${TRACE}-${SPAN}-01`)), fc.string(), (traceparent, tracestate) => {
    const context = spanContextOf({ traceparent, tracestate })
    return context === undefined || (isSpanContextValid(context) && /^[\x20-\x7e]*$/.test(context.traceState?.serialize() ?? ''))
  }), { numRuns: 2000 })
})
