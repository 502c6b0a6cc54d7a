import { fastifySSE } from '@fastify/sse'
import type { TracerProvider } from '@opentelemetry/api'
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { GatewayConfig } from './config/gateway-config.ts'
import type { AskOwner } from './db/statement.ts'
import { errorFrame } from './dialects/error-frame.ts'
import { STREAM_LOST } from './errors/stream-errors.ts'
import type { Family } from './metrics/family.ts'
import type { ProviderPlugins } from './providers/plugin-target.ts'
import auditLog from './plugins/audit-log.ts'
import auth from './plugins/auth.ts'
import breakerStore from './plugins/breaker-store.ts'
import circuitBreaker from './plugins/circuit-breaker.ts'
import database from './plugins/database.ts'
import drain from './plugins/drain.ts'
import errorHandler from './plugins/error-handler.ts'
import failover from './plugins/failover.ts'
import metrics from './plugins/metrics.ts'
import openapi from './plugins/openapi.ts'
import overload from './plugins/overload.ts'
import requestLog from './plugins/request-log.ts'
import slowClients from './plugins/slow-clients.ts'
import streamLog from './plugins/stream-log.ts'
import takeover from './plugins/takeover.ts'
import targets from './plugins/targets.ts'
import tracing from './plugins/tracing.ts'
import validation from './plugins/validation.ts'
import audit from './routes/audit.ts'
import chatCompletions from './routes/chat-completions.ts'
import health from './routes/health.ts'
import messages from './routes/messages.ts'
import metricsRoute from './routes/metrics.ts'
import models from './routes/models.ts'
import openapiRoutes from './routes/openapi.ts'
import responses from './routes/responses.ts'
import streams from './routes/streams.ts'
import targetRoutes from './routes/targets.ts'

/** The whole gateway's options. */
export interface GatewayOptions {
  /** Made by `plugins/config`, or by hand. */
  readonly config: GatewayConfig
  /** Where the routes are mounted. Default: at the root. */
  readonly prefix?: string
  /** Providers that are not in this package, by the name that `plugin` of a target has for them. Others are imported by it. */
  readonly providers?: ProviderPlugins | undefined
  /** OpenTelemetry's, where the service has its own. Default: by the configuration. */
  readonly tracerProvider?: TracerProvider | undefined
  /** Where another process owns the embedded database: the way to it. */
  readonly pglite?: AskOwner | undefined
  /** Where the process is one of several: what all of them have measured. */
  readonly collectAll?: (() => Promise<readonly Family[]>) | undefined
}

/** Connections to PostgreSQL of all workers together, unless there are more workers than that: each has at least one of a kind. */
const CONNECTIONS = { queries: 10, breakers: 2 }

/**
 * The whole gateway as one plugin: the only place that knows the order of registration.
 *
 * Its decorators (`database`, `breakers`, `providers`, `models`, `failover`, `auditLog`, `auth`, `drain`, `metrics`, `tracing`)
 * become the host's; its routes, with their error format, validation and log line, stay in a scope of their own.
 */
const gateway: FastifyPluginAsync<GatewayOptions> = async (fastify, { config, prefix = '', providers, tracerProvider, pglite, collectAll }) => {
  const { timeouts } = config
  const share = (connections: number) => Math.max(1, Math.floor(connections / config.workers))
  await fastify.register(metrics, { collectAll })
  const { counts, requestEnded } = fastify.metrics
  await fastify.register(tracing, { tracerProvider, exportTo: config.tracing })
  await fastify.register(database, { ...config.database, pglite, poolSize: share(CONNECTIONS.queries) })
  await fastify.register(breakerStore, { connections: share(CONNECTIONS.breakers) })
  await fastify.register(circuitBreaker, { onEvent: event => counts.breakerEvent(event) })
  await fastify.register(auditLog)
  await fastify.register(streamLog, {
    ttlMs: config.resumeTtlMs,
    keys: config.streamLogKeys.map(key => Buffer.from(key, 'hex')),
    lastFrame: (id, dialect) => errorFrame(dialect, STREAM_LOST, { after: id - 1, ofStream: true, requestId: null })
  })
  await fastify.register(targets, {
    targets: config.targets,
    providers,
    models: config.models,
    defaultModel: config.defaultModel,
    strict: config.strictModels,
    firstTokenTimeoutMs: timeouts.firstTokenMs,
    idleTimeoutMs: timeouts.idleMs,
    requestTimeoutMs: timeouts.requestMs,
    midstreamFailover: config.midstreamFailover
  })
  await fastify.register(failover, { queueCapacity: config.queueCapacity, onAttempt: record => counts.attempt(record), onRescue: event => counts.rescue(event) })
  await fastify.register(auth, { apiKeys: config.apiKeys, adminApiKeys: config.adminApiKeys })
  await fastify.register(overload, config.overload)
  await fastify.register(slowClients, { timeoutMs: config.slowClientTimeoutMs })
  await fastify.register(drain, { graceMs: config.shutdownGraceMs })
  await fastify.register(takeover)

  await fastify.register(async scope => {
    await fastify.tracing?.addTo(scope)
    await scope.register(requestLog, {
      onEnd: (end, request) => {
        requestEnded(end)
        fastify.tracing?.requestEnded(end, request)
      }
    })
    await scope.register(errorHandler)
    await scope.register(validation)
    await scope.register(openapi)
    await scope.register(fastifySSE, { heartbeatInterval: 0 }) // before the routes: those declared earlier would have no `reply.sse`
    scope.addHook('onRequest', (request, reply, done) => {
      void reply.header('x-request-id', request.id)
      done()
    })
    scope.removeContentTypeParser('text/plain')
    await scope.register(async completions => {
      await fastify.overload.shed(completions)
      for (const route of [chatCompletions, responses, messages]) await completions.register(route)
    })
    for (const route of [models, streams, targetRoutes, audit, health, metricsRoute, openapiRoutes]) await scope.register(route)
  }, { prefix })
}

export default fp(gateway, { name: 'llm-stream-gateway', fastify: '5.x' })
