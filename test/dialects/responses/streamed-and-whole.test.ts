/**
 * Whatever a target streams, in whatever pieces: the events are well formed, OpenAI's own client accumulates them to the
 * answer of the last one, and that says what the whole answer would have said.
 */
import { deepStrictEqual as deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import { toResponseInputItems } from 'openai/lib/responses/ResponseInputItems'
import t from 'tap'
import { askedResponse, responses } from '../../../dialects/responses.ts'
import { messagesOf } from '../../../dialects/responses/input.ts'
import { toGatewayError } from '../../../plugins/error-handler.ts'
import type { InputItem } from '../../../schemas/responses-input.ts'
import type { ResponsesRequest } from '../../../schemas/responses-request.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import { accumulated, checkOrder, eventsOf } from '../../support/response-events.ts'

/** One thing that a delta adds. */
type Step =
  | { readonly kind: 'reasoning', readonly text: string }
  | { readonly kind: 'signed', readonly index: number, readonly text: string, readonly signature?: string }
  | { readonly kind: 'redacted', readonly index: number, readonly data: string }
  | { readonly kind: 'text', readonly text: string }
  | { readonly kind: 'refusal', readonly text: string }
  | { readonly kind: 'call', readonly index: number, readonly text: string }
  | { readonly kind: 'citation', readonly url: string }
  | { readonly kind: 'logprob', readonly token: string }
  | { readonly kind: 'extra', readonly value: string }

const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 })
const callIndex = fc.integer({ min: 0, max: 2 })
const steps = {
  reasoning: fc.record({ kind: fc.constant('reasoning' as const), text: words }),
  signed: fc.record({ kind: fc.constant('signed' as const), index: fc.integer({ min: 0, max: 1 }), text: words, signature: words }, { requiredKeys: ['kind', 'index', 'text'] }),
  redacted: fc.record({ kind: fc.constant('redacted' as const), index: fc.integer({ min: 2, max: 3 }), data: words }),
  text: fc.record({ kind: fc.constant('text' as const), text: words }),
  refusal: fc.record({ kind: fc.constant('refusal' as const), text: words }),
  call: fc.record({ kind: fc.constant('call' as const), index: callIndex, text: fc.string({ unit: 'grapheme', maxLength: 6 }) }),
  citation: fc.record({ kind: fc.constant('citation' as const), url: fc.webUrl() }),
  logprob: fc.record({ kind: fc.constant('logprob' as const), token: words }),
  extra: fc.record({ kind: fc.constant('extra' as const), value: words })
}
const anyStep: fc.Arbitrary<Step> = fc.oneof(...Object.values(steps))
/** In the order in which a whole answer is read. */
const ordered: fc.Arbitrary<Step[]> = fc.tuple(
  fc.array(fc.oneof(steps.reasoning, steps.signed, steps.redacted), { maxLength: 4 }),
  fc.array(steps.text, { maxLength: 4 }),
  fc.array(steps.refusal, { maxLength: 2 }),
  fc.array(steps.call, { maxLength: 6 }).map(calls => firstOfEachInTurn(calls)),
  fc.array(steps.citation, { maxLength: 2 }),
  fc.array(steps.extra, { maxLength: 1 })
).map(parts => parts.flat())

/** Calls begin in the order of their indexes, and go on as they like. */
function firstOfEachInTurn<T extends { index: number, text: string }> (calls: readonly T[]): T[] {
  const order = [...new Set(calls.map(({ index }) => index))]
  return calls.map(call => ({ ...call, index: order.indexOf(call.index) }))
}

const CUSTOM_INDEX = 2
const CUT = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 })
const finishReasons = fc.constantFrom('stop', 'length', 'content_filter', 'tool_calls')
const requests = fc.record({
  summary: fc.constantFrom('auto' as const, undefined),
  include: fc.subarray(['reasoning.encrypted_content', 'message.output_text.logprobs'])
}).map(({ summary, include }): ResponsesRequest => ({ input: 'Hi', include, ...(summary === undefined ? {} : { reasoning: { summary } }) }))

const callId = (index: number): string => `call_${index}`
const identity = (index: number): JsonObject => index === CUSTOM_INDEX ? { type: 'custom', id: callId(index) } : { type: 'function', id: callId(index) }
const called = (index: number, input: string, name?: string): JsonObject => index === CUSTOM_INDEX
  ? { custom: { ...(name === undefined ? {} : { name }), input } }
  : { function: { ...(name === undefined ? {} : { name }), arguments: input } }
const signature = (index: number): JsonObject => ({ extra_content: { google: { thought_signature: `s${index}` } } })
const citation = (url: string): JsonObject => ({ type: 'url_citation', url_citation: { url, title: 't', start_index: 0, end_index: 1 } })
const logprob = (token: string): JsonObject => ({ token, bytes: null, logprob: -1, top_logprobs: [] })

/** The steps as chunks, several in one where `cut` says so. */
function chunksOf (list: readonly Step[], cut: readonly number[], finishReason: string): string[] {
  const chunk = (choice: JsonObject): string => JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1000, model: 'm', choices: [{ index: 0, finish_reason: null, ...choice }] })
  const chunks = [chunk({ delta: { role: 'assistant', content: '' } })]
  const begun = new Set<number>()
  for (let at = 0, turn = 0; at < list.length; turn++) {
    const size = cut[turn % cut.length] ?? 1
    const delta: Record<string, unknown> = {}
    const details: JsonObject[] = []
    const calls: JsonObject[] = []
    const annotations: JsonObject[] = []
    const logprobs: JsonObject[] = []
    let taken = 0
    for (const step of list.slice(at, at + size)) {
      // What stands in one field or another of a chunk has no order but the fields'.
      if (taken > 0 && step.kind !== list[at]?.kind) break
      taken++
      switch (step.kind) {
        case 'reasoning': delta['reasoning_content'] = `${String(delta['reasoning_content'] ?? '')}${step.text}`; break
        case 'signed': {
          delta['reasoning_content'] = `${String(delta['reasoning_content'] ?? '')}${step.text}`
          const { kind, ...entry } = step
          details.push({ type: 'reasoning.text', ...entry })
          break
        }
        case 'redacted': details.push({ type: 'reasoning.encrypted', index: step.index, data: step.data }); break
        case 'text': delta['content'] = `${String(delta['content'] ?? '')}${step.text}`; break
        case 'refusal': delta['refusal'] = `${String(delta['refusal'] ?? '')}${step.text}`; break
        case 'call': {
          const { index } = step
          calls.push({ index, ...(begun.has(index) ? called(index, step.text) : { ...identity(index), ...called(index, step.text, `f${index}`), ...signature(index) }) })
          begun.add(index)
          break
        }
        case 'citation': annotations.push(citation(step.url)); break
        case 'logprob': logprobs.push(logprob(step.token)); break
        case 'extra': delta['extra_content'] = { google: { thought_signature: step.value } }
      }
    }
    at += taken
    if (details.length > 0) delta['reasoning_details'] = details
    if (calls.length > 0) delta['tool_calls'] = calls
    if (annotations.length > 0) delta['annotations'] = annotations
    chunks.push(chunk({ delta, ...(logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}) }))
  }
  chunks.push(chunk({ delta: {}, finish_reason: finishReason }))
  chunks.push(JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1000, model: 'm', choices: [], usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }))
  return chunks
}

/** The message that they add up to. */
function messageOf (list: readonly Step[]): JsonObject {
  const all = (...kinds: ReadonlyArray<Step['kind']>) => list.filter(step => kinds.includes(step.kind)).map(step => 'text' in step ? step.text : '').join('')
  const details: JsonObject[] = []
  const entries = new Map<number, { type: string, index: number, text?: string, data?: string, signature?: string }>()
  for (const step of list) {
    if (step.kind !== 'signed' && step.kind !== 'redacted') continue
    let entry = entries.get(step.index)
    if (entry === undefined) {
      entry = step.kind === 'signed' ? { type: 'reasoning.text', index: step.index, text: '' } : { type: 'reasoning.encrypted', index: step.index, data: '' }
      entries.set(step.index, entry)
      details.push(entry)
    }
    if (step.kind === 'redacted') entry.data = `${entry.data ?? ''}${step.data}`
    else {
      entry.text = `${entry.text ?? ''}${step.text}`
      if (step.signature !== undefined) entry.signature = step.signature
    }
  }
  const indexes = [...new Set(list.flatMap(step => step.kind === 'call' ? [step.index] : []))]
  const extra = list.findLast(step => step.kind === 'extra')
  const annotations = list.flatMap(step => step.kind === 'citation' ? [citation(step.url)] : [])
  return {
    role: 'assistant',
    content: all('text') === '' ? null : all('text'),
    ...(all('refusal') === '' ? {} : { refusal: all('refusal') }),
    ...(all('reasoning', 'signed') === '' ? {} : { reasoning_content: all('reasoning', 'signed') }),
    ...(details.length === 0 ? {} : { reasoning_details: details }),
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(indexes.length === 0
      ? {}
      : { tool_calls: indexes.map(index => ({ ...identity(index), ...called(index, list.filter(step => step.kind === 'call' && step.index === index).map(step => 'text' in step ? step.text : '').join(''), `f${index}`), ...signature(index) })) }),
    ...(extra === undefined ? {} : { extra_content: { google: { thought_signature: extra.value } } })
  }
}

function completionOf (list: readonly Step[], finishReason: string): string {
  const logprobs = list.flatMap(step => step.kind === 'logprob' ? [logprob(step.token)] : [])
  return JSON.stringify({
    id: 'c',
    object: 'chat.completion',
    created: 1000,
    model: 'm',
    choices: [{ index: 0, message: messageOf(list), finish_reason: finishReason, ...(logprobs.length > 0 ? { logprobs: { content: logprobs } } : {}) }],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  })
}

const dialectOf = (request: ResponsesRequest) => responses(askedResponse(request, 'x'), () => 5000)

function streamed (request: ResponsesRequest, chunks: readonly string[], batch: number): ReturnType<typeof eventsOf> {
  const frames = dialectOf(request).frames(toGatewayError)
  let text = ''
  for (let at = 0; at < chunks.length; at += batch) text += frames.encode(chunks.slice(at, at + batch))
  return eventsOf(text + frames.end())
}

/** An answer's output as the assistant's message of the next request; undefined where there was none. */
function sentBack (output: readonly unknown[]): unknown {
  return messagesOf({ input: output.filter(isItem) })[0]
}

function isItem (value: unknown): value is InputItem {
  return isJsonObject(value)
}

const KNOWN_FIELDS = ['type', 'id', 'role', 'status', 'content', 'summary', 'encrypted_content', 'call_id', 'name', 'arguments', 'input']

/** As a client sends it back that knows the API's own fields only. */
function withoutExtensions (item: object): object {
  return Object.fromEntries(Object.entries(item).filter(([field]) => KNOWN_FIELDS.includes(field)))
}

/** What of an aggregated message is sent back: not what was only for the reader. */
function expected (message: JsonObject): unknown {
  const { annotations, content, ...rest } = message
  const said = { ...rest, content: content ?? null }
  return Object.keys(said).length > 2 || said.content !== null ? said : undefined
}

t.test('events in any order and cutting keep the rules, and add up to the last one', async () => {
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 14 }), CUT, finishReasons, requests, fc.integer({ min: 1, max: 5 }), (list, cut, finishReason, request, batch) => {
    const events = streamed(request, chunksOf(list, cut, finishReason), batch)
    checkOrder(events)
    const { before, last } = accumulated(events)
    if (JSON.stringify(before?.output) !== JSON.stringify(last.output)) throw new Error(`${JSON.stringify(before?.output)} became ${JSON.stringify(last.output)}`)
    const incomplete = finishReason === 'length' || finishReason === 'content_filter'
    if (last.status !== (incomplete ? 'incomplete' : 'completed')) throw new Error(`status ${last.status}`)
  }), { numRuns: 400 })
})

t.test('sent back, the streamed output and the whole one are the message that the target said', async () => {
  fc.assert(fc.property(fc.array(anyStep, { maxLength: 14 }), CUT, requests, (list, cut, request) => {
    const { last } = accumulated(streamed(request, chunksOf(list, cut, 'stop'), 3))
    const whole: unknown = JSON.parse(dialectOf(request).whole(completionOf(list, 'stop')))
    const wholeOutput = isJsonObject(whole) && Array.isArray(whole['output']) ? whole['output'] : []
    const message = expected(messageOf(list))
    deepEqual(sentBack(last.output), message)
    deepEqual(sentBack(wholeOutput), message)
    deepEqual(sentBack(toResponseInputItems(last.output)), message)
    if (request.include?.includes('reasoning.encrypted_content') === true) deepEqual(sentBack(last.output.map(withoutExtensions)), message)
  }), { numRuns: 400 })
})

t.test('an answer in the usual order is the same, streamed and whole', async () => {
  fc.assert(fc.property(ordered, CUT, finishReasons, requests, (list, cut, finishReason, request) => {
    const { last } = accumulated(streamed(request, chunksOf(list, cut, finishReason), 2))
    deepEqual(last, JSON.parse(dialectOf(request).whole(completionOf(list, finishReason))))
  }), { numRuns: 400 })
})
