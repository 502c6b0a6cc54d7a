import { createHash, randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dialect } from '../dialects/dialect.ts'
import { keptIn } from '../dialects/kept.ts'
import { GatewayError, invalidRequest } from '../errors/gateway-error.ts'
import { STREAM_CANCELLED } from '../errors/stream-errors.ts'
import { keptRequest } from '../failover/kept-request.ts'
import type { ModelRoute } from '../failover/model-routes.ts'
import type { FailoverCall } from '../failover/running-call.ts'
import type { Speaker } from '../failover/speaker.ts'
import { OutlivingSignal } from './client-signal.ts'
import { STREAM_HEADERS, beginAnswer, inReach, sendFrames } from './event-stream.ts'

const REUSED = new GatewayError(422, 'This Idempotency-Key was used for another request.', { type: 'invalid_request_error', code: 'idempotency_key_reused', param: 'idempotency-key' })

/** By the request's own wish, or its model's. One that has a name of its own is to be found again. */
export function isResumable ({ headers }: FastifyRequest, route: ModelRoute): boolean {
  if (headers['idempotency-key'] !== undefined) return true
  const wish = headers['x-gateway-resumable']
  return wish === undefined ? route.resumable : wish === 'true'
}

/**
 * Streams an answer that its client may leave and join again. A request with an `Idempotency-Key` is made once: whoever asks
 * for the same with the same key gets the stream that there is, from its start.
 * @throws {GatewayError} 422: the key was used for something else; 503: the stream that there is cannot be read at the moment;
 * and whatever the failover throws before an answer begins
 * @see https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
 */
export async function answerResumable (fastify: FastifyInstance, request: FastifyRequest, reply: FastifyReply, call: FailoverCall, dialect: Dialect): Promise<void> {
  const { streamLog } = fastify
  const key = keyOf(request)
  let id = randomUUID()
  if (key !== undefined) {
    const digest = digestOf(request, dialect)
    for (;;) {
      const claimed = await streamLog.claim({ id, caller: request.callerId, key, dialect: dialect.name, digest })
      if (claimed.kind === 'mine') break
      if (claimed.kind === 'mistaken') throw REUSED
      const joined = await inReach(streamLog.joinBegun(claimed.id, request.callerId))
      if (joined !== undefined) {
        void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': joined.target, 'x-gateway-stream-id': claimed.id, 'x-gateway-replayed': 'true' })
        reply.sse.sendHeaders()
        fastify.cutSlowClient(reply)
        return await sendFrames(joined, 0, request, reply)
      }
      id = randomUUID() // the other one came to nothing
    }
  }
  await run(fastify, request, reply, call, dialect, id, key !== undefined)
}

async function run (fastify: FastifyInstance, request: FastifyRequest, reply: FastifyReply, call: FailoverCall, dialect: Dialect, id: string, named: boolean): Promise<void> {
  const { streamLog, drain, failover, metrics, models, tracing } = fastify
  const release = () => { if (named) void streamLog.release(id) }
  const signal = new OutlivingSignal(call.signal)
  if (named) signal.outlive() // its client can find it again, without knowing its id
  const ended = drain.hold()
  const trace = tracing?.keptOf(request)
  let speaker: Speaker | undefined
  const kept = () => keptIn(dialect, keptRequest({ ...call, ...trace === undefined ? {} : { trace }, ...speaker === undefined ? {} : { speaker } }))
  const onSpeaker = (now: Speaker) => {
    const isFirst = speaker === undefined
    speaker = now
    if (!isFirst) void streamLog.renew(id, kept())
  }
  try {
    const answer = await failover.stream({ ...call, signal, onSpeaker })
    void answer.answer.ended.then(metrics.streams.opened(answer.target, models.nameOf(call.request.model), answer.answer.queue)).then(ended)
    const frames = beginAnswer(request, reply, answer, id, dialect, () => {
      release() // whoever asks again shall not get half an answer
      return signal.isAbandoned ? STREAM_CANCELLED : undefined
    })
    signal.outlive()
    const live = streamLog.keep({
      begun: {
        id,
        caller: request.callerId,
        target: answer.target,
        dialect: dialect.name,
        request: failover.isRescued(call) ? kept() : undefined
      },
      queue: answer.answer.queue,
      frames,
      onAbandon: () => signal.abandon()
    })
    reply.sse.sendHeaders()
    fastify.cutSlowClient(reply)
    await sendFrames({ source: live.read(0), dialect: dialect.name }, 0, request, reply)
  } catch (error) {
    ended()
    release()
    throw error
  }
}

/**
 * What tells two requests apart: the body as it was sent, since it may say things of the answer that the core's format has no words
 * for, and the API, as two may be sent the same body.
 */
function digestOf ({ body }: FastifyRequest, { name }: Dialect): string {
  // Chat completions' is of the body alone, as replicas of former versions write it.
  return createHash('sha256').update(name === 'chat_completions' ? '' : name).update(JSON.stringify(body)).digest('hex')
}

/** @throws {GatewayError} 400: it is no key */
function keyOf ({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key !== 'string' || !/^[\x21-\x7e]{1,255}$/.test(key)) throw invalidRequest('Idempotency-Key must be 1 to 255 visible ASCII characters.', 'idempotency-key')
  return key
}
