import fastify from 'fastify'
import { registerHooks } from 'node:module'
import t from 'tap'
import { MissingPackageError } from '../../errors/missing-package.ts'
import tracing from '../../plugins/tracing.ts'

// As if they were not installed: they need not be.
registerHooks({
  resolve: (specifier, context, nextResolve) => {
    if (/^(@opentelemetry\/(?!api$)|@fastify\/otel$)/.test(specifier)) throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
    return nextResolve(specifier, context)
  }
})

t.test('without OpenTelemetry the plugin is there, and traces nothing', async t => {
  const app = fastify()
  t.teardown(async () => await app.close())
  await app.register(tracing, {})
  t.equal(app.tracing, null)
})

t.test('who wants traces is told what to install', async t => {
  const app = fastify()
  t.teardown(async () => { await app.close().catch(() => {}) })
  const exportTo = { url: 'http://127.0.0.1:9/v1/traces', headers: {}, resource: {}, sampling: { parentBased: true, ratio: 1 } }
  const failure: unknown = await app.register(tracing, { exportTo }).then(() => undefined, (error: unknown) => error)
  t.ok(failure instanceof MissingPackageError)
  t.match(failure, { message: /npm install @fastify\/otel @opentelemetry\/exporter-trace-otlp-proto / })
})
