import { AnswerMessage, MessageEvent, MessagesErrorBody } from '../schemas/messages-api-answer.ts'
import type { RouteDescription } from './description.ts'
import { resumable } from './resumable.ts'

const usage = { input_tokens: 9, output_tokens: 3 }
const head = { id: 'msg_1', type: 'message', role: 'assistant', model: 'anthropic.claude-sonnet-4-5-20250929-v1:0', stop_sequence: null }
const events = [
  { type: 'message_start', message: { ...head, content: [], stop_reason: null, usage: { input_tokens: 0, output_tokens: 0 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello there!' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage },
  { type: 'message_stop' }
]

/** `POST /v1/messages` */
export const messages: RouteDescription = {
  ...resumable,
  error: MessagesErrorBody,
  requests: {
    smallest: { summary: 'The smallest request', value: { model: 'auto', max_tokens: 256, messages: [{ role: 'user', content: 'Hello!' }] } },
    stream: { summary: 'A stream', value: { model: 'auto', max_tokens: 256, messages: [{ role: 'user', content: 'Hello!' }], stream: true } }
  },
  answers: {
    'application/json': {
      schema: AnswerMessage,
      examples: { text: { summary: 'Text', value: { ...head, content: [{ type: 'text', text: 'Hello there!' }], stop_reason: 'end_turn', usage } } }
    },
    'text/event-stream': {
      data: [MessageEvent, MessagesErrorBody],
      examples: { text: { summary: 'A stream that ended well', value: events.map((event, index) => `event: ${event.type}\nid: ${index + 1}\ndata: ${JSON.stringify(event)}\n\n`).join('') } }
    }
  }
}
