import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { chatCompletions as dialect } from '../dialects/chat-completions.ts'
import { ChatCompletionRequest } from '../schemas/chat-completion-request.ts'
import { answerCompletion } from './answer-completion.ts'
import { STREAM_ROUTE } from './event-stream.ts'

/**
 * `POST /v1/chat/completions`, streamed and not.
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
const chatCompletions: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/v1/chat/completions', {
    ...STREAM_ROUTE,
    schema: { tags: ['completions'], operationId: 'createChatCompletion', summary: 'A chat completion, streamed or whole', body: ChatCompletionRequest },
    config: { describe: async () => (await import('../openapi/chat-completions.ts')).chatCompletions },
    onRequest: fastify.auth.caller,
    preHandler: [fastify.drain.guard, fastify.overload.guard]
  }, async (request, reply) => await answerCompletion(fastify, request, reply, request.body, dialect))
}

export default chatCompletions
