import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { messagesError } from '../dialects/messages/errors.ts'
import { askedMessage } from '../dialects/messages/head.ts'
import { chatRequestOf } from '../dialects/messages/request.ts'
import { messages as dialect } from '../dialects/messages.ts'
import { asTranslated } from '../schemas/carried.ts'
import { MessagesRequest } from '../schemas/messages-api-request.ts'
import { answerCompletion } from './answer-completion.ts'
import { STREAM_ROUTE } from './event-stream.ts'

/**
 * `POST /v1/messages`, streamed and not; errors, too, are in Anthropic's format. The headers `anthropic-version` and
 * `anthropic-beta` ask for nothing here: what a body asks for is translated or refused by its name.
 * @see https://platform.claude.com/docs/en/api/messages/create
 */
const messages: FastifyPluginAsyncTypebox = async fastify => {
  // By this name Anthropic's clients know the request's id. First of all, so that refusals have it, too.
  fastify.addHook('onRequest', (request, reply, done) => {
    void reply.header('request-id', request.id)
    done()
  })
  fastify.post('/v1/messages', {
    ...STREAM_ROUTE,
    config: { errorBody: messagesError, describe: async () => (await import('../openapi/messages.ts')).messages },
    schema: { tags: ['completions'], operationId: 'createMessage', summary: 'A message in Anthropic\'s format, streamed or whole', body: MessagesRequest },
    onRequest: fastify.auth.caller,
    preHandler: [fastify.drain.guard, fastify.overload.guard]
  }, async (request, reply) => await answerCompletion(fastify, request, reply, asTranslated(chatRequestOf(request.body)), dialect(askedMessage(request.body, request.id))))
}

export default messages
