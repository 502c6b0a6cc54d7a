import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { TEXT_FORMAT } from '../metrics/text-format.ts'

/** `GET /metrics`: for Prometheus, which brings no key; names of targets, aliases and models are the most that it tells. */
const metrics: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/metrics', {
    schema: { tags: ['operation'], operationId: 'getMetrics', summary: 'What Prometheus scrapes' },
    config: { describe: async () => (await import('../openapi/metrics.ts')).metrics }
  }, async (_request, reply) => await reply.type(TEXT_FORMAT).send(await fastify.metrics.text()))
}

export default metrics
