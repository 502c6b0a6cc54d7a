import type { FastifyReply } from 'fastify'

/**
 * Aborted when the client goes away before its answer is complete.
 *
 * By the response's `close`: on a route that reads a body, the request's own `close` and `request.signal` fire as soon
 * as the body has been read.
 */
export function clientSignal (reply: FastifyReply): AbortSignal {
  const aborter = new AbortController()
  const { raw } = reply
  raw.on('close', () => {
    if (!raw.writableFinished) aborter.abort()
  })
  // It may have left while the body was being validated.
  if (raw.destroyed) aborter.abort()
  return aborter.signal
}
