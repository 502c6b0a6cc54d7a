import { createTraceState, isSpanContextValid } from '@opentelemetry/api'
import type { SpanContext } from '@opentelemetry/api'

/**
 * W3C Trace Context, in and out. Not by OpenTelemetry's propagators: the one that is set is the whole process's, and a
 * process may have none.
 * @see https://www.w3.org/TR/trace-context/
 */

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** Of later versions this much is read as if it were this one. */
const VERSION = '00'
const NO_VERSION = 'ff'
/** What has to be passed on at the least, in characters; what is longer is dropped whole. */
const MAX_TRACESTATE = 512

/** What the caller's headers say; undefined: it has sent no context, or none that is valid. */
export function spanContextOf ({ traceparent, tracestate }: { readonly traceparent?: unknown, readonly tracestate?: unknown }): SpanContext | undefined {
  if (typeof traceparent !== 'string') return undefined
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent.trim()) ?? []
  if (version === undefined || version === NO_VERSION || (version === VERSION && more !== undefined)) return undefined
  const context: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true }
  if (!isSpanContextValid(context)) return undefined // zeros
  if (typeof tracestate !== 'string' || tracestate.length > MAX_TRACESTATE) return context
  return { ...context, traceState: createTraceState(tracestate) }
}

/** As headers of requests. A type, not an interface: so it is one of any headers, too. */
export type TraceHeaders = { readonly traceparent: string, readonly tracestate?: string }

/** The headers that hand a context on. */
export function headersOf ({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceHeaders {
  const traceparent = `${VERSION}-${traceId}-${spanId}-0${traceFlags & 1}`
  const state = traceState?.serialize()
  return state === undefined || state === '' ? { traceparent } : { traceparent, tracestate: state }
}
