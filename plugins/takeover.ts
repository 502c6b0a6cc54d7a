/**
 * Streams of replicas that are gone: killed, or ended while the stream ran. Whichever replica is asked for one carries it on, from
 * what was logged; and a replica that ends lets go of its own for that.
 */
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { STREAM_CANCELLED, STREAM_LOST, replicaLost } from '../errors/stream-errors.ts'
import { keptRequest, readKeptRequest } from '../failover/kept-request.ts'
import { LostAttempt } from '../failover/lost-attempt.ts'
import { SentText } from '../failover/sent-text.ts'
import { BoundedQueue } from '../streams/bounded-queue.ts'
import { CallAborter } from '../streams/call-signal.ts'
import type { StreamEnd } from '../streams/completion-stream.ts'
import { ChunkFrames } from '../streams/sse-frames.ts'
import type { CarryOn } from '../stream-log/stream-log.ts'
import type { EndedTakeover } from '../tracing/takeover-span.ts'
import { errorOfStream } from './error-handler.ts'

/** How long letting go may take, and then how long readers may take to hear of it, in ms. */
const HANDOVER_MS = 5_000
const READERS_MS = 1_000

const takeover: FastifyPluginAsync = async fastify => {
  const { streamLog, failover, models, metrics, drain, tracing, log } = fastify

  const carryOn: CarryOn = async ({ stream: { id, target: first, request }, lastId, ageMs, handedOver }, said) => {
    const kept = await readKeptRequest(request)
    const target = kept?.speaker?.target ?? first
    // Who has handed it over has recorded its attempt itself.
    const lost = kept?.speaker === undefined || handedOver ? undefined : new LostAttempt(kept.speaker)
    const sent = new SentText()
    for await (const each of said) {
      for (const chunk of each) {
        sent.look(chunk)
        sent.sent()
        lost?.said(chunk)
      }
    }
    if (kept !== undefined && lost !== undefined) failover.recordLost(lost.record(kept))
    const model = models.nameOf(kept?.request.model)
    const traced = kept === undefined ? undefined : tracing?.takeover({ ...kept, model, from: target, handedOver, frames: lastId })
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
      traced?.ended({ outcome: 'ok', error: undefined })
      return { queue, frames, onAbandon }
    }
    const route = kept === undefined ? undefined : models.resolve(kept.request.model)
    if (kept === undefined || route === undefined) { // of another version, or another configuration
      queue.fail(replicaLost())
      traced?.ended({ outcome: 'broken', error: STREAM_LOST.code ?? 'unknown' })
      return { queue, frames, onAbandon }
    }
    const requestTimeoutMs = Math.max(1, route.requestTimeoutMs - ageMs)
    const { answer } = failover.takeOver({
      requestId: kept.requestId,
      request: kept.request,
      route: { ...route, requestTimeoutMs },
      signal,
      observe: traced?.observe,
      onSpeaker: speaker => { void streamLog.renew(id, keptRequest({ ...kept, speaker })) },
      attemptsBefore: kept.speaker?.number
    }, { target, sent })
    log.info({ reqId: kept.requestId, target, ...traced?.logFields }, 'stream taken over')
    void answer.ended.then(end => traced?.ended(abandoned ? LEFT : takeoverEndOf(target, end)))
    void answer.ended.then(metrics.streams.opened(target, model, answer.queue)).then(drain.hold())
    return { queue: answer.queue, frames, onAbandon }
  }

  streamLog.carryOnBy(carryOn)
  // Behind the drain's own hook, so when its grace has passed.
  fastify.addHook('preClose', async () => {
    const told = await streamLog.handOver(HANDOVER_MS)
    if (told > 0) await drain.idle(READERS_MS)
  })
}

/** Nobody came back for it, or it was deleted. */
const LEFT: EndedTakeover = { outcome: 'left', error: undefined }

function takeoverEndOf (target: string, end: StreamEnd): EndedTakeover {
  switch (end.kind) {
    case 'complete': return { outcome: 'ok', error: undefined }
    case 'failed': return { outcome: 'broken', error: errorOfStream(target, end.error).code ?? 'unknown' }
    case 'cancelled': return LEFT
  }
}

export default fp(takeover, { name: 'takeover', fastify: '5.x', dependencies: ['stream-log', 'failover', 'targets', 'metrics', 'drain', 'tracing'] })
