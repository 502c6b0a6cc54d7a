import type { JsonObject } from '../../schemas/json-object.ts'

/** What an answer is told of its request. */
export interface Asked {
  readonly requestId: string
  /** As the caller named it. */
  readonly model: string
  readonly stopSequences: readonly string[]
}

/**
 * Id and model of a message, from a completion or a chunk. The completion's id is kept, with the prefix of this API; where
 * a target names neither, they are the request's.
 */
export function headOf ({ id, model }: JsonObject, asked: Asked): { readonly id: string, readonly model: string } {
  const name = typeof id === 'string' && id !== '' ? id.replace(/^(?:chatcmpl-|msg_)/, '') : asked.requestId
  return { id: `msg_${name}`, model: typeof model === 'string' && model !== '' ? model : asked.model }
}
