import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dialect } from '../dialects/dialect.ts'
import { GatewayError, notFound } from '../errors/gateway-error.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { ModelRoute } from '../failover/model-routes.ts'
import type { FailoverCall } from '../failover/running-call.ts'
import { errorOfFailure } from '../failover/verdict.ts'
import { toGatewayError } from '../plugins/error-handler.ts'
import type { CompletionSummary } from '../plugins/request-log.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import { sendBatches } from '../streams/batch-response.ts'
import { OutlivingSignal, clientSignal } from './client-signal.ts'
import { KEEP_ALIVE, STREAM_HEADERS, sendFrames } from './event-stream.ts'

/**
 * Has a request answered by the targets of its model, and sends the answer in the caller's dialect, streamed or whole as
 * `asked.stream` says.
 * @param asked the request in the core's format
 * @throws {GatewayError} 404 for an unknown model, and whatever the failover throws before an answer begins
 */
export async function answerCompletion (fastify: FastifyInstance, request: FastifyRequest, reply: FastifyReply, asked: ChatCompletionRequest, dialect: Dialect): Promise<FastifyReply | undefined> {
  const route = fastify.models.resolve(asked.model)
  if (route === undefined) throw notFound(`There is no model "${asked.model}".`, 'model_not_found', 'model')
  const summary: CompletionSummary = { model: fastify.models.nameOf(asked.model), stream: asked.stream === true, target: null, attempts: 0, firstOutputMs: null, result: null, usage: null }
  request.completion = summary
  const call: FailoverCall = {
    request: asked,
    route,
    requestId: request.id,
    signal: clientSignal(reply),
    onTry: (target, attempts, beside) => {
      if (summary.target !== null) fastify.metrics.counts.another(summary.target, beside)
      summary.target = target
      summary.attempts = attempts
      void reply.header('x-gateway-attempts', attempts)
    }
  }
  if (asked.stream === true) {
    const signal = dialect.resumable && isResumable(request, route) ? new OutlivingSignal(call.signal) : undefined
    const { target, answer, usage } = await fastify.failover.stream(signal === undefined ? call : { ...call, signal })
    const id = randomUUID()
    summary.target = target // of two that were asked at once it may be the former
    summary.firstOutputMs = Math.round(reply.elapsedTime)
    void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': target, 'x-gateway-stream-id': id })
    summary.result = answer.report
    summary.usage = usage
    const frames = dialect.frames(error => {
      request.failure = signal?.isAbandoned === true ? CANCELLED : error instanceof UpstreamError ? errorOfFailure({ target, error }) : toGatewayError(error)
      return request.failure
    })
    const closed = fastify.metrics.streams.opened(target, answer.queue)
    if (signal === undefined) {
      reply.sse.sendHeaders()
      fastify.cutSlowClient(reply)
      await sendBatches(answer.queue, frames, reply.raw, KEEP_ALIVE).finally(closed)
    } else {
      void answer.ended.then(closed)
      signal.outlive()
      void answer.ended.then(fastify.drain.hold())
      const live = fastify.streamLog.keep({ begun: { id, caller: request.callerId, target }, queue: answer.queue, frames, onAbandon: () => signal.abandon() })
      reply.sse.sendHeaders()
      fastify.cutSlowClient(reply)
      await sendFrames(live.read(0), request, reply)
    }
    return undefined
  }
  const { target, answer, usage } = await fastify.failover.complete(call)
  summary.firstOutputMs = Math.round(reply.elapsedTime)
  summary.result = answer
  summary.usage = usage
  return reply.header('x-gateway-target', target).type('application/json; charset=utf-8').send(dialect.whole(answer.json))
}

const CANCELLED = new GatewayError(499, 'The stream was cancelled.', { type: 'api_error', code: 'stream_cancelled' })

/** By the request's own wish, or its model's. */
function isResumable ({ headers }: FastifyRequest, route: ModelRoute): boolean {
  const wish = headers['x-gateway-resumable']
  return wish === undefined ? route.resumable : wish === 'true'
}
