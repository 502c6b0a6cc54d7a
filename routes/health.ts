import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyInstance } from 'fastify'
import type { BreakerSnapshot } from '../breaker/state.ts'
import { Health, Readiness } from '../schemas/health.ts'

/**
 * `GET /healthz`: the process runs. `GET /readyz`: it can take requests; 503 while draining, or when no target can be tried. It
 * waits for nothing: what it says of the database is how that answered last.
 */
const health: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/healthz', {
    schema: { tags: ['operation'], operationId: 'getHealth', summary: 'Whether the process runs', response: { 200: Health } }
  }, async () => ({ status: 'ok' as const }))

  fastify.get('/readyz', {
    schema: { tags: ['operation'], operationId: 'getReadiness', summary: 'Whether it can take requests', response: { 200: Readiness, 503: Readiness } }
  }, async (_request, reply) => {
    const snapshots = fastify.breakers.snapshots()
    const details = {
      targets: { total: snapshots.length, available: snapshots.filter(canBeTried).length },
      database: databaseAnswers(fastify) ? 'ok' as const : 'unavailable' as const
    }
    if (fastify.drain.draining) return reply.code(503).send({ status: 'draining', ...details })
    if (details.targets.available === 0) return reply.code(503).send({ status: 'no_target', ...details })
    return { status: 'ready' as const, ...details }
  })
}

/** Breakers look into it each second. */
function databaseAnswers ({ database, breakers, auditLog }: FastifyInstance): boolean {
  return database.state.kind === 'open' && !breakers.storeLost && !auditLog.failing
}

/** Now, or as a probe. */
function canBeTried ({ state, openForMs, cooldownForMs }: BreakerSnapshot): boolean {
  if (state === 'forced_open' || cooldownForMs !== null) return false
  return state !== 'open' || openForMs === 0
}

export default health
