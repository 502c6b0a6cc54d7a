import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyPluginAsync, preHandlerHookHandler } from 'fastify'
import fp from 'fastify-plugin'
import { GatewayError } from '../errors/gateway-error.ts'
import { WaitingLine } from '../streams/waiting-line.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Keeps the number of completions under way within what the process can carry. */
    overload: Overload
  }
}

/** The decorator. */
export interface Overload {
  /** Completions under way. */
  readonly running: number
  /** Completions that wait for their turn. */
  readonly waiting: number
  /** A hook for routes that answer with completions: lets them in, has them wait for their turn, or refuses them with 503. */
  readonly guard: preHandlerHookHandler
  /** Has the routes of a scope refused while the event loop is late: before anything is read or parsed. */
  shed (scope: FastifyInstance): Promise<void>
}

export interface OverloadOptions {
  /** Completions under way at most. */
  readonly maxRunning: number
  /** Completions that wait for their turn at most. */
  readonly maxWaiting: number
  /** How long one waits for its turn at most, in ms. */
  readonly maxWaitMs: number
  /** From this delay of the event loop on (ms, mean of a second) no completion is let in; 0: whatever the delay. */
  readonly maxEventLoopDelayMs: number
}

/** When a refused caller should come back, in ms. */
const RETRY_AFTER_MS = 1000

/** Decorates `fastify.overload`. */
const overload: FastifyPluginAsync<OverloadOptions> = async (fastify, { maxRunning, maxWaiting, maxWaitMs, maxEventLoopDelayMs }) => {
  const line = new WaitingLine(() => maxRunning)

  fastify.decorate('overload', {
    get running () { return line.taken },
    get waiting () { return line.waiting },
    guard: (_request, reply, done) => {
      const { raw } = reply
      const enter = (leave: () => void) => {
        // Its client may have left meanwhile: then `close` has been, and would not come again.
        if (raw.destroyed) leave()
        else raw.on('close', leave)
        done()
      }
      const leave = line.take()
      if (leave !== undefined) return enter(leave)
      if (line.waiting >= maxWaiting) return done(overloaded())
      const onLeft = (callback: () => void) => {
        raw.on('close', callback)
        return () => raw.removeListener('close', callback)
      }
      line.place(maxWaitMs, onLeft).then(leave => {
        if (leave === undefined) done(overloaded())
        else enter(leave)
      }, done)
    },
    shed: async scope => {
      // Where it is there already, the host sees to it by limits of its own.
      if (maxEventLoopDelayMs === 0 || scope.hasDecorator('isUnderPressure')) return
      await scope.register(underPressure, {
        maxEventLoopDelay: maxEventLoopDelayMs,
        pressureHandler: async (_request, _reply, _type, delayMs) => {
          // Infinite is what it calls a second in which it measured nothing, as after a start on a busy machine: that says nothing.
          if (delayMs !== Infinity) throw overloaded()
        }
      })
    }
  })
}

function overloaded (): GatewayError {
  return new GatewayError(503, 'The gateway has as much to do as it can.', { type: 'server_error', code: 'overloaded', retryAfterMs: RETRY_AFTER_MS })
}

export default fp(overload, { name: 'overload', fastify: '5.x' })
