import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { dataOf } from '../../stream-log/frame-text.ts'
import { saidAgain } from '../said-again.ts'

/** The chunks that events of a stored stream were made of; see {@link Dialect.chunksIn}. */
export function chunksInEvents (frames: string): string[] {
  return dataOf(frames).flatMap(json => chunkOf(objectOf(json) ?? {}))
}

/** What is not here follows from what is: a block begins with its first words, and ends with the next one. */
function chunkOf ({ type, index, message, content_block: block, delta }: JsonObject): string[] {
  switch (type) {
    case 'message_start': {
      const { id, model } = isJsonObject(message) ? message : {}
      return [saidAgain({ role: 'assistant', content: '' }, { id, model })]
    }
    case 'content_block_start': return isJsonObject(block) && block['type'] === 'redacted_thinking'
      ? [saidAgain({ reasoning_details: [{ type: 'reasoning.encrypted', index, data: block['data'] }] })]
      : []
    case 'content_block_delta': return isJsonObject(delta) ? deltaChunkOf(delta, index) : []
    default: return []
  }
}

function deltaChunkOf ({ type, text, thinking, signature, citation, partial_json: json }: JsonObject, index: unknown): string[] {
  switch (type) {
    case 'text_delta': return [saidAgain({ content: text })]
    case 'thinking_delta': return [saidAgain({ reasoning_content: thinking })]
    case 'signature_delta': return [saidAgain({ reasoning_details: [{ type: 'reasoning.text', index: 0, signature }] })]
    case 'citations_delta': return [saidAgain({ annotations: [citation] })]
    case 'input_json_delta': return [saidAgain({ tool_calls: [{ index, function: { arguments: json } }] })]
    default: return []
  }
}
