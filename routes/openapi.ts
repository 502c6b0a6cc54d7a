import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'

const TAGS = ['description']

/**
 * `GET /openapi.json`: all routes as OpenAPI 3.1. `GET /docs`: that as a page, which wants nothing from the internet.
 * `GET /schemas/gateway-config.json`: the JSON Schema of the file that `GATEWAY_CONFIG` names.
 */
const openapi: FastifyPluginAsyncTypebox = async fastify => {
  fastify.get('/openapi.json', {
    schema: { tags: TAGS, operationId: 'getOpenApi', summary: 'This description' },
    config: { describe: async () => (await import('../openapi/openapi.ts')).openapiJson }
  }, async (_request, reply) => await reply.type('application/json; charset=utf-8').send(await fastify.openapi.document()))

  fastify.get('/schemas/gateway-config.json', {
    schema: { tags: TAGS, operationId: 'getConfigSchema', summary: 'The JSON Schema of the configuration file' },
    config: { describe: async () => (await import('../openapi/openapi.ts')).configSchema }
  }, async (_request, reply) => {
    const { GatewayConfigFile } = await import('../schemas/gateway-config.ts')
    return await reply.type('application/schema+json; charset=utf-8')
      .send(JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...GatewayConfigFile }))
  })

  const path = `${fastify.prefix}/docs`
  const page = async (request: FastifyRequest, reply: FastifyReply) => await fastify.openapi.page(path, request, reply)
  fastify.get('/docs', {
    schema: { tags: TAGS, operationId: 'getDocs', summary: 'This description as a page' },
    config: { describe: async () => (await import('../openapi/openapi.ts')).docs }
  }, page)
  fastify.get('/docs/*', { schema: { hide: true } }, page) // what the page is made of
}

export default openapi
