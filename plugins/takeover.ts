/**
 * Streams of replicas that are gone: killed, or ended while the stream ran. Whichever replica is asked for one carries it on, from
 * what was logged; and a replica that ends lets go of its own for that.
 */
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { STREAM_CANCELLED, replicaLost } from '../errors/stream-errors.ts'
import { readKeptRequest } from '../failover/kept-request.ts'
import { SentText } from '../failover/sent-text.ts'
import { BoundedQueue } from '../streams/bounded-queue.ts'
import { CallAborter } from '../streams/call-signal.ts'
import { ChunkFrames } from '../streams/sse-frames.ts'
import type { CarryOn } from '../stream-log/stream-log.ts'
import { errorOfStream } from './error-handler.ts'

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
      return JSON.stringify((abandoned ? STREAM_CANCELLED : errorOfStream(target, error)).toBody())
    }, lastId)
    const onAbandon = () => {
      abandoned = true
      signal.abort(undefined)
    }
    const queue = new BoundedQueue<string>({ capacity: 1 })
    if (sent.finished) { // it was complete, but for saying so
      queue.close()
      return { queue, frames, onAbandon }
    }
    const call = await readKeptRequest(kept)
    const route = call === undefined ? undefined : models.resolve(call.request.model)
    if (call === undefined || route === undefined) { // of another version, or another configuration
      queue.fail(replicaLost())
      return { queue, frames, onAbandon }
    }
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

export default fp(takeover, { name: 'takeover', fastify: '5.x', dependencies: ['stream-log', 'failover', 'targets', 'metrics', 'drain'] })
