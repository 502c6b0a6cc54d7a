import type { Usage } from '../schemas/chat-completion.ts'
import { isJsonObject } from '../schemas/json-object.ts'
import type { JsonObject } from '../schemas/json-object.ts'

/** What the gateway has to know of a chunk that it passes on; everything else in it is the caller's business. */
export interface ChunkFacts {
  /** It holds something the model produced: text, reasoning, a refusal, a tool call, audio. Role and metadata are not output. */
  readonly output: boolean
  /** Choices that appear in it. */
  readonly choices: readonly ChoiceFact[]
  readonly usage: Usage | undefined
}

/** One choice of a chunk, and its finish reason if this chunk ends it. */
export interface ChoiceFact {
  readonly index: number
  readonly finishReason: string | null
}

/** Fields of a delta or message that hold output. `reasoning` is what some compatible servers call `reasoning_content`. */
const OUTPUT_FIELDS = ['content', 'reasoning_content', 'reasoning', 'refusal', 'tool_calls', 'function_call', 'audio', 'images'] as const

/** Whether a delta or message, of any shape, holds output. */
export function hasOutput (delta: unknown): boolean {
  if (!isJsonObject(delta)) return false
  return OUTPUT_FIELDS.some(field => {
    const value = delta[field]
    if (typeof value === 'string' || Array.isArray(value)) return value.length > 0
    return isJsonObject(value)
  })
}

/** Token counts of an upstream's usage object; undefined if it holds none. Other fields in it are kept. */
export function usageOf (value: unknown): Usage | undefined {
  if (!isJsonObject(value)) return undefined
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = value
  if (typeof prompt !== 'number' && typeof total !== 'number') return undefined
  const promptTokens = typeof prompt === 'number' ? prompt : 0
  const completionTokens = typeof completion === 'number' ? completion : 0
  return {
    ...value,
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: typeof total === 'number' ? total : promptTokens + completionTokens
  }
}

/** The facts of a chunk as an upstream sent it, of any shape. */
export function factsOf (chunk: JsonObject): ChunkFacts {
  const choices: ChoiceFact[] = []
  let output = false
  if (Array.isArray(chunk['choices'])) {
    for (const choice of chunk['choices']) {
      if (!isJsonObject(choice)) continue
      const { index, delta, finish_reason: finishReason } = choice
      choices.push({
        index: typeof index === 'number' ? index : 0,
        finishReason: typeof finishReason === 'string' && finishReason !== '' ? finishReason : null
      })
      output ||= hasOutput(delta)
    }
  }
  return { output, choices, usage: usageOf(chunk['usage']) }
}

/**
 * The text that a model has produced in a chunk or a whole answer, of any shape: content, reasoning, refusals, calls and
 * what was said aloud, of all choices. For counting; the order of its parts means nothing.
 */
export function outputTextOf ({ choices }: { readonly choices?: unknown }): string {
  let text = ''
  if (!Array.isArray(choices)) return text
  for (const choice of choices) {
    const output: unknown = isJsonObject(choice) ? choice['delta'] ?? choice['message'] : undefined
    if (!isJsonObject(output)) continue
    const { content, refusal, audio, function_call: call, tool_calls: calls } = output
    // Servers that send both names send the same text under them.
    text += textIn(content) + textIn(output['reasoning_content'] ?? output['reasoning']) + textIn(refusal)
    if (isJsonObject(audio)) text += textIn(audio['transcript'])
    text += callTextOf(call)
    if (!Array.isArray(calls)) continue
    for (const each of calls) if (isJsonObject(each)) text += callTextOf(each['function']) + callTextOf(each['custom'])
  }
  return text
}

/** The length of that text as JSON, which is how it goes through the gateway. In characters. */
export function outputLengthOf (body: { readonly choices?: unknown }): number {
  return JSON.stringify(outputTextOf(body)).length - 2
}

function callTextOf (call: unknown): string {
  return isJsonObject(call) ? textIn(call['name']) + textIn(call['arguments']) + textIn(call['input']) : ''
}

/** A string, or the text parts of a list. */
function textIn (value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return ''
  return value.map(part => isJsonObject(part) && typeof part['text'] === 'string' ? part['text'] : '').join('')
}
