import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import type { Context, Tracer } from '@opentelemetry/api'
import type { AttemptObserver, ObserveAttempt } from '../failover/attempt-observer.ts'
import { FIRST_OUTPUT, beginningOf, endOf, identityOf, isError, nameOf } from './attributes.ts'
import { headersOf } from './trace-context.ts'

/** What a log line says of a span. */
export function logFieldsOf ({ traceId, spanId }: { readonly traceId: string, readonly spanId: string }): Readonly<Record<string, string>> {
  return { trace_id: traceId, span_id: spanId }
}

/**
 * Follows the attempts of one request: a client span for each, below the request's own.
 * @param parent holds the request's span
 * @param stateOf a target's breaker state
 */
export function attemptSpans (tracer: Tracer, parent: Context, stateOf: (target: string) => string | undefined): ObserveAttempt {
  return attempt => {
    const span = tracer.startSpan(nameOf(attempt), { kind: SpanKind.CLIENT }, parent)
    const context = span.spanContext()
    const recorded = span.isRecording() // most may not be sampled
    if (recorded) span.setAttributes(beginningOf(attempt, stateOf(attempt.target)))
    const observer: AttemptObserver = {
      headers: headersOf(context),
      logFields: logFieldsOf(context),
      answers: json => { if (recorded) span.setAttributes(identityOf(json)) },
      begun: () => { span.addEvent(FIRST_OUTPUT) },
      ended: record => {
        if (recorded) {
          span.setAttributes(endOf(record))
          if (isError(record.reason)) span.setStatus({ code: SpanStatusCode.ERROR, message: record.class })
        }
        span.end()
      }
    }
    return observer
  }
}
