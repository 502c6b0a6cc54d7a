import { ErrorBody } from '../schemas/error.ts'
import { ChatCompletionChunk } from '../schemas/chat-completion.ts'
import { MessageEvent, MessagesErrorBody } from '../schemas/messages-api-answer.ts'
import { ResponsesEvent } from '../schemas/responses-events.ts'
import { RETRY_AFTER } from './description.ts'
import type { RouteDescription } from './description.ts'

const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_764_000_000, model: 'gpt-4o-2024-08-06' }

/** `GET /v1/streams/{id}` */
export const joinStream: RouteDescription = {
  answerHeaders: {
    'x-gateway-target': { type: 'string', description: 'The target that answered.' },
    'x-gateway-stream-id': { type: 'string', format: 'uuid', description: 'Of the stream.' }
  },
  failures: { 503: { description: 'The stream cannot be read at present, or the gateway shuts down.', headers: RETRY_AFTER } },
  answers: {
    'text/event-stream': {
      data: [ChatCompletionChunk, { const: '[DONE]', description: 'The end of a chat completion; not JSON.' }, ErrorBody, ResponsesEvent, MessageEvent, MessagesErrorBody],
      examples: {
        rest: {
          summary: 'What followed the frame 2',
          value: `id: 3\ndata: ${JSON.stringify({ ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\nid: 4\ndata: [DONE]\n\n`
        },
        message: {
          summary: 'What followed the frame 6 of a stream of the Messages API',
          value: 'event: message_stop\nid: 7\ndata: {"type":"message_stop"}\n\n'
        }
      }
    }
  }
}

/** `DELETE /v1/streams/{id}` */
export const deleteStream: RouteDescription = {
  failures: { 503: { description: 'The stream cannot be reached at present.', headers: RETRY_AFTER } }
}
