import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import { AlwaysOffSampler, AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TraceIdRatioBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ReadableSpan, Sampler, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace'
import type { Sampling, TracingConfig } from '../config/tracing.ts'

/** How many spans wait at most, be it for the next export or for one under way to come back; more are lost, and counted. */
const MAX_WAITING = 2048
/** Spans in one request. */
const BATCH = 512
/** How long a span waits for others, in ms. */
const DELAY_MS = 1_000
/** How long an export may take, with its retries, in ms. */
const EXPORT_TIMEOUT_MS = 5_000
/** How long the end waits for the last spans, in ms. */
const CLOSE_TIMEOUT_MS = 5_000

/** What may be told of it. */
export type TraceExportEvent =
  /** Spans cannot be exported, and are lost; once for each outage. */
  | { readonly kind: 'lost', readonly code: string | number }
  | { readonly kind: 'back' }

/** The gateway's own OpenTelemetry SDK: makes spans, and sends them by OTLP over HTTP. Whoever waits for a span waits for nothing here. */
export class TraceExport {
  readonly provider: TracerProvider
  readonly #onEvent: (event: TraceExportEvent) => void
  #waiting = 0
  #exported = 0
  #lost = 0
  #failing = false

  constructor ({ url, headers, resource, sampling }: TracingConfig, onEvent: (event: TraceExportEvent) => void) {
    this.#onEvent = onEvent
    const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_TIMEOUT_MS })
    const batches = new BatchSpanProcessor({
      exporter: this.#watched(exporter),
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: BATCH,
      scheduledDelayMillis: DELAY_MS,
      exportTimeoutMillis: 2 * EXPORT_TIMEOUT_MS // never: the exporter's own comes first
    })
    this.provider = new TracerProvider({
      resource: defaultResource().merge(resourceFromAttributes({ 'process.pid': process.pid, ...resource })),
      sampler: samplerOf(sampling),
      spanProcessors: [this.#bounded(batches)]
    })
  }

  /** Spans that have arrived. */
  get exported (): number { return this.#exported }

  /** Spans that could not be sent, or found no room to wait. */
  get lost (): number { return this.#lost }

  /** Sends what waits, for a limited time. Never rejects. */
  async close (): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => { timer = setTimeout(resolve, CLOSE_TIMEOUT_MS) })
    await Promise.race([this.provider.shutdown().catch(() => {}), late]).finally(() => clearTimeout(timer))
  }

  /** The SDK's own queue drops silently what does not fit, and does not count what is on its way. */
  #bounded (batches: SpanProcessor): SpanProcessor {
    return {
      onStart: (span, context) => batches.onStart(span, context),
      onEnd: span => {
        if (this.#waiting < MAX_WAITING) {
          this.#waiting++
          batches.onEnd(span)
        } else this.#lost++
      },
      forceFlush: async () => await batches.forceFlush(),
      shutdown: async () => await batches.shutdown()
    }
  }

  #watched (exporter: SpanExporter): SpanExporter {
    return {
      export: (spans: ReadableSpan[], callback) => {
        exporter.export(spans, result => {
          this.#waiting -= spans.length
          if (result.code === 0) this.#sent(spans.length)
          else this.#failed(spans.length, result.error)
          callback(result)
        })
      },
      shutdown: async () => await exporter.shutdown()
    }
  }

  #sent (spans: number): void {
    this.#exported += spans
    if (!this.#failing) return
    this.#failing = false
    this.#onEvent({ kind: 'back' })
  }

  #failed (spans: number, error: Error | undefined): void {
    this.#lost += spans
    if (this.#failing) return
    this.#failing = true
    this.#onEvent({ kind: 'lost', code: codeOf(error) })
  }
}

/** A status or a system's error code: messages may quote what the collector has said. */
function codeOf (error: unknown): string | number {
  if (!(error instanceof Error)) return 'unknown'
  if ('code' in error && (typeof error.code === 'number' || typeof error.code === 'string')) return error.code
  return error.cause === undefined ? error.name : codeOf(error.cause)
}

function samplerOf ({ parentBased, ratio }: Sampling): Sampler {
  const root = ratio === 1 ? new AlwaysOnSampler() : ratio === 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
  return parentBased ? new ParentBasedSampler({ root }) : root
}
