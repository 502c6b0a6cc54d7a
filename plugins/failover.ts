import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AttemptRecord } from '../breaker/attempt.ts'
import { defectOf } from '../errors/defect.ts'
import { Failover } from '../failover/failover.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Tries targets in order until one answers. */
    failover: Failover
  }
}

export interface FailoverPluginOptions {
  /** Slots between a provider's reader and the client's socket, per stream. Default 100. */
  readonly queueCapacity?: number
  /** Told of each attempt when it is over, after it was logged. */
  readonly onAttempt?: (record: AttemptRecord) => void
}

/**
 * Decorates `fastify.failover`: over the targets in `fastify.providers`, guarded by `fastify.breakers`. Failed attempts
 * are logged; all are recorded in `fastify.auditLog` where there is one.
 */
const failover: FastifyPluginAsync<FailoverPluginOptions> = async (fastify, { onAttempt, ...options }) => {
  if (!fastify.hasDecorator('providers')) fastify.decorate('providers', new Map())
  const audit = fastify.hasDecorator('auditLog') ? fastify.auditLog : undefined
  fastify.decorate('failover', new Failover({
    ...options,
    providers: fastify.providers,
    breakers: fastify.breakers,
    onDefect: error => fastify.log.error({ error: defectOf(error) }, 'a provider failed by a defect of its own'),
    onAttempt: record => {
      if (record.class !== 'success') {
        const { requestId: reqId, target, model, attemptNo: attempt, class: outcome, reason, status, durationMs } = record
        // A client that left, or a request at fault, is nothing to look after.
        fastify.log[outcome === 'neutral' ? 'info' : 'warn']({ reqId, target, model, attempt, class: outcome, reason, status, durationMs }, 'attempt failed')
      }
      audit?.attempt(record)
      onAttempt?.(record)
    }
  }))
}

export default fp(failover, { name: 'failover', fastify: '5.x', dependencies: ['circuit-breaker'] })
