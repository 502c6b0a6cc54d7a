import { randomUUID } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { askedResponse, responses as dialectOf } from '../dialects/responses.ts'
import { errorBody } from '../dialects/responses/error-body.ts'
import { chatRequestOf } from '../dialects/responses/request.ts'
import { asTranslated } from '../schemas/carried.ts'
import { ResponsesRequest } from '../schemas/responses-request.ts'
import { answerCompletion } from './answer-completion.ts'
import { STREAM_ROUTE } from './event-stream.ts'

/**
 * `POST /v1/responses`, streamed and not, without a memory of past answers.
 * @see https://platform.openai.com/docs/api-reference/responses/create
 */
const responses: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/v1/responses', {
    ...STREAM_ROUTE,
    config: { errorBody, describe: async () => (await import('../openapi/responses.ts')).responses },
    schema: { tags: ['completions'], operationId: 'createResponse', summary: 'A response in the format of OpenAI\'s Responses API, streamed or whole', body: ResponsesRequest },
    onRequest: fastify.auth.caller,
    preHandler: [fastify.drain.guard, fastify.overload.guard]
  }, async (request, reply) => {
    const { body } = request
    return await answerCompletion(fastify, request, reply, asTranslated(chatRequestOf(body)), dialectOf(askedResponse(body, randomUUID().replaceAll('-', ''))))
  })
}

export default responses
