import type { Dialect } from './dialect.ts'
import { messageOf } from './messages/answer.ts'
import type { AskedMessage } from './messages/head.ts'
import { MessageFrames } from './messages/message-frames.ts'
import { chunksInEvents } from './messages/stored-events.ts'

/**
 * Anthropic's Messages API, for one request.
 * @see https://platform.claude.com/docs/en/api/messages
 */
export function messages (asked: AskedMessage): Dialect {
  return {
    name: 'messages',
    asked,
    whole: json => JSON.stringify(messageOf(json, asked)),
    frames: errorOf => new MessageFrames(asked, errorOf),
    chunksIn: chunksInEvents
  }
}
