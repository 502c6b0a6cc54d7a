import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { notFound } from '../errors/gateway-error.ts'
import type { GatewayError } from '../errors/gateway-error.ts'
import { StreamDeleted, StreamHeaders, StreamParams } from '../schemas/stream.ts'
import { STREAM_HEADERS, STREAM_ROUTE, inReach, sendFrames } from './event-stream.ts'

/** `GET /v1/streams/{id}`: joins a stream again. `DELETE`: ends it wherever it runs, and forgets it. */
const streams: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/v1/streams/:id', {
    ...STREAM_ROUTE,
    schema: {
      tags: ['streams'],
      operationId: 'joinStream',
      summary: 'The frames of a resumable stream after Last-Event-ID, and those to come',
      params: StreamParams,
      headers: StreamHeaders
    },
    config: { describe: async () => (await import('../openapi/streams.ts')).joinStream },
    onRequest: fastify.auth.caller,
    preHandler: fastify.drain.guard
  }, async (request, reply) => {
    const { id } = request.params
    const afterId = Number(request.headers['last-event-id'] ?? 0)
    const joined = await inReach(fastify.streamLog.join(id, request.callerId, afterId))
    if (joined === undefined) throw noStream()
    void reply.headers({ ...STREAM_HEADERS, 'x-gateway-target': joined.target, 'x-gateway-stream-id': id })
    reply.sse.sendHeaders()
    fastify.cutSlowClient(reply)
    reply.raw.flushHeaders() // it may take long until there is something new
    await sendFrames(joined, afterId, request, reply)
  })

  fastify.delete('/v1/streams/:id', {
    schema: {
      tags: ['streams'],
      operationId: 'deleteStream',
      summary: 'Ends a resumable stream and its upstream request, and forgets its frames',
      params: StreamParams,
      response: { 200: StreamDeleted }
    },
    config: { describe: async () => (await import('../openapi/streams.ts')).deleteStream },
    onRequest: fastify.auth.caller
  }, async request => {
    const { id } = request.params
    if (!await inReach(fastify.streamLog.remove(id, request.callerId))) throw noStream()
    return { id, object: 'stream' as const, deleted: true as const }
  })
}

function noStream (): GatewayError {
  return notFound('There is no such stream, or none any more.', 'stream_not_found', 'id')
}

export default streams
