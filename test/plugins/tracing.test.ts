import { FastifyOtelInstrumentation } from '@fastify/otel'
import { SpanKind } from '@opentelemetry/api'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { Test } from 'tap'
import gateway from '../../app.ts'
import tracing from '../../plugins/tracing.ts'
import { configAt } from '../support/build-gateway.ts'
import { chat, FrameReader, framesOf, HELLO } from '../support/chat-client.ts'
import { until } from '../support/gateway-process.ts'
import { role, scriptedUpstream, streaming, text } from '../support/scripted-upstream.ts'
import { SpanJournal } from '../support/span-journal.ts'

const TRIES = 6000
const STREAM = { ...HELLO, stream: true }
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'

/** The gateway in a service that has a tracer provider of its own. */
async function build (t: Test, prepare: (app: FastifyInstance, journal: SpanJournal) => Promise<void> = async () => {}) {
  const upstream = await scriptedUpstream(t)
  const config = await configAt(t, upstream)
  const journal = new SpanJournal()
  const app = fastify({ forceCloseConnections: true })
  t.teardown(async () => await app.close())
  await prepare(app, journal)
  app.get('/own', async () => ({ own: true }))
  await app.register(gateway, { config, prefix: '/llm', tracerProvider: journal.provider })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const ended = async (count: number) => {
    await until(`${count} spans have ended`, () => journal.ended.length >= count, TRIES)
    return journal.ended
  }
  return { app, url, upstream, journal, ended }
}

t.test('in a service, its own provider is used, and stays its own: its routes are not traced, nor is it shut down', async t => {
  const { app, url, upstream, journal, ended } = await build(t)
  await (await fetch(`${url}/own`)).text()
  await framesOf(await chat(`${url}/llm`, STREAM, { headers: { traceparent: `00-${TRACE}-${CALLER}-01` } }))
  const spans = await ended(2)
  const server = spans.find(({ kind }) => kind === SpanKind.SERVER)
  const client = spans.find(({ kind }) => kind === SpanKind.CLIENT)
  t.equal(server?.name, 'POST /llm/v1/chat/completions')
  t.equal(server?.parentSpanContext?.spanId, CALLER)
  t.equal(client?.parentSpanContext?.spanId, server?.spanContext().spanId)
  t.equal((await upstream.request(1)).headers['traceparent'], `00-${TRACE}-${client?.spanContext().spanId}-01`)
  await (await fetch(`${url}/llm/healthz`)).text()
  await app.close()
  t.equal(journal.ended.length, 2)
  t.equal(journal.shutDown, false)
})

t.test('in a service that traces with @fastify/otel, attempts are below its spans', async t => {
  const { url, ended, journal, upstream } = await build(t, async (app, { provider }) => {
    const otel = new FastifyOtelInstrumentation({ instrumentHooks: false, instrumentHandler: false })
    otel.setTracerProvider(provider)
    await app.register(otel.plugin())
  })
  await framesOf(await chat(`${url}/llm`, STREAM))
  const spans = await ended(2)
  const server = spans.find(({ kind }) => kind === SpanKind.SERVER)
  t.equal(server?.name, 'request', 'which is its own')
  t.equal(spans.find(({ kind }) => kind === SpanKind.CLIENT)?.parentSpanContext?.spanId, server?.spanContext().spanId)

  upstream.next(streaming(role(), text('Hel'), new Promise<void>(() => {})))
  const aborter = new AbortController()
  await new FrameReader(await chat(`${url}/llm`, STREAM, { signal: aborter.signal })).next()
  aborter.abort()
  t.match((await ended(4)).find(({ attributes }) => attributes['gateway.outcome'] === 'left'), { kind: SpanKind.SERVER }, 'also when a client leaves, which @fastify/otel does not see')
  t.equal(journal.started, 4)
})

t.test('without a provider there is none, and a service may ask', async t => {
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(tracing, {})
  t.equal(app.tracing, null)
})
