import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import type { AttemptRecord } from '../breaker/attempt.ts'
import { defectOf } from '../errors/defect.ts'
import { Failover } from '../failover/failover.ts'
import type { RescueEvent } from '../failover/rescue.ts'

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
  /** Told when a stream that broke was carried on, or could not be, after it was logged. */
  readonly onRescue?: (event: RescueEvent) => void
}

/**
 * Decorates `fastify.failover`: over the targets in `fastify.providers`, guarded by `fastify.breakers`. Failed attempts are
 * logged, and what became of streams that broke; all attempts are recorded in `fastify.auditLog` where there is one.
 */
const failover: FastifyPluginAsync<FailoverPluginOptions> = async (fastify, { onAttempt, onRescue, ...options }) => {
  if (!fastify.hasDecorator('providers')) fastify.decorate('providers', new Map())
  const audit = fastify.hasDecorator('auditLog') ? fastify.auditLog : undefined
  fastify.decorate('failover', new Failover({
    ...options,
    providers: fastify.providers,
    breakers: fastify.breakers,
    onDefect: error => fastify.log.error({ error: defectOf(error) }, 'a provider failed by a defect of its own'),
    onAttempt: (record, logFields) => {
      if (record.class !== 'success') {
        const { requestId: reqId, target, model, attemptNo: attempt, class: outcome, reason, status, durationMs } = record
        // A client that left, or a request at fault, is nothing to look after.
        fastify.log[outcome === 'neutral' ? 'info' : 'warn']({ reqId, target, model, attempt, class: outcome, reason, status, durationMs, ...logFields }, 'attempt failed')
      }
      audit?.attempt(record)
      onAttempt?.(record)
    },
    onRescue: event => {
      const { kind, requestId: reqId, ...rest } = event
      if (kind === 'rescued') fastify.log.info({ reqId, ...rest }, 'stream carried on')
      else fastify.log.warn({ reqId, ...rest }, 'stream not carried on')
      onRescue?.(event)
    }
  }))
}

export default fp(failover, { name: 'failover', fastify: '5.x', dependencies: ['circuit-breaker'] })
