/**
 * Streams of replicas that are gone: killed, or ended while the stream ran. Whichever replica is asked for one carries it on, from
 * what was logged; and a replica that ends lets go of its own for that.
 */
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { keptIn, readKept } from '../dialects/kept.ts'
import { LastWords } from '../dialects/last-words.ts'
import { Replay } from '../dialects/replay.ts'
import { STREAM_CANCELLED, STREAM_LOST, replicaLost } from '../errors/stream-errors.ts'
import { keptRequest, readKeptRequest } from '../failover/kept-request.ts'
import { LostAttempt } from '../failover/lost-attempt.ts'
import { SentText } from '../failover/sent-text.ts'
import { BoundedQueue } from '../streams/bounded-queue.ts'
import { CallAborter } from '../streams/call-signal.ts'
import type { StreamEnd } from '../streams/completion-stream.ts'
import type { CarryOn } from '../stream-log/stream-log.ts'
import type { EndedTakeover } from '../tracing/takeover-span.ts'
import { errorOfStream } from './error-handler.ts'

/** How long letting go may take, and then how long readers may take to hear of it, in ms. */
const HANDOVER_MS = 5_000
const READERS_MS = 1_000

const takeover: FastifyPluginAsync = async fastify => {
  const { streamLog, failover, models, metrics, drain, tracing, log } = fastify

  const carryOn: CarryOn = async ({ stream: { id, target: first, dialect: name, request }, lastId, ageMs, handedOver }, said) => {
    const stored = await readKept(name, request)
    const kept = stored === undefined ? undefined : await readKeptRequest(stored.request)
    const target = kept?.speaker?.target ?? first
    let abandoned = false
    const errorOf = (error: Error) => {
      void streamLog.release(id) // whoever asks again shall not get half an answer
      return abandoned ? STREAM_CANCELLED : errorOfStream(target, error)
    }
    const signal = new CallAborter()
    const onAbandon = () => {
      abandoned = true
      signal.abort(undefined)
    }
    const queue = new BoundedQueue<string>({ capacity: 1 })
    const lost = () => {
      queue.fail(replicaLost())
      return { queue, frames: new LastWords(name, { after: lastId, requestId: kept?.requestId ?? null }, errorOf), onAbandon }
    }
    if (stored === undefined || kept === undefined) return lost() // of another version
    const { dialect } = stored
    // Who has handed it over has recorded its attempt itself.
    const attempt = kept.speaker === undefined || handedOver ? undefined : new LostAttempt(kept.speaker)
    const replay = new Replay(dialect, errorOf)
    const sent = await retold(said, replay, attempt)
    if (attempt !== undefined) failover.recordLost(attempt.record(kept))
    const model = models.nameOf(kept.request.model)
    const traced = tracing?.takeover({ ...kept, model, from: target, handedOver, frames: lastId })
    const route = models.resolve(kept.request.model)
    if (route === undefined || !replay.isFaithful) { // of another configuration; or more than text, with what is not said again
      traced?.ended({ outcome: 'broken', error: STREAM_LOST.code ?? 'unknown' })
      return lost()
    }
    const { frames } = replay
    if (sent.finished) { // it was complete, but for saying so
      queue.close()
      traced?.ended({ outcome: 'ok', error: undefined })
      return { queue, frames, onAbandon }
    }
    const requestTimeoutMs = Math.max(1, route.requestTimeoutMs - ageMs)
    const { answer } = failover.takeOver({
      requestId: kept.requestId,
      request: kept.request,
      route: { ...route, requestTimeoutMs },
      signal,
      observe: traced?.observe,
      onSpeaker: speaker => { void streamLog.renew(id, keptIn(dialect, keptRequest({ ...kept, speaker }))) },
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

/** All that was said, for who speaks on; told to who writes on, and to the record of the attempt that died. */
async function retold (said: AsyncIterable<string>, replay: Replay, attempt: LostAttempt | undefined): Promise<SentText> {
  const sent = new SentText()
  for await (const frames of said) {
    for (const chunk of replay.write(frames)) {
      sent.look(chunk)
      sent.sent()
      attempt?.said(chunk)
    }
  }
  return sent
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
