import type { MessagesRequest } from '../schemas/messages-api-request.ts'
import type { Dialect } from './dialect.ts'
import { messageOf } from './messages/answer.ts'
import { MessageFrames } from './messages/message-frames.ts'

/**
 * Anthropic's Messages API, for one request.
 * @see https://platform.claude.com/docs/en/api/messages
 */
export function messages ({ model, stop_sequences: stopSequences }: MessagesRequest, requestId: string): Dialect {
  const asked = { requestId, model, stopSequences: stopSequences ?? [] }
  return {
    name: 'messages',
    whole: json => JSON.stringify(messageOf(json, asked)),
    frames: errorOf => new MessageFrames(asked, errorOf),
    outlivesReplica: false
  }
}
