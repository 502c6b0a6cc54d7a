import { INVALID_SPAN_CONTEXT, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api'
import type { Attributes, AttributeValue, Context, Exception, Link, Span, SpanContext, SpanOptions, TimeInput, Tracer, TracerProvider } from '@opentelemetry/api'
import { spanContextOf } from './trace-context.ts'

/** What of a request its span begins with. */
export interface TracedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
  /** The pattern of its path. */
  readonly route: string | undefined
}

/** How it ended. */
export interface RequestSpanEnd {
  readonly attributes: Attributes
  /** What went wrong, for `error.type`; undefined: nothing. */
  readonly error: string | undefined
}

/**
 * The span of a request, as `@fastify/otel` is given it. That makes one for each request, and this changes when it begins and ends:
 *
 * - It begins below the caller's span also where the process has no propagator.
 * - It lasts until the response is closed. `@fastify/otel` would end it with the response's head, and not at all when the client leaves
 *   in the middle of a stream.
 * - What `@fastify/otel` would say of errors is dropped, as messages of errors may quote the body; and so is the query.
 */
export class RequestSpan implements Span {
  readonly #tracer: Tracer
  readonly #options: SpanOptions
  readonly #parent: Context
  #span: Span = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
  #finished = false

  constructor (tracer: Tracer, options: SpanOptions, parent: Context) {
    this.#tracer = tracer
    this.#options = options
    this.#parent = parent
  }

  /** Begins, when it is known whose it is. */
  begin ({ method, path, headers, route }: TracedRequest): void {
    const caller = trace.getSpanContext(this.#parent) === undefined ? spanContextOf(headers) : undefined
    const parent = caller === undefined ? this.#parent : trace.setSpanContext(this.#parent, caller)
    this.#span = this.#tracer.startSpan(route === undefined ? method : `${method} ${route}`, {
      ...this.#options,
      attributes: { ...this.#options.attributes, 'url.path': path }
    }, parent)
  }

  /** The response is closed. */
  finish ({ attributes, error }: RequestSpanEnd): void {
    if (this.#finished) return
    this.#finished = true
    this.#span.setAttributes(attributes)
    if (error !== undefined) this.#span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR })
    this.#span.end()
  }

  spanContext (): SpanContext { return this.#span.spanContext() }
  isRecording (): boolean { return this.#span.isRecording() }

  setAttribute (key: string, value: AttributeValue): this {
    this.#span.setAttribute(key, value)
    return this
  }

  setAttributes (attributes: Attributes): this {
    this.#span.setAttributes(attributes)
    return this
  }

  addEvent (name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    this.#span.addEvent(name, attributesOrTime, time)
    return this
  }

  addLink (link: Link): this {
    this.#span.addLink(link)
    return this
  }

  addLinks (links: Link[]): this {
    this.#span.addLinks(links)
    return this
  }

  updateName (name: string): this {
    this.#span.updateName(name)
    return this
  }

  setStatus (): this { return this } // see `finish`
  recordException (_exception: Exception): void {} // likewise
  end (): void {} // likewise
}

/** For `@fastify/otel`: makes request spans of another provider's. */
export class RequestSpanProvider implements TracerProvider {
  readonly #provider: TracerProvider

  constructor (provider: TracerProvider) {
    this.#provider = provider
  }

  getTracer (name: string, version?: string): Tracer {
    const tracer = this.#provider.getTracer(name, version)
    return {
      startSpan: (_name, options = {}, parent = ROOT_CONTEXT) => new RequestSpan(tracer, options, parent),
      startActiveSpan: tracer.startActiveSpan.bind(tracer)
    }
  }
}
