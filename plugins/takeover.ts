/**
 * Streams of replicas that are gone: killed, or ended while the stream ran. Whichever replica is asked for one carries it on, from
 * what was logged; and a replica that ends lets go of its own for that.
 */
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { STREAM_CANCELLED } from '../errors/stream-errors.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import { readKeptRequest } from '../failover/kept-request.ts'
import { SentText } from '../failover/sent-text.ts'
import { errorOfFailure } from '../failover/verdict.ts'
import { BoundedQueue } from '../streams/bounded-queue.ts'
import { CallAborter } from '../streams/call-signal.ts'
import { ChunkFrames } from '../streams/sse-frames.ts'
import type { CarryOn } from '../stream-log/stream-log.ts'
import { toGatewayError } from './error-handler.ts'

/** How long letting go may take, and then how long readers may take to hear of it, in ms. */
const HANDOVER_MS = 5_000
const READERS_MS = 1_000

const takeover: FastifyPluginAsync = async fastify => {
  const { streamLog, failover, models, metrics, drain, log } = fastify

  const carryOn: CarryOn = async ({ stream: { id, target, request: kept }, lastId, ageMs }, said) => {
    const sent = new SentText()
    for await (const each of said) {
      for (const chunk of each) {
        sent.look(chunk)
        sent.sent()
      }
    }
    const signal = new CallAborter()
    let abandoned = false
    const frames = new ChunkFrames(error => {
      void streamLog.release(id) // whoever asks again shall not get half an answer
      const told = abandoned ? STREAM_CANCELLED : error instanceof UpstreamError ? errorOfFailure({ target, error }) : toGatewayError(error)
      return JSON.stringify(told.toBody())
    }, lastId)
    const onAbandon = () => {
      abandoned = true
      signal.abort(undefined)
    }
    const call = await readKeptRequest(kept)
    const route = call === undefined ? undefined : models.resolve(call.request.model)
    if (sent.finished) return { queue: closedQueue(), frames, onAbandon } // it was complete, but for saying so
    if (call === undefined || route === undefined) return { queue: failedQueue(), frames, onAbandon } // another version, or another configuration
    const requestTimeoutMs = Math.max(1, route.requestTimeoutMs - ageMs)
    const { answer } = failover.takeOver({ ...call, route: { ...route, requestTimeoutMs }, signal }, { target, sent })
    log.info({ reqId: call.requestId, target }, 'stream taken over')
    void answer.ended.then(metrics.streams.opened(target, answer.queue)).then(drain.hold())
    return { queue: answer.queue, frames, onAbandon }
  }

  streamLog.carryOnBy(carryOn)
  // Behind the drain's own hook, so when its grace has passed.
  fastify.addHook('preClose', async () => {
    const told = await streamLog.handOver(HANDOVER_MS)
    if (told > 0) await drain.idle(READERS_MS)
  })
}

function closedQueue (): BoundedQueue<string> {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  queue.close()
  return queue
}

function failedQueue (): BoundedQueue<string> {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  queue.fail(new UpstreamError('replica_lost', 'The replica that ran this stream is gone.'))
  return queue
}

export default fp(takeover, { name: 'takeover', fastify: '5.x', dependencies: ['stream-log', 'failover', 'targets', 'metrics', 'drain'] })
