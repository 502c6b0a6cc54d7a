import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { ModelList } from '../schemas/model-list.ts'

/**
 * `GET /v1/models`: every alias and every target.
 * @see https://platform.openai.com/docs/api-reference/models/list
 */
const models: FastifyPluginAsyncTypebox = async fastify => {
  const created = Math.floor(Date.now() / 1000)
  fastify.get('/v1/models', {
    schema: { tags: ['completions'], operationId: 'listModels', summary: 'Every model alias and every target', response: { 200: ModelList } },
    onRequest: fastify.auth.caller
  }, async () => ({
    object: 'list' as const,
    data: fastify.models.names.map(id => ({
      id,
      object: 'model' as const,
      created,
      owned_by: fastify.providers.get(id)?.kind ?? 'gateway'
    }))
  }))
}

export default models
