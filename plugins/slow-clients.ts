import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { cutWhenStalled } from '../streams/stall-watch.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Cuts a reply off when its client takes nothing of it for too long; for replies whose head is written. */
    cutSlowClient: (reply: FastifyReply) => void
  }
}

export interface SlowClientsOptions {
  /** How long a client may take nothing of what waits for it, in ms; it is cut after that and before twice that. */
  readonly timeoutMs: number
}

/** Decorates `fastify.cutSlowClient`: a client that holds a stream and never reads it costs memory, and its target a request. */
const slowClients: FastifyPluginAsync<SlowClientsOptions> = async (fastify, { timeoutMs }) => {
  fastify.decorate('cutSlowClient', reply => cutWhenStalled(reply.raw, timeoutMs))
}

export default fp(slowClients, { name: 'slow-clients', fastify: '5.x' })
