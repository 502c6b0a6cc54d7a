import type { FastifyPluginAsync, preHandlerHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { GatewayError } from '../errors/gateway-error.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Running completions, and the orderly end of taking new ones. */
    drain: Drain
  }
}

/** The decorator. */
export interface Drain {
  /** No new completions are taken. */
  readonly draining: boolean
  /** Completions under way. */
  readonly running: number
  /** A hook for routes whose requests a drain waits for: counts them, and refuses new ones with 503 once it has begun. */
  readonly guard: preHandlerHookHandler
  /** Has a drain wait for something else, too, until the returned function is called. */
  hold (): () => void
  /** Begins the drain; resolves when nothing runs any more, or when the grace has passed. */
  begin (): Promise<void>
  /** Of a drain that has begun: resolves when nothing runs any more, or after so many ms. */
  idle (ms: number): Promise<void>
}

export interface DrainOptions {
  /** How long running completions may take to end, in ms. */
  readonly graceMs: number
}

/** When a refused caller should come back, in ms: by then another replica is asked. */
const RETRY_AFTER_MS = 1000

/** Decorates `fastify.drain`; closing the server drains it first. */
const drain: FastifyPluginAsync<DrainOptions> = async (fastify, { graceMs }) => {
  let draining = false
  let running = 0
  const idle = Promise.withResolvers<void>()

  const idleWithin = async (ms: number): Promise<void> => {
    if (running === 0) return
    let timer: NodeJS.Timeout | undefined
    await Promise.race([idle.promise, new Promise(resolve => { timer = setTimeout(resolve, ms) })])
    clearTimeout(timer)
  }

  const begin = async (): Promise<void> => {
    draining = true
    if (running === 0) return
    fastify.log.info({ running, graceMs }, 'draining')
    await idleWithin(graceMs)
    if (running > 0) fastify.log.warn({ running }, 'the grace has passed: the rest is cut')
  }

  const ended = (): void => {
    running--
    if (draining && running === 0) idle.resolve()
  }

  fastify.decorate('drain', {
    get draining () { return draining },
    get running () { return running },
    begin,
    idle: idleWithin,
    hold: () => {
      running++
      let held = true
      return () => {
        if (held) ended()
        held = false
      }
    },
    guard: (_request, reply, done) => {
      if (draining) {
        void reply.header('connection', 'close')
        done(new GatewayError(503, 'The gateway is shutting down.', { type: 'server_error', code: 'draining', retryAfterMs: RETRY_AFTER_MS }))
        return
      }
      // Otherwise its client left during an earlier hook: `close` has been, and would not come again.
      if (!reply.raw.destroyed) {
        running++
        // `close` comes in every case, also when the client leaves in the middle.
        reply.raw.on('close', ended)
      }
      done()
    }
  })
  fastify.addHook('preClose', begin)
}

export default fp(drain, { name: 'drain', fastify: '5.x' })
