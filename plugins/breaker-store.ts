/**
 * Breaker states in the database, shared by all replicas that use it.
 */
import fp from 'fastify-plugin'
import type { BreakerStore } from '../breaker/store.ts'
import { PostgresBreakerStore } from '../db/breaker-store.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where breakers keep their states; the `circuit-breaker` plugin takes it up by itself. */
    breakerStore: BreakerStore
  }
}

export interface BreakerStoreOptions {
  /** Connections to PostgreSQL at most, beside those of `database`: few statements at a time, but none that waits behind the audit log's. Default 2. */
  readonly connections?: number | undefined
}

/** Decorates `fastify.breakerStore`. */
export default fp<BreakerStoreOptions>(async (fastify, { connections = 2 }) => {
  fastify.decorate('breakerStore', new PostgresBreakerStore(fastify.database.separate(connections)))
}, { name: 'breaker-store', fastify: '5.x', dependencies: ['database'] })
