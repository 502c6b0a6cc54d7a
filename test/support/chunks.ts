import { factsOf, outputLengthOf } from '../../streams/chunk-facts.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { finish, role, text, usage } from './scripted-upstream.ts'

/** A parsed chunk as a provider hands it to the writer. */
export function asChunk (body: JsonObject): Chunk {
  return { json: JSON.stringify(body), facts: factsOf(body), characters: outputLengthOf(body) }
}

export const roleChunk = (): Chunk => asChunk(role())
export const textChunk = (content: string): Chunk => asChunk(text(content))
export const finishChunk = (reason = 'stop'): Chunk => asChunk(finish(reason))
/** Empty choices, 3 prompt tokens and 5 completion tokens, unless said otherwise. */
export const usageChunk = (change: JsonObject = {}): Chunk => asChunk({ ...usage(), ...change })

/** A chunk of the choice `index`. */
export function choiceChunk (index: number, content: string, finishReason: string | null = null): Chunk {
  return asChunk({ ...text(''), choices: [{ index, delta: content === '' ? {} : { content }, finish_reason: finishReason }] })
}
