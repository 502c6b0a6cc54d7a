import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dialect } from '../dialects/dialect.ts'
import { notFound } from '../errors/gateway-error.ts'
import type { FailoverCall } from '../failover/running-call.ts'
import type { CompletionSummary } from '../plugins/request-log.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import { sendBatches } from '../streams/batch-response.ts'
import { answerResumable, isResumable } from './answer-resumable.ts'
import { clientSignal } from './client-signal.ts'
import { KEEP_ALIVE, beginAnswer } from './event-stream.ts'

/**
 * Has a request answered by the targets of its model, and sends the answer in the caller's dialect, streamed or whole as
 * `asked.stream` says.
 * @param asked the request in the core's format
 * @throws {GatewayError} 404 for an unknown model, and whatever the failover throws before an answer begins
 */
export async function answerCompletion (fastify: FastifyInstance, request: FastifyRequest, reply: FastifyReply, asked: ChatCompletionRequest, dialect: Dialect): Promise<FastifyReply | undefined> {
  const route = fastify.models.resolve(asked.model)
  if (route === undefined) throw notFound(`There is no model "${asked.model}".`, 'model_not_found', 'model')
  const model = fastify.models.nameOf(asked.model)
  // Otherwise its client has left: `close` has been, and would not come again.
  if (!reply.raw.destroyed) reply.raw.on('close', fastify.metrics.running.begun(model))
  const summary: CompletionSummary = { model, stream: asked.stream === true, target: null, attempts: 0, firstOutputMs: null, result: null, usage: null }
  request.completion = summary
  const call: FailoverCall = {
    request: asked,
    route,
    requestId: request.id,
    signal: clientSignal(reply),
    observe: fastify.tracing?.attemptsOf(request),
    onTry: (target, attempts, beside) => {
      if (summary.target !== null) fastify.metrics.counts.another(summary.target, beside)
      summary.target = target
      summary.attempts = attempts
      void reply.header('x-gateway-attempts', attempts)
    }
  }
  if (asked.stream === true) {
    if (isResumable(request, route)) {
      await answerResumable(fastify, request, reply, call, dialect)
      return undefined
    }
    const answer = await fastify.failover.stream(call)
    const frames = beginAnswer(request, reply, answer, randomUUID(), dialect)
    const closed = fastify.metrics.streams.opened(answer.target, model, answer.answer.queue)
    reply.sse.sendHeaders()
    fastify.cutSlowClient(reply)
    await sendBatches(answer.answer.queue, frames, reply.raw, KEEP_ALIVE).finally(closed)
    return undefined
  }
  const { target, answer, usage } = await fastify.failover.complete(call)
  summary.firstOutputMs = Math.round(reply.elapsedTime)
  summary.result = answer
  summary.usage = usage
  return reply.header('x-gateway-target', target).type('application/json; charset=utf-8').send(dialect.whole(answer.json))
}
