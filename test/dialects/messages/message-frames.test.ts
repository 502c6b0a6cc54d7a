import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { MAX_HELD } from '../../../dialects/messages/block-sequence.ts'
import { messageOf } from '../../../dialects/messages/answer.ts'
import { MessageFrames } from '../../../dialects/messages/message-frames.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import { chunk, finish, role, text, usage } from '../../support/scripted-upstream.ts'
import { accumulated, eventsOf } from '../../support/message-events.ts'

const ASKED = { requestId: 'req-1', model: 'asked', stopSequences: ['END'] }

function framesOf (onError: (error: Error) => GatewayError = unexpected): MessageFrames { return new MessageFrames(ASKED, onError) }
function unexpected (error: Error): GatewayError { throw error }
function toldAs (error: Error): GatewayError { return error instanceof GatewayError ? error : new GatewayError(502, 'The target failed.', { type: 'server_error', code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] }) }

/** All events of a stream of these chunks. */
function events (...chunks: readonly JsonObject[]): JsonObject[] {
  const frames = framesOf()
  return eventsOf(frames.encode(chunks.map(each => JSON.stringify(each))) + frames.end())
}

/** Without the message's own. */
const blocks = (...chunks: readonly JsonObject[]) => events(role(), ...chunks).slice(1, -2)

const call = (index: number, piece: string, id?: string) => chunk({
  tool_calls: [{ index, ...(id === undefined ? {} : { id, type: 'function' }), function: { ...(id === undefined ? {} : { name: `n_${id}` }), arguments: piece } }]
})
const use = (id: string) => ({ type: 'tool_use', id, name: `n_${id}`, input: {}, caller: { type: 'direct' } })
const start = (index: number, block: JsonObject) => ({ type: 'content_block_start', index, content_block: block })
const delta = (index: number, value: JsonObject) => ({ type: 'content_block_delta', index, delta: value })
const stop = (index: number) => ({ type: 'content_block_stop', index })
const json = (index: number, piece: string) => delta(index, { type: 'input_json_delta', partial_json: piece })
const TEXT = { type: 'text', text: '', citations: null }

t.test('a stream of text, event by event', async t => {
  const frames = framesOf()
  const chunks = [role(), text('Hel'), text('lo'), finish('stop'), usage()].map(each => JSON.stringify(each))
  const stream = frames.encode(chunks.slice(0, 2)) + frames.encode(chunks.slice(2)) + frames.end()
  t.match(stream, /^event: message_start\nid: 1\ndata: \{"type":"message_start"[^\n]*\}\n\nevent: content_block_start\nid: 2\ndata: /)
  const [first, ...rest] = eventsOf(stream)
  t.match(first, { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'scripted', content: [], stop_reason: null, usage: { input_tokens: 0, output_tokens: 0 } } })
  t.same(rest, [
    start(0, TEXT),
    delta(0, { type: 'text_delta', text: 'Hel' }),
    delta(0, { type: 'text_delta', text: 'lo' }),
    stop(0),
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
      usage: { input_tokens: 3, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 5, output_tokens_details: null, server_tool_use: null }
    },
    { type: 'message_stop' }
  ])
})

t.test('nothing is kept back of text and of the first call', async t => {
  const frames = framesOf()
  const sent = (each: JsonObject) => frames.encode([JSON.stringify(each)])
  t.match(sent(role()), 'message_start')
  t.match(sent(text('Hel')), '"Hel"')
  t.match(sent(call(0, '{"a', '1')), '{\\"a')
  t.match(sent(call(0, '":1}')), '\\":1}')
})

t.test('the message begins with the first choice: Azure\'s chunk before it has no id', async t => {
  t.match(events({ ...chunk({}), id: '', model: '', choices: [], prompt_filter_results: [] }, text('a'), finish('stop'))[0], { message: { id: 'msg_1', model: 'scripted' } })
})

t.test('an answer without any content is a message without blocks', async t => {
  t.same(events(role(), finish('stop')).map(({ type }) => type), ['message_start', 'message_delta', 'message_stop'])
  t.same(events().map(({ type }) => type), ['message_start', 'message_delta', 'message_stop'])
})

t.test('thinking, its signature and what is redacted', async t => {
  const reasoning = (more: JsonObject) => chunk({ reasoning_content: '', reasoning_details: [more] })
  t.same(blocks(
    chunk({ reasoning_content: 'Hm', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm' }] }),
    chunk({ reasoning_content: '.', reasoning_details: [{ type: 'reasoning.text', index: 0, text: '.' }] }),
    reasoning({ type: 'reasoning.text', index: 0, signature: 's' }),
    reasoning({ type: 'reasoning.encrypted', index: 1, data: 'xy' }),
    reasoning({ type: 'reasoning.encrypted', index: 1, data: 'z' }),
    text('So.'),
    finish('stop')
  ), [
    start(0, { type: 'thinking', thinking: '', signature: '' }),
    delta(0, { type: 'thinking_delta', thinking: 'Hm' }),
    delta(0, { type: 'thinking_delta', thinking: '.' }),
    delta(0, { type: 'signature_delta', signature: 's' }),
    stop(0),
    start(1, { type: 'redacted_thinking', data: 'xyz' }),
    stop(1),
    start(2, TEXT),
    delta(2, { type: 'text_delta', text: 'So.' }),
    stop(2)
  ])
})

t.test('thinking that comes as text alone', async t => {
  t.same(blocks(chunk({ reasoning_content: 'a' }), chunk({ reasoning: 'b' }), text('c'), finish('stop')).map(event => event['delta']).filter(Boolean), [
    { type: 'thinking_delta', thinking: 'a' }, { type: 'thinking_delta', thinking: 'b' }, { type: 'text_delta', text: 'c' }
  ])
})

t.test('citations belong to the text before them', async t => {
  t.same(blocks(text('a'), chunk({ annotations: [{ type: 'url_citation', url_citation: { url: 'u', title: 't', start_index: 0, end_index: 1 } }] }), finish('stop')).slice(2, 3), [
    delta(0, { type: 'citations_delta', citation: { type: 'web_search_result_location', url: 'u', title: 't', cited_text: '', encrypted_index: '' } })
  ])
})

t.test('calls one after the other are sent as they grow', async t => {
  t.same(blocks(text('I look.'), call(0, '', '1'), call(0, '{"a"'), call(0, ':"}"}'), call(1, '{}', '2'), finish('tool_calls')), [
    start(0, TEXT), delta(0, { type: 'text_delta', text: 'I look.' }), stop(0),
    start(1, use('1')), json(1, '{"a"'), json(1, ':"}"}'), stop(1),
    start(2, use('2')), json(2, '{}'), stop(2)
  ])
})

t.test('calls that grow at the same time are sent one after the other', async t => {
  t.same(blocks(call(0, '{"a":', '1'), call(1, '{"b":', '2'), call(0, '[1'), call(2, '{}', '3'), call(1, '2}'), call(0, ']}'), call(0, '\n'), finish('tool_calls')), [
    start(0, use('1')), json(0, '{"a":'), json(0, '[1'), json(0, ']}'), stop(0),
    start(1, use('2')), json(1, '{"b":2}'), stop(1),
    start(2, use('3')), json(2, '{}'), stop(2)
  ])
})

t.test('what is said behind an unfinished call waits for it', async t => {
  t.same(blocks(call(0, '{', '1'), text('a'), text('b'), call(0, '}'), text('c'), finish('tool_calls')), [
    start(0, use('1')), json(0, '{'), json(0, '}'), stop(0),
    start(1, TEXT), delta(1, { type: 'text_delta', text: 'ab' }), delta(1, { type: 'text_delta', text: 'c' }), stop(1)
  ])
})

t.test('a call that is never complete ends with the message', async t => {
  t.same(blocks(call(0, '{"a":"', '1'), call(1, '12', '2'), finish('length')), [
    start(0, use('1')), json(0, '{"a":"'), stop(0), start(1, use('2')), json(1, '12'), stop(1)
  ])
  t.match(events(call(0, '{', '1'), finish('length')).at(-2), { delta: { stop_reason: 'max_tokens' } })
})

t.test('a call keeps what the target wants back, and one without an id gets one', async t => {
  const extra = { google: { thought_signature: 'abc' } }
  t.match(blocks(chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' }, extra_content: extra }] }), finish('stop'))[0], {
    content_block: { id: 'toolu_1_0', name: 'f', extra_content: extra }
  })
})

t.test('a refusal is text, and why it stopped', async t => {
  const all = events(role(), chunk({ refusal: 'No.' }), finish('stop'))
  t.match(all[2], { delta: { type: 'text_delta', text: 'No.' } })
  t.match(all.at(-2), { delta: { stop_reason: 'refusal' } })
})

t.test('a stop sequence, where the target tells it', async t => {
  const { choices, ...rest } = finish('stop')
  t.match(events(text('a'), { ...rest, choices: Array.isArray(choices) ? [{ ...choices[0], stop_reason: 'END' }] : [] }).at(-2), { delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' } })
})

t.test('a stream that breaks ends in an error event, and never in message_stop', async t => {
  const frames = framesOf(toldAs)
  const stream = frames.encode([role(), text('Hel')].map(each => JSON.stringify(each))) + frames.fail(new Error('boom'))
  const all = eventsOf(stream)
  t.same(all.map(({ type }) => type), ['message_start', 'content_block_start', 'content_block_delta', 'error'])
  t.same(all.at(-1), {
    type: 'error',
    error: { type: 'api_error', message: 'The target failed.', details: { error_code: 'all_targets_failed', param: null, attempts: [{ target: 'a', class: 'failure' }] } },
    request_id: 'req-1'
  })
})

t.test('what cannot be told is an error event, once, and nothing after it', async t => {
  const broken: Record<string, JsonObject[]> = {
    'a closed call that goes on': [call(0, '{}', '1'), call(1, '{', '2'), call(0, 'x')],
    'more than can wait': [call(0, '{', '1'), ...Array.from({ length: 9 }, () => text('x'.repeat(MAX_HELD / 8)))],
    'more calls than can be counted': [call(0, '{', 'first'), ...Array.from({ length: MAX_HELD / 64 + 1 }, (_, index) => call(index + 1, '', 'x'))]
  }
  for (const [name, chunks] of Object.entries(broken)) {
    const told: Error[] = []
    const frames = framesOf(error => {
      told.push(error)
      return toldAs(error)
    })
    const all = eventsOf(frames.encode([...chunks, text('more'), finish('stop')].map(each => JSON.stringify(each))) + frames.encode([JSON.stringify(text('more'))]) + frames.end())
    t.match(all.at(-1), { type: 'error', error: { type: 'api_error', details: { error_code: 'malformed_answer' } } }, name)
    t.equal(told.length, 1, 'told once')
    t.notMatch(JSON.stringify(all), 'more"')
    t.equal(frames.fail(new Error('late')), '', 'one end is enough')
  }
  const frames = framesOf(toldAs)
  t.match(frames.encode(['{"choi']), 'event: error')
  t.equal(frames.end(), '')
})

// ---- any stream

/** What a model may do, piece by piece. */
type Step =
  | { readonly kind: 'think', readonly text: string, readonly index: number, readonly detailed: boolean }
  | { readonly kind: 'say', readonly text: string }
  | { readonly kind: 'call', readonly place: number, readonly text: string }

const words = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 })
const args = fc.tuple(fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }), fc.constantFrom('', '\n', ' '), fc.nat({ max: 2 }))
  .map(([value, space, indent]) => JSON.stringify(value, null, indent) + space)
const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 6 })

/** A text in pieces. */
function cut (whole: string, at: readonly number[]): string[] {
  const places = [0, ...[...at].sort((a, b) => a - b).map(place => Math.min(place, whole.length)), whole.length]
  return places.slice(1).map((place, index) => whole.slice(places[index], place))
}

const calls = fc.array(fc.tuple(args, cuts).map(([whole, at]) => cut(whole, at)), { maxLength: 4 })
const thoughts = fc.array(fc.record({ kind: fc.constant('think' as const), text: words, detailed: fc.boolean() }), { maxLength: 4 })
const said = fc.array(fc.record({ kind: fc.constant('say' as const), text: words }), { maxLength: 4 })
const answers = fc.record({ thoughts, said, calls, order: fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), signed: fc.boolean(), batches: cuts })

/** The pieces of several lists, mixed: each list's own order stays. */
function mixed<T> (lists: ReadonlyArray<readonly T[]>, order: readonly number[]): T[] {
  const left = lists.map(list => [...list])
  const result: T[] = []
  for (let turn = 0; left.some(list => list.length > 0); turn++) {
    const full = left.filter(list => list.length > 0)
    const next = full[(order[turn % order.length] ?? 0) % full.length]?.shift()
    if (next !== undefined) result.push(next)
  }
  return result
}

function chunkOf (step: Step, begun: Set<number>): JsonObject {
  switch (step.kind) {
    case 'say': return text(step.text)
    case 'think': return chunk({ reasoning_content: step.text, ...(step.detailed ? { reasoning_details: [{ type: 'reasoning.text', index: step.index, text: step.text }] } : {}) })
    case 'call': {
      const first = !begun.has(step.place)
      begun.add(step.place)
      return call(step.place, step.text, first ? `c${step.place}` : undefined)
    }
  }
}

/** What the same pieces are in a whole answer. */
function completionOf (steps: readonly Step[], signature: JsonObject[]): string {
  const join = (kind: 'say' | 'think') => steps.map(step => step.kind === kind ? step.text : '').join('')
  const places = new Map<number, string>()
  for (const step of steps) if (step.kind === 'call') places.set(step.place, (places.get(step.place) ?? '') + step.text)
  const reasoning = join('think')
  return JSON.stringify({
    ...chunk({}),
    object: 'chat.completion',
    choices: [{
      index: 0,
      message: {
        role: 'assistant',
        content: join('say') || null,
        ...(reasoning === '' ? {} : { reasoning_content: reasoning, reasoning_details: [{ type: 'reasoning.text', index: 0, text: reasoning }, ...signature] }),
        tool_calls: [...places].sort(([a], [b]) => a - b).map(([place, whole]) => ({ id: `c${place}`, type: 'function', function: { name: `n_c${place}`, arguments: whole } }))
      },
      finish_reason: places.size > 0 ? 'tool_calls' : 'stop'
    }],
    usage: usage()['usage']
  })
}

function streamed (steps: readonly Step[], signature: readonly JsonObject[], batches: readonly number[]): string {
  const begun = new Set<number>()
  const thought = steps.findLastIndex(step => step.kind === 'think')
  const chunks = [role(), ...steps.flatMap((step, index) => [
    chunkOf(step, begun),
    ...(index === thought && signature.length > 0 ? [chunk({ reasoning_details: signature })] : [])
  ]), finish(begun.size > 0 ? 'tool_calls' : 'stop'), usage()].map(each => JSON.stringify(each))
  const frames = framesOf()
  const edges = [0, ...[...batches].sort((a, b) => a - b), chunks.length]
  let stream = ''
  for (const [index, edge] of edges.entries()) stream += frames.encode(chunks.slice(edges[index - 1] ?? 0, edge))
  return stream + frames.end()
}

const SIGNATURE = [{ type: 'reasoning.text', index: 0, signature: 's' }]

t.test('in the format\'s own order, calls mixed, a stream adds up to the whole answer', async t => {
  fc.assert(fc.property(answers, ({ thoughts, said, calls, order, signed, batches }) => {
    const pieces = calls.map((list, place) => list.map(piece => ({ kind: 'call' as const, place, text: piece })))
    // The first piece of each call comes in the order of the calls.
    const steps: Step[] = [
      ...thoughts.map(step => ({ ...step, index: 0 })),
      ...said,
      ...pieces.map(([first]) => first).filter(first => first !== undefined),
      ...mixed(pieces.map(list => list.slice(1)), order)
    ]
    const signature = signed && thoughts.length > 0 ? SIGNATURE : []
    const whole: unknown = JSON.parse(JSON.stringify(messageOf(completionOf(steps, signature), ASKED)))
    const message = accumulated(eventsOf(streamed(steps, signature, batches)))
    if (!isJsonObject(whole)) return false
    return isDeepStrictEqual(message, whole)
  }), { numRuns: 500 })
  t.pass('500 of them')
})

t.test('in any order at all the events are those of the format, and nothing is lost', async t => {
  fc.assert(fc.property(answers, ({ thoughts, said, calls, order, batches }) => {
    const steps = mixed<Step>([
      thoughts.map(step => ({ ...step, index: 0 })),
      said,
      ...calls.map((list, place) => list.map(piece => ({ kind: 'call' as const, place, text: piece })))
    ], order)
    const whole: unknown = JSON.parse(JSON.stringify(messageOf(completionOf(steps, []), ASKED)))
    const message = accumulated(eventsOf(streamed(steps, [], batches)))
    if (!isJsonObject(whole)) return false
    return isDeepStrictEqual(sorted(message), sorted(whole))
  }), { numRuns: 500 })
  t.pass('500 of them')
})

/** A message whose blocks of one kind are joined, and whose calls are in order: what a stream may tell in any order. */
function sorted (message: JsonObject): JsonObject {
  const blocks = Array.isArray(message['content']) ? message['content'].filter(isJsonObject) : []
  const join = (field: string) => blocks.map(block => typeof block[field] === 'string' ? block[field] : '').join('')
  const uses = blocks.filter(({ type }) => type === 'tool_use').sort((a, b) => String(a['id']) < String(b['id']) ? -1 : 1)
  return { ...message, content: [{ text: join('text'), thinking: join('thinking') }, ...uses] }
}
