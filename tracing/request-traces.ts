import { FastifyOtelInstrumentation } from '@fastify/otel'
import type { Context, Span, Tracer, TracerProvider } from '@opentelemetry/api'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ObserveAttempt } from '../failover/attempt-observer.ts'
import type { KeptTrace } from '../failover/kept-request.ts'
import { attemptSpans, logFieldsOf } from './attempt-spans.ts'
import { SCHEMA_URL } from './attributes.ts'
import { RequestSpan, RequestSpanProvider } from './request-span.ts'
import type { RequestSpanEnd } from './request-span.ts'
import { takeoverSpan } from './takeover-span.ts'
import type { BegunTakeover, TracedTakeover } from './takeover-span.ts'
import { headersOf, spanContextOf } from './trace-context.ts'

/** Requests that are traced, with their attempts below them. */
export class RequestTraces {
  readonly #provider: TracerProvider
  /** Spans that are ours to end. */
  readonly #spans = new WeakMap<FastifyRequest, RequestSpan>()

  constructor (provider: TracerProvider) {
    this.#provider = provider
  }

  /**
   * Traces the requests of an instance, whose routes must come later. Where the service traces its own with `@fastify/otel`,
   * those spans are used.
   * @param quiet paths whose requests are not traced
   */
  async addTo (fastify: FastifyInstance, quiet: readonly string[]): Promise<void> {
    if (!fastify.hasRequestDecorator('opentelemetry')) await fastify.register(this.#instrumentation(new Set(quiet)).plugin())
    fastify.addHook('onRequest', (request, reply, done) => {
      const { span } = this.#openOf(request)
      if (span !== null) request.log = reply.log = request.log.child(logFieldsOf(span.spanContext()))
      done()
    })
  }

  /** Follows the attempts of a request. */
  attemptsOf (request: FastifyRequest, stateOf: (target: string) => string | undefined): ObserveAttempt | undefined {
    const { context } = this.#openOf(request)
    return context === null ? undefined : attemptSpans(this.#tracer, context, stateOf)
  }

  /** Where in which trace a request is, for another replica. */
  keptOf (request: FastifyRequest): KeptTrace | undefined {
    const { span } = this.#openOf(request)
    if (span === null) return undefined
    const own = headersOf(span.spanContext())
    const { traceparent, tracestate } = request.headers
    const caller = spanContextOf({ traceparent, tracestate })
    // The service's own instrumentation may take the caller for a stranger, and begin a trace of its own.
    if (caller?.traceId !== span.spanContext().traceId) return own
    return { ...headersOf(caller), request: own.traceparent }
  }

  /** Follows what is made of a stream of a replica that is gone. */
  takeover (taken: BegunTakeover, stateOf: (target: string) => string | undefined): TracedTakeover {
    return takeoverSpan(this.#tracer, taken, stateOf)
  }

  get #tracer (): Tracer { return this.#provider.getTracer('llm-stream-gateway', undefined, { schemaUrl: SCHEMA_URL }) }

  /** The request is over. */
  ended (request: FastifyRequest, end: RequestSpanEnd): void {
    const span = this.#spans.get(request)
    if (span !== undefined) span.finish(end)
    // One of the service's own instrumentation has ended by now, unless the client left in the middle of a stream.
    else this.#openOf(request).span?.setAttributes(end.attributes).end()
  }

  #openOf (request: FastifyRequest): { readonly span: Span | null, readonly context: Context | null } {
    const { span, context } = request.opentelemetry()
    return { span: span ?? null, context: context ?? null }
  }

  #instrumentation (quiet: ReadonlySet<string>): FastifyOtelInstrumentation {
    const instrumentation = new FastifyOtelInstrumentation({
      // A span for each hook and handler would be a dozen for each request, and say nothing.
      instrumentHooks: false,
      instrumentHandler: false,
      recordExceptions: false,
      ignorePaths: ({ url }) => quiet.has(pathOf(url)),
      requestHook: (span, request) => {
        if (!(span instanceof RequestSpan)) return
        span.begin({ method: request.method, path: pathOf(request.url), headers: request.headers, route: request.routeOptions.url })
        this.#spans.set(request, span)
      }
    })
    instrumentation.setTracerProvider(new RequestSpanProvider(this.#provider))
    return instrumentation
  }
}

/** Without the query. */
function pathOf (url: string): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
