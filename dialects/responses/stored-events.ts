import { isJsonObject, objectOf } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { dataOf } from '../../stream-log/frame-text.ts'
import { saidAgain } from '../said-again.ts'

/** The chunks that events of a stored stream were made of; see {@link Dialect.chunksIn}. */
export function chunksInEvents (frames: string): string[] {
  return dataOf(frames).flatMap(json => chunkOf(objectOf(json) ?? {}))
}

/** What is not here follows from what is: an item begins with its first words, and all of them end together. */
function chunkOf ({ type, response, item, delta, logprobs, output_index: index, annotation }: JsonObject): string[] {
  switch (type) {
    case 'response.created': {
      const { model, created_at: created, service_tier: tier } = isJsonObject(response) ? response : {}
      return [saidAgain({ role: 'assistant', content: '' }, { model, created, ...tier == null ? {} : { service_tier: tier } })]
    }
    // What its provider wants back of it is told when it ends: so of reasoning behind a text there may be more than what is here.
    case 'response.output_item.added': return isJsonObject(item) && item['type'] === 'reasoning' && index !== 0 ? [saidAgain({ unsaid: true })] : []
    case 'response.output_text.delta': return [saidAgain({ content: delta }, {}, Array.isArray(logprobs) && logprobs.length > 0 ? { content: logprobs } : null)]
    case 'response.reasoning_text.delta':
    case 'response.reasoning_summary_text.delta': return [saidAgain({ reasoning_content: delta })]
    case 'response.refusal.delta': return [saidAgain({ refusal: delta })]
    case 'response.output_text.annotation.added': return [saidAgain({ annotations: [annotation] })]
    case 'response.function_call_arguments.delta':
    case 'response.custom_tool_call_input.delta': return [saidAgain({ tool_calls: [{ index, function: { arguments: delta } }] })]
    default: return []
  }
}
