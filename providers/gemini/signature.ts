import { isJsonObject } from '../../schemas/json-object.ts'

/**
 * Thought signatures, in the field of Google's own OpenAI endpoint: on tool calls and function calls, on the message
 * (or delta) for its text, on images. What came with one is to be sent back with it.
 * @see https://ai.google.dev/gemini-api/docs/thought-signatures
 * @see https://ai.google.dev/gemini-api/docs/openai
 */
export interface Signed { extra_content?: { google: { thought_signature: string } } }

/** The field that carries a signature; nothing where there is none. */
export function signed (signature: string | undefined): Signed {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } }
}

/** The signature in a message, call or image that this provider answered with. */
export function signatureOf (value: object): string | undefined {
  const extra = 'extra_content' in value ? value.extra_content : undefined
  const google = isJsonObject(extra) ? extra['google'] : undefined
  const signature = isJsonObject(google) ? google['thought_signature'] : undefined
  return typeof signature === 'string' && signature !== '' ? signature : undefined
}
