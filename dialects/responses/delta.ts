import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { Annotation, Logprob } from '../../schemas/responses-output.ts'

/** What a delta, or a whole message, adds to an answer; in this order where it comes together. */
export interface OutputDelta {
  readonly reasoning: string
  readonly details: readonly JsonObject[]
  readonly text: string
  readonly refusal: string
  readonly calls: readonly CallDelta[]
  readonly annotations: readonly Annotation[]
  readonly logprobs: readonly Logprob[]
  /** `extra_content` of the message. */
  readonly extra: JsonObject | undefined
}

/** A piece of a tool call. */
export interface CallDelta {
  readonly index: number
  readonly id: string | undefined
  readonly name: string | undefined
  readonly custom: boolean
  /** Arguments of a function, or a custom tool's input. */
  readonly input: string
  readonly extra: JsonObject | undefined
}

/**
 * The parts of a choice that have a counterpart, of any shape: targets that speak the format may send what they like.
 * @param choice of a chunk, or of a whole answer
 */
export function outputDeltaOf (choice: JsonObject): OutputDelta {
  const said = [choice['delta'], choice['message']].find(isJsonObject) ?? {}
  const { reasoning_content: reasoning, reasoning: otherName, reasoning_details: details, annotations, tool_calls: calls } = said
  return {
    // `reasoning` is what some compatible servers call it.
    reasoning: textIn(reasoning) || textIn(otherName),
    details: objectsIn(details),
    text: textIn(said['content']),
    refusal: textIn(said['refusal']),
    calls: objectsIn(calls).map(callDeltaOf),
    annotations: objectsIn(annotations).flatMap(annotationOf),
    logprobs: logprobsOf(choice['logprobs']),
    extra: objectIn(said['extra_content'])
  }
}

function callDeltaOf (call: JsonObject, position: number): CallDelta {
  const { index, id, extra_content: extra } = call
  const custom = objectIn(call['custom'])
  const called = custom ?? objectIn(call['function'])
  return {
    index: typeof index === 'number' ? index : position,
    id: textIn(id) || undefined,
    name: textIn(called?.['name']) || undefined,
    custom: custom !== undefined || call['type'] === 'custom',
    input: textIn(called?.[custom === undefined ? 'arguments' : 'input']),
    extra: objectIn(extra)
  }
}

/** Kinds that clients do not know are left out: some refuse an answer for one. */
function annotationOf ({ type, url_citation: page, document_citation: document }: JsonObject): Annotation[] {
  if (type === 'url_citation' && isJsonObject(page)) {
    return [{ type, url: textIn(page['url']), title: textIn(page['title']), start_index: numberIn(page['start_index']), end_index: numberIn(page['end_index']) }]
  }
  if (type === 'document_citation' && isJsonObject(document)) {
    const id = `document_${numberIn(document['document_index'])}`
    return [{ type: 'file_citation', file_id: id, filename: textIn(document['title']) || id, index: numberIn(document['end_index']), document_citation: document }]
  }
  return []
}

function logprobsOf (value: unknown): Logprob[] {
  return objectsIn(isJsonObject(value) ? value['content'] : undefined).map(entry => ({
    ...tokenLogprob(entry),
    top_logprobs: objectsIn(entry['top_logprobs']).map(tokenLogprob)
  }))
}

function tokenLogprob ({ token, bytes, logprob }: JsonObject): { token: string, bytes: number[], logprob: number } {
  return {
    token: textIn(token),
    bytes: Array.isArray(bytes) ? bytes.filter(byte => typeof byte === 'number') : [],
    logprob: numberIn(logprob)
  }
}

function textIn (value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function numberIn (value: unknown): number {
  return typeof value === 'number' ? value : 0
}

function objectIn (value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}

function objectsIn (value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : []
}
