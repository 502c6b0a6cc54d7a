import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Dialect } from '../dialects/dialect.ts'
import { notFound } from '../errors/gateway-error.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { FailoverCall } from '../failover/running-call.ts'
import { errorOfFailure } from '../failover/verdict.ts'
import { toGatewayError } from '../plugins/error-handler.ts'
import type { CompletionSummary } from '../plugins/request-log.ts'
import type { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { KeepAlive } from '../streams/batch-pump.ts'
import { sendBatches } from '../streams/batch-response.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import { KEEP_ALIVE_COMMENT } from '../streams/sse-frames.ts'
import { clientSignal } from './client-signal.ts'

/** A stream that is silent for so long (ms) gets a comment that keeps its connection alive. */
const KEEP_ALIVE: KeepAlive = { afterMs: 15_000, text: KEEP_ALIVE_COMMENT }

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/**
 * Routes that answer with completions, whatever their dialect. `manual`: it is the body that says whether to stream, not
 * the Accept header. Keep-alive comments are ours.
 */
export const COMPLETION_ROUTE = { sse: { kind: 'manual', heartbeat: false } } as const

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
    const { target, answer, usage } = await fastify.failover.stream(call)
    summary.target = target // of two that were asked at once it may be the former
    summary.firstOutputMs = Math.round(reply.elapsedTime)
    void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': target, 'x-gateway-stream-id': randomUUID() })
    summary.result = answer.report
    summary.usage = usage
    const ended = fastify.metrics.streams.opened(target, answer.queue)
    try {
      await sendStream(request, reply, target, answer, dialect)
    } finally {
      ended()
    }
    return undefined
  }
  const { target, answer, usage } = await fastify.failover.complete(call)
  summary.firstOutputMs = Math.round(reply.elapsedTime)
  summary.result = answer
  summary.usage = usage
  return reply.header('x-gateway-target', target).type('application/json; charset=utf-8').send(dialect.whole(answer.json))
}

/** Sends a stream until it ends or its client leaves. From here on an error can only be a frame. */
async function sendStream (request: FastifyRequest, reply: FastifyReply, target: string, { queue }: CompletionStream, dialect: Dialect): Promise<void> {
  const frames = dialect.frames(error => {
    request.failure = error instanceof UpstreamError ? errorOfFailure({ target, error }) : toGatewayError(error)
    return request.failure
  })
  reply.sse.sendHeaders()
  await sendBatches(queue, frames, reply.raw, KEEP_ALIVE)
}
