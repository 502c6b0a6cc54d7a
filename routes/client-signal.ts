import type { FastifyReply } from 'fastify'
import { CallAborter } from '../streams/call-signal.ts'
import type { CallSignal } from '../streams/call-signal.ts'

/**
 * Aborted when the client goes away before its answer is complete.
 *
 * By the response's `close`: on a route that reads a body, the request's own `close` and `request.signal` fire as soon
 * as the body has been read.
 */
export function clientSignal ({ raw }: FastifyReply): CallSignal {
  const aborter = new CallAborter()
  raw.on('close', () => {
    if (!raw.writableFinished) aborter.abort(undefined)
  })
  // It may have left while the body was being validated.
  if (raw.destroyed) aborter.abort(undefined)
  return aborter
}
