/** Chunks as Azure OpenAI streams them: its fields in its order, with what its content filter says. */
import type { JsonObject } from '../../../schemas/json-object.ts'

export const SAFE: JsonObject = { hate: { filtered: false, severity: 'safe' }, self_harm: { filtered: false, severity: 'safe' }, sexual: { filtered: false, severity: 'safe' }, violence: { filtered: false, severity: 'safe' } }
export const LOW: JsonObject = { ...SAFE, violence: { filtered: false, severity: 'low' } }

/** The first chunk: what was found in the prompt, under no id and no model. */
export const PROMPT_FILTERED: JsonObject = {
  choices: [], created: 0, id: '', model: '', object: '', prompt_filter_results: [{ prompt_index: 0, content_filter_results: { ...SAFE, jailbreak: { filtered: false, detected: false } } }]
}

/** A chunk with this delta. */
export function azureChunk (delta: JsonObject, { results = {}, finish = null, model = 'gpt-4o-2024-11-20' }: { results?: JsonObject, finish?: string | null, model?: string } = {}): JsonObject {
  return {
    choices: [{ content_filter_results: results, delta, finish_reason: finish, index: 0, logprobs: null }],
    created: 1_700_000_000,
    id: 'chatcmpl-azure',
    model,
    object: 'chat.completion.chunk',
    system_fingerprint: 'fp_azure'
  }
}

export const ROLE = azureChunk({ content: '', refusal: null, role: 'assistant' })
export const STOP = azureChunk({}, { finish: 'stop' })
export const USAGE: JsonObject = { ...azureChunk({}), choices: [], usage: { completion_tokens: 2, prompt_tokens: 1, total_tokens: 3 } }

/** What the asynchronous filter says of text that has long left: a choice without a delta. */
export function annotation (start: number, end: number, { results = SAFE, finish = null }: { results?: JsonObject, finish?: string | null } = {}): JsonObject {
  return {
    id: '', object: '', created: 0, model: '', choices: [{ index: 0, finish_reason: finish, content_filter_results: results, content_filter_offsets: { check_offset: start, start_offset: start, end_offset: end } }]
  }
}
