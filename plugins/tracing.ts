import type { TracerProvider } from '@opentelemetry/api'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { TracingConfig } from '../config/tracing.ts'
import { missingAmong } from '../errors/missing-package.ts'
import type { ObserveAttempt } from '../failover/attempt-observer.ts'
import type { KeptTrace } from '../failover/kept-request.ts'
import type { Registry } from '../metrics/registry.ts'
import type { RequestSpanEnd } from '../tracing/request-span.ts'
import type { BegunTakeover, TracedTakeover } from '../tracing/takeover-span.ts'
import type { TraceExport } from '../tracing/trace-export.ts'
import { outcomeOf } from './metrics.ts'
import { QUIET } from './request-log.ts'
import type { CompletionSummary, RequestEnd } from './request-log.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Traces requests and their attempts; null: nothing is traced. */
    tracing: Tracing | null
  }
}

/** The decorator. */
export interface Tracing {
  /** Traces the requests of an instance, whose routes must come later. */
  addTo (instance: FastifyInstance): Promise<void>
  /** Follows the attempts of a request; undefined: it is not traced. */
  attemptsOf (request: FastifyRequest): ObserveAttempt | undefined
  /** Where in which trace a request is, for a replica that carries its stream on; undefined: it is not traced. */
  keptOf (request: FastifyRequest): KeptTrace | undefined
  /** Follows what is made of a stream whose replica is gone: a span of its own in the trace that is said, and its attempts below it. */
  takeover (taken: BegunTakeover): TracedTakeover
  /** To be told of each request when it is over. */
  requestEnded (end: RequestEnd, request: FastifyRequest): void
}

export interface TracingOptions {
  /** The service's own, which stays its own to close. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Without one: where traces go. Default: there are none, and nothing of OpenTelemetry is loaded. */
  readonly exportTo?: TracingConfig | undefined
}

const PACKAGES = ['@fastify/otel', '@opentelemetry/exporter-trace-otlp-proto', '@opentelemetry/resources', '@opentelemetry/sdk-trace']

/** Decorates `fastify.tracing`. The plugin throws a MissingPackageError where OpenTelemetry's packages are wanted and not installed. */
const tracing: FastifyPluginAsync<TracingOptions> = async (fastify, { tracerProvider, exportTo }) => {
  const provider = tracerProvider ?? (exportTo === undefined ? undefined : await ownProvider(fastify, exportTo))
  if (provider === undefined) {
    fastify.decorate('tracing', null)
    return
  }
  const { RequestTraces } = await installed(import('../tracing/request-traces.ts'))
  const traces = new RequestTraces(provider)
  fastify.decorate('tracing', {
    addTo: async instance => await traces.addTo(instance, QUIET.map(path => `${instance.prefix}${path}`)),
    attemptsOf: request => traces.attemptsOf(request, target => fastify.breakers.stateOf(target)),
    keptOf: request => traces.keptOf(request),
    takeover: taken => traces.takeover(taken, target => fastify.breakers.stateOf(target)),
    requestEnded: (end, request) => traces.ended(request, spanEndOf(end, request.id))
  })
}

/** The gateway's own SDK. */
async function ownProvider (fastify: FastifyInstance, exportTo: TracingConfig): Promise<TracerProvider> {
  const { TraceExport } = await installed(import('../tracing/trace-export.ts'))
  const traces = new TraceExport(exportTo, event => {
    if (event.kind === 'lost') fastify.log.warn({ code: event.code }, 'traces cannot be exported: spans are lost')
    else fastify.log.info('traces are exported again')
  })
  if (fastify.hasDecorator('metrics')) countSpans(fastify.metrics.registry, traces)
  fastify.addHook('onClose', async () => await traces.close())
  return traces.provider
}

function countSpans (registry: Registry, traces: TraceExport): void {
  registry.reading({ kind: 'counter', name: 'llm_gateway_spans_exported_total', help: 'Spans of traces that were exported.', labelNames: [], read: () => [{ labels: {}, value: traces.exported }] })
  registry.reading({ kind: 'counter', name: 'llm_gateway_spans_lost_total', help: 'Spans of traces that could not be exported.', labelNames: [], read: () => [{ labels: {}, value: traces.lost }] })
}

/** OpenTelemetry need not be installed by who does not use it. */
async function installed<T> (loading: Promise<T>): Promise<T> {
  try {
    return await loading
  } catch (error) {
    throw missingAmong(PACKAGES, 'Tracing (OTEL_EXPORTER_OTLP_ENDPOINT, or a tracerProvider)', error)
  }
}

function spanEndOf ({ status, failure, completion }: RequestEnd, requestId: string): RequestSpanEnd {
  const { outcome } = outcomeOf(status, failure?.status)
  return {
    attributes: {
      'gateway.request_id': requestId,
      'gateway.outcome': outcome,
      ...outcome === 'left' ? {} : { 'http.response.status_code': status },
      ...failure === null ? {} : { 'gateway.error': failure.code ?? failure.type },
      ...completion === null ? {} : attributesOf(completion)
    },
    error: outcome === 'failed' || outcome === 'broken' ? failure?.code ?? String(status) : undefined
  }
}

function attributesOf ({ model, stream, target, attempts, firstOutputMs }: CompletionSummary): RequestSpanEnd['attributes'] {
  return {
    'gateway.model': model,
    'gateway.stream': stream,
    'gateway.attempts': attempts,
    ...target === null ? {} : { 'gateway.target': target },
    ...!stream || firstOutputMs === null ? {} : { 'gateway.time_to_first_output': firstOutputMs / 1000 }
  }
}

export default fp(tracing, { name: 'tracing', fastify: '5.x' })
