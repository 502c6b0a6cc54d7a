import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Tracer } from '@opentelemetry/api'
import type { ObserveAttempt } from '../failover/attempt-observer.ts'
import type { KeptTrace } from '../failover/kept-request.ts'
import { attemptSpans, logFieldsOf } from './attempt-spans.ts'
import { withoutGaps } from './attributes.ts'
import { spanContextOf } from './trace-context.ts'

/** A stream of another replica as it is taken over. */
export interface BegunTakeover {
  /** Where its request is; undefined: it is not traced, or kept by a version that did not say. */
  readonly trace?: KeptTrace
  readonly requestId: string
  /** What was asked for, by a name that the configuration has. */
  readonly model: string
  /** Who spoke. */
  readonly from: string
  /** Its replica had let go of it in order. */
  readonly handedOver: boolean
  /** How many frames its client may have. */
  readonly frames: number
}

/** What became of it; words as those of requests. */
export interface EndedTakeover {
  readonly outcome: 'ok' | 'broken' | 'left'
  /** The code that its client was told; undefined: none. */
  readonly error: string | undefined
}

/** Follows one takeover, and the attempts that it takes. */
export interface TracedTakeover {
  readonly observe: ObserveAttempt
  /** What log lines of it say beside the rest. */
  readonly logFields: Readonly<Record<string, string>>
  /** Told once. */
  ended (end: EndedTakeover): void
}

/** A span in the caller's trace, with a link to that of the request, which its replica may have taken along. */
export function takeoverSpan (tracer: Tracer, { trace: kept, requestId, model, from, handedOver, frames }: BegunTakeover, stateOf: (target: string) => string | undefined): TracedTakeover {
  const parent = kept === undefined ? undefined : spanContextOf(kept)
  const request = kept?.request === undefined ? undefined : spanContextOf({ traceparent: kept.request })
  const around = parent === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent)
  const span = tracer.startSpan('take over stream', {
    kind: SpanKind.INTERNAL,
    links: request === undefined ? [] : [{ context: request }],
    attributes: {
      'gateway.request_id': requestId,
      'gateway.model': model,
      'gateway.takeover.from': from,
      'gateway.takeover.frames': frames,
      'gateway.takeover.handed_over': handedOver
    }
  }, around)
  return {
    observe: attemptSpans(tracer, trace.setSpan(around, span), stateOf),
    logFields: logFieldsOf(span.spanContext()),
    ended: ({ outcome, error }) => {
      span.setAttributes(withoutGaps({ 'gateway.outcome': outcome, 'gateway.error': error, 'error.type': outcome === 'broken' ? error : undefined }))
      if (outcome === 'broken') span.setStatus({ code: SpanStatusCode.ERROR })
      span.end()
    }
  }
}
