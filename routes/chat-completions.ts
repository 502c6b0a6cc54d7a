import { randomUUID } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { notFound } from '../errors/gateway-error.ts'
import { UpstreamError } from '../errors/upstream-error.ts'
import type { FailoverCall } from '../failover/failover.ts'
import { errorOfFailure } from '../failover/verdict.ts'
import type { CompletionSummary } from '../plugins/request-log.ts'
import { toGatewayError } from '../plugins/error-handler.ts'
import { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import type { KeepAlive } from '../streams/batch-pump.ts'
import { sendBatches } from '../streams/batch-response.ts'
import { ChunkFrames, KEEP_ALIVE_COMMENT } from '../streams/sse-frames.ts'
import { clientSignal } from './client-signal.ts'

/** A stream that is silent for so long (ms) gets a comment that keeps its connection alive. */
const KEEP_ALIVE: KeepAlive = { afterMs: 15_000, text: KEEP_ALIVE_COMMENT }

const STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no'
}

/**
 * `POST /v1/chat/completions`, streamed and not.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
const chatCompletions: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/v1/chat/completions', {
    // `manual`: it is the body that says whether to stream, not the Accept header. Keep-alive comments are ours.
    sse: { kind: 'manual', heartbeat: false },
    schema: { body: ChatCompletionRequest },
    onRequest: fastify.auth.caller,
    preHandler: fastify.drain.guard
  }, async (request, reply) => {
    const { body } = request
    const route = fastify.models.resolve(body.model)
    if (route === undefined) throw notFound(`There is no model "${body.model}".`, 'model_not_found', 'model')
    const summary: CompletionSummary = { stream: body.stream === true, target: null, attempts: 0, firstOutputMs: null, result: null }
    request.completion = summary
    const call: FailoverCall = {
      request: body,
      route,
      requestId: request.id,
      signal: clientSignal(reply),
      onTry: (target, attempts) => {
        summary.target = target
        summary.attempts = attempts
        void reply.header('x-gateway-attempts', attempts)
      }
    }
    if (body.stream === true) {
      const { target, answer } = await fastify.failover.stream(call)
      summary.firstOutputMs = Math.round(reply.elapsedTime)
      void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': target, 'x-gateway-stream-id': randomUUID() })
      summary.result = answer.report
      await sendStream(request, reply, target, answer)
      return
    }
    const { target, answer } = await fastify.failover.complete(call)
    summary.firstOutputMs = Math.round(reply.elapsedTime)
    summary.result = answer
    return reply.header('x-gateway-target', target).type('application/json; charset=utf-8').send(answer.json)
  })
}

/** Sends a stream until it ends or its client leaves. From here on an error can only be a frame. */
async function sendStream (request: FastifyRequest, reply: FastifyReply, target: string, { queue }: CompletionStream): Promise<void> {
  const frames = new ChunkFrames(error => {
    request.failure = error instanceof UpstreamError ? errorOfFailure({ target, error }) : toGatewayError(error)
    return JSON.stringify(request.failure.toBody())
  })
  reply.sse.sendHeaders()
  await sendBatches(queue, frames, reply.raw, KEEP_ALIVE)
}

export default chatCompletions
