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

/** Few statements at a time, but none that waits behind the audit log's. */
const CONNECTIONS = 2

/** Decorates `fastify.breakerStore`. */
export default fp(async fastify => {
  fastify.decorate('breakerStore', new PostgresBreakerStore(fastify.database.separate(CONNECTIONS)))
}, { name: 'breaker-store', fastify: '5.x', dependencies: ['database'] })
