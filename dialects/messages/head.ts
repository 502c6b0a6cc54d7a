import { Type } from 'typebox'
import type { Static } from 'typebox'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { MessagesRequest } from '../../schemas/messages-api-request.ts'

/** What an answer is told of its request. */
export const AskedMessage = Type.Object({
  requestId: Type.String(),
  /** As the caller named it. */
  model: Type.String(),
  stopSequences: Type.Array(Type.String())
})

/** See the schema. */
export type AskedMessage = Static<typeof AskedMessage>

/** What the answer to a request is told of it. */
export function askedMessage ({ model, stop_sequences: stopSequences }: MessagesRequest, requestId: string): AskedMessage {
  return { requestId, model, stopSequences: stopSequences ?? [] }
}

/**
 * Id and model of a message, from a completion or a chunk. The completion's id is kept, with the prefix of this API; where
 * a target names neither, they are the request's.
 */
export function headOf ({ id, model }: JsonObject, asked: AskedMessage): { readonly id: string, readonly model: string } {
  const name = typeof id === 'string' && id !== '' ? id.replace(/^(?:chatcmpl-|msg_)/, '') : asked.requestId
  return { id: `msg_${name}`, model: typeof model === 'string' && model !== '' ? model : asked.model }
}
