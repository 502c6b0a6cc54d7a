/**
 * What traces are sent to: a server that takes OTLP over HTTP on a real socket, and decodes it by the numbers of the
 * official definition.
 *
 *     const receiver = await otlpReceiver(t)
 *     …                                             // a gateway with OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url
 *     const spans = await receiver.until('the trace is there', spans => spans.length === 3)
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.9.0/opentelemetry/proto/trace/v1/trace.proto
 */
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { Test } from 'tap'
import { until } from './gateway-process.ts'
import { fieldsOf } from './protobuf.ts'
import type { Field } from './protobuf.ts'

export type AttributeValue = string | number | boolean | undefined | readonly AttributeValue[]
export type Attributes = Readonly<Record<string, AttributeValue>>

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty where it has none. */
  readonly parentSpanId: string
  readonly traceState: string
  readonly name: string
  readonly kind: 'internal' | 'server' | 'client' | 'other'
  /** Nanoseconds since 1970. */
  readonly start: bigint
  readonly end: bigint
  readonly attributes: Attributes
  readonly events: ReadonlyArray<{ readonly name: string, readonly time: bigint, readonly attributes: Attributes }>
  readonly links: ReadonlyArray<{ readonly traceId: string, readonly spanId: string }>
  readonly status: { readonly code: 'unset' | 'ok' | 'error', readonly message: string }
  readonly scope: { readonly name: string, readonly schemaUrl: string }
  readonly resource: Attributes
}

/** The server; closed, connections and all, at the end of the test. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Headers of each export. */
  readonly exports: IncomingHttpHeaders[] = []
  /** The bytes of all exports. */
  readonly bodies: Buffer[] = []
  /** What exports are answered with. */
  status = 200
  /** Exports wait for this before they are answered. */
  pause: Promise<void> = Promise.resolve()
  readonly #server: Server

  constructor () {
    this.#server = createServer((request, response) => {
      const pieces: Buffer[] = []
      request.on('data', (piece: Buffer) => pieces.push(piece))
      request.on('end', () => {
        const body = Buffer.concat(pieces)
        const { status } = this
        this.exports.push(request.headers)
        void this.pause.then(() => {
          if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf') response.writeHead(404).end()
          else {
            if (status === 200) {
              this.bodies.push(body)
              this.spans.push(...spansOf(body))
            }
            response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end()
          }
        })
      })
      request.on('error', () => {})
      response.on('error', () => {})
    })
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get url (): string {
    const address = this.#server.address()
    return `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  }

  /** Waits for spans; gives all that there are. */
  async until (what: string, isSo: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]> {
    await until(what, () => isSo(this.spans), 6000)
    return this.spans
  }

  async listen (): Promise<void> {
    await new Promise<void>(resolve => { this.#server.listen(0, '127.0.0.1', resolve) })
  }

  async close (): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>(resolve => { this.#server.close(() => resolve()) })
    this.#server.closeAllConnections()
    await closed
  }
}

/** Starts one, for as long as the test runs. */
export async function otlpReceiver (t: Test): Promise<OtlpReceiver> {
  const receiver = new OtlpReceiver()
  await receiver.listen()
  t.teardown(async () => await receiver.close())
  return receiver
}

const KINDS = ['other', 'internal', 'server', 'client'] as const
const STATUSES = ['unset', 'ok', 'error'] as const

/** ExportTraceServiceRequest */
function spansOf (body: Buffer): ReceivedSpan[] {
  return all(body, 1).flatMap(resourceSpans => {
    const resource = attributesOf(all(first(resourceSpans, 1) ?? EMPTY, 1))
    return all(resourceSpans, 2).flatMap(scopeSpans => {
      const scope = { name: text(first(scopeSpans, 1) ?? EMPTY, 1), schemaUrl: text(scopeSpans, 3) }
      return all(scopeSpans, 2).map(span => ({ ...spanOf(span), scope, resource }))
    })
  })
}

function spanOf (span: Buffer): Omit<ReceivedSpan, 'scope' | 'resource'> {
  const status = first(span, 15) ?? EMPTY
  return {
    traceId: (first(span, 1) ?? EMPTY).toString('hex'),
    spanId: (first(span, 2) ?? EMPTY).toString('hex'),
    traceState: text(span, 3),
    parentSpanId: (first(span, 4) ?? EMPTY).toString('hex'),
    name: text(span, 5),
    kind: KINDS[Number(int(span, 6))] ?? 'other',
    start: int(span, 7),
    end: int(span, 8),
    attributes: attributesOf(all(span, 9)),
    events: all(span, 11).map(event => ({ time: int(event, 1), name: text(event, 2), attributes: attributesOf(all(event, 3)) })),
    links: all(span, 13).map(link => ({ traceId: (first(link, 1) ?? EMPTY).toString('hex'), spanId: (first(link, 2) ?? EMPTY).toString('hex') })),
    status: { message: text(status, 2), code: STATUSES[Number(int(status, 3))] ?? 'unset' }
  }
}

/** KeyValue */
function attributesOf (pairs: readonly Buffer[]): Attributes {
  return Object.fromEntries(pairs.map(pair => [text(pair, 1), valueOf(first(pair, 2) ?? EMPTY)]))
}

/** AnyValue */
function valueOf (value: Buffer): AttributeValue {
  const [field] = fieldsOf(value)
  switch (field?.number) {
    case 1: return field.bytes.toString()
    case 2: return field.int !== 0n
    case 3: return Number(BigInt.asIntN(64, field.int))
    case 4: return field.bytes.readDoubleLE()
    case 5: return all(field.bytes, 1).map(valueOf)
    default: return undefined
  }
}

const EMPTY = Buffer.alloc(0)

function fieldsWith (message: Buffer, number: number): Field[] { return fieldsOf(message).filter(field => field.number === number) }
function all (message: Buffer, number: number): Buffer[] { return fieldsWith(message, number).map(({ bytes }) => bytes) }
function first (message: Buffer, number: number): Buffer | undefined { return all(message, number)[0] }
function text (message: Buffer, number: number): string { return (first(message, number) ?? EMPTY).toString() }
function int (message: Buffer, number: number): bigint { return fieldsWith(message, number)[0]?.int ?? 0n }
