import t from 'tap'
import { EventFrames, MAX_ANSWER_SIZE } from '../../../dialects/responses/event-frames.ts'
import { GatewayError } from '../../../errors/gateway-error.ts'
import { toGatewayError } from '../../../plugins/error-handler.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import type { ResponsesRequest } from '../../../schemas/responses-request.ts'
import { accumulated, checkOrder, eventsOf } from '../../support/response-events.ts'
import { chunk, finish, role, text, usage } from '../../support/scripted-upstream.ts'

const framesOf = (request: Partial<ResponsesRequest> = {}, options: { maxSize?: number } = {}) =>
  new EventFrames({ request: { input: 'Hi', ...request }, id: 'x', now: () => 5000 }, toGatewayError, options)

/** All events of a stream that ended in order. */
function eventsFrom (chunks: readonly JsonObject[], request: Partial<ResponsesRequest> = {}) {
  const frames = framesOf(request)
  const events = eventsOf(chunks.map(body => frames.encode([JSON.stringify(body)])).join('') + frames.end())
  checkOrder(events)
  return events
}

const typesOf = (events: ReturnType<typeof eventsOf>) => events.map(({ type }) => type.replace('response.', ''))

t.test('text, from the first event to the last', async t => {
  const events = eventsFrom([role(), text('Hel'), text('lo'), finish('stop'), usage()])
  t.same(typesOf(events), [
    'created', 'in_progress', 'output_item.added', 'content_part.added', 'output_text.delta', 'output_text.delta',
    'output_text.done', 'content_part.done', 'output_item.done', 'completed'
  ])
  t.match(events[0], { response: { id: 'resp_x', object: 'response', status: 'in_progress', created_at: 1_700_000_000, model: 'scripted', output: [], usage: null, error: null, store: false } })
  t.match(events.slice(2, 6), [
    { output_index: 0, item: { id: 'msg_x_0', type: 'message', role: 'assistant', status: 'in_progress', content: [] } },
    { item_id: 'msg_x_0', output_index: 0, content_index: 0, part: { type: 'output_text', text: '', annotations: [], logprobs: [] } },
    { item_id: 'msg_x_0', output_index: 0, content_index: 0, delta: 'Hel', logprobs: [] },
    { delta: 'lo' }
  ])
  t.match(events.at(-1), {
    response: {
      status: 'completed',
      completed_at: 5,
      incomplete_details: null,
      output: [{ type: 'message', status: 'completed', content: [{ type: 'output_text', text: 'Hello' }] }],
      usage: { input_tokens: 3, output_tokens: 5, total_tokens: 8, input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } }
    }
  })
})

t.test('reasoning ends where the text begins, as content', async t => {
  const events = eventsFrom([role(), chunk({ reasoning_content: 'Hm' }), chunk({ reasoning_content: '.' }), text('Yes'), finish('stop')])
  t.same(typesOf(events).slice(2, 9), [
    'output_item.added', 'content_part.added', 'reasoning_text.delta', 'reasoning_text.delta', 'reasoning_text.done', 'content_part.done', 'output_item.done'
  ])
  const { output } = accumulated(events).last
  t.match(output, [{ type: 'reasoning', status: 'completed', summary: [], content: [{ type: 'reasoning_text', text: 'Hm.' }] }, { type: 'message' }])
  t.notOk(output[0] !== undefined && 'encrypted_content' in output[0], 'there is nothing that has to be sent back')
})

t.test('reasoning is a summary where one is asked for', async t => {
  const events = eventsFrom([role(), chunk({ reasoning_content: 'Hm' }), text('Yes'), finish('stop')], { reasoning: { summary: 'auto' } })
  t.same(typesOf(events).slice(2, 8), [
    'output_item.added', 'reasoning_summary_part.added', 'reasoning_summary_text.delta', 'reasoning_summary_text.done', 'reasoning_summary_part.done', 'output_item.done'
  ])
  const [item] = accumulated(events).last.output
  t.match(item, { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm' }] })
  t.notOk(item !== undefined && 'content' in item)
})

t.test('reasoning between other output is an item each time', async t => {
  const events = eventsFrom([chunk({ reasoning_content: 'a' }), text('b'), chunk({ reasoning_content: 'c' }), text('d'), chunk({ reasoning: 'e' }), finish('length')])
  t.match(accumulated(events).last.output, [
    { type: 'reasoning', content: [{ text: 'a' }], status: 'completed' },
    { type: 'message', content: [{ text: 'bd' }], status: 'incomplete' },
    { type: 'reasoning', content: [{ text: 'c' }], status: 'completed' },
    { type: 'reasoning', content: [{ text: 'e' }], status: 'incomplete' }
  ])
})

t.test('what has to be sent back of reasoning is in its item', async t => {
  const detail = (entry: JsonObject) => ({ reasoning_details: [entry] })
  const { output } = accumulated(eventsFrom([
    chunk({ reasoning_content: 'Hm', ...detail({ type: 'reasoning.text', index: 0, text: 'Hm' }) }),
    chunk(detail({ type: 'reasoning.text', index: 0, signature: 'sig' })),
    chunk(detail({ type: 'reasoning.encrypted', index: 1, data: 'xyz' })),
    text('Yes'), finish('stop')
  ])).last
  const [item] = output
  const encrypted = item?.type === 'reasoning' ? item.encrypted_content ?? '' : ''
  t.same(JSON.parse(Buffer.from(encrypted, 'base64url').toString()), {
    v: 1, details: [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 'sig' }, { type: 'reasoning.encrypted', index: 1, data: 'xyz' }]
  })
})

const called = (index: number, call: JsonObject) => chunk({ tool_calls: [{ index, ...call }] })

t.test('pieces of several calls, and text after them, come out right in any order', async t => {
  const events = eventsFrom([
    called(0, { id: 'call_a', type: 'function', function: { name: 'f', arguments: '' } }),
    called(0, { function: { arguments: '{"a"' } }),
    called(1, { id: 'call_b', type: 'function', function: { name: 'g', arguments: '{"b"' }, extra_content: { google: { thought_signature: 's' } } }),
    text('one moment'),
    called(0, { function: { arguments: ':1}' } }),
    called(1, { function: { arguments: ':2}' } }),
    called(2, { id: 'call_c', type: 'custom', custom: { name: 'h', input: 'l' } }),
    called(2, { custom: { input: 's' } }),
    finish('tool_calls')
  ])
  t.match(accumulated(events).last.output, [
    { type: 'function_call', id: 'fc_x_0', call_id: 'call_a', name: 'f', arguments: '{"a":1}', status: 'completed' },
    { type: 'function_call', id: 'fc_x_1', call_id: 'call_b', name: 'g', arguments: '{"b":2}', extra_content: { google: { thought_signature: 's' } } },
    { type: 'message', content: [{ text: 'one moment' }] },
    { type: 'custom_tool_call', id: 'ctc_x_3', call_id: 'call_c', name: 'h', input: 'ls' }
  ])
  t.match(events.filter(({ type }) => type.endsWith('.done') && !type.includes('item')), [
    { type: 'response.function_call_arguments.done', output_index: 0, arguments: '{"a":1}' },
    { type: 'response.function_call_arguments.done', output_index: 1, arguments: '{"b":2}' },
    { type: 'response.output_text.done', output_index: 2 },
    { type: 'response.content_part.done', output_index: 2 },
    { type: 'response.custom_tool_call_input.done', output_index: 3, input: 'ls' }
  ])
})

t.test('calls of servers that are less exact', async t => {
  t.match(accumulated(eventsFrom([
    called(0, { id: 'a', function: { name: 'f', arguments: '{}' } }), called(0, { id: 'b', function: { name: 'g', arguments: '[]' } }), finish('tool_calls')
  ])).last.output, [{ call_id: 'a', arguments: '{}' }, { call_id: 'b', arguments: '[]' }], 'all of index 0')
  t.match(accumulated(eventsFrom([
    called(0, { id: 'a', function: { name: 'f', arguments: '{' } }), called(0, { id: 'a', function: { name: 'f', arguments: '}' } }), finish('tool_calls')
  ])).last.output, [{ call_id: 'a', name: 'f', arguments: '{}' }], 'id and name each time')
  t.match(accumulated(eventsFrom([
    called(0, { function: { arguments: '{' } }), called(0, { id: '', function: { name: 'f', arguments: '}' } }), called(1, { function: { name: 'g' } }), finish('tool_calls')
  ])).last.output, [{ call_id: 'call_x_0', name: 'f', arguments: '{}' }, { call_id: 'call_x_1', name: 'g' }], 'no ids, and the name late')
  t.match(accumulated(eventsFrom([
    called(0, { id: 'a', function: { name: 'f' } }), called(1, { id: 'a', function: { name: 'g' } }), called(2, { function: { arguments: '1' } }), finish('tool_calls')
  ])).last.output, [{ call_id: 'a' }, { call_id: 'call_x_1' }, { name: '', arguments: '1' }], 'the same id twice, and no name at all')
})

t.test('for clients that keep reasoning items, what goes with calls and text is there too', async t => {
  const signed = [
    called(0, { id: 'a', function: { name: 'f', arguments: '{}' }, extra_content: { google: { thought_signature: 'c' } } }),
    chunk({ extra_content: { google: { thought_signature: 'm' } } }),
    finish('tool_calls')
  ]
  const [, item] = accumulated(eventsFrom(signed, { include: ['reasoning.encrypted_content'] })).last.output
  t.match(item, { type: 'reasoning', summary: [], status: 'completed' })
  t.same(JSON.parse(Buffer.from(item?.type === 'reasoning' ? item.encrypted_content ?? '' : '', 'base64url').toString()), {
    v: 1, message: { google: { thought_signature: 'm' } }, calls: [{ id: 'a', extra: { google: { thought_signature: 'c' } } }]
  })
})

t.test('refusals, citations and log probabilities', async t => {
  const citation = { type: 'url_citation', url_citation: { url: 'https://example.com/', title: 'E', start_index: 0, end_index: 3 } }
  const document = { type: 'document_citation', document_citation: { title: 'D', document_index: 2, start_index: 1, end_index: 3, cited_text: 'c' } }
  const logprob = { token: 'Yes', bytes: null, logprob: -0.5, top_logprobs: [{ token: 'No', bytes: [78], logprob: -1 }] }
  const yes = { ...text('Yes'), choices: [{ index: 0, delta: { content: 'Yes', annotations: [citation] }, finish_reason: null, logprobs: { content: [logprob] } }] }
  const events = eventsFrom([yes, chunk({ annotations: [document, { type: 'unheard_of' }] }), chunk({ refusal: 'but no' }), finish('stop')], { include: ['message.output_text.logprobs'] })
  const { last } = accumulated(events)
  const expected = { token: 'Yes', bytes: [], logprob: -0.5, top_logprobs: [{ token: 'No', bytes: [78], logprob: -1 }] }
  t.same(last.output, [{
    id: 'msg_x_0',
    type: 'message',
    role: 'assistant',
    status: 'completed',
    content: [
      {
        type: 'output_text',
        text: 'Yes',
        annotations: [
          { type: 'url_citation', url: 'https://example.com/', title: 'E', start_index: 0, end_index: 3 },
          { type: 'file_citation', file_id: 'document_2', filename: 'D', index: 3, document_citation: document.document_citation }
        ],
        logprobs: [expected]
      },
      { type: 'refusal', refusal: 'but no' }
    ]
  }])
  t.match(events.find(({ type }) => type === 'response.output_text.delta'), { logprobs: [expected] })
  t.same(events.flatMap(event => event.type === 'response.output_text.annotation.added' ? [event.annotation_index] : []), [0, 1])
  t.match(accumulated(eventsFrom([yes, finish('stop')])).last.output, [{ content: [{ logprobs: [] }] }], 'only who asked for them gets log probabilities')
})

t.test('the parts of a message end in the order in which they began', async t => {
  const events = eventsFrom([chunk({ refusal: 'No' }), text('but'), chunk({ refusal: '.' }), finish('stop')])
  t.match(accumulated(events).last.output, [{ content: [{ type: 'refusal', refusal: 'No.' }, { type: 'output_text', text: 'but' }] }])
  t.same(typesOf(events).slice(-6, -1), ['refusal.done', 'content_part.done', 'output_text.done', 'content_part.done', 'output_item.done'])
})

t.test('an answer that was cut off is incomplete, and says why', async t => {
  for (const [finishReason, reason] of [['length', 'max_output_tokens'], ['content_filter', 'content_filter']] as const) {
    const events = eventsFrom([role(), text('Hel'), finish(finishReason)])
    t.match(events.at(-1), { type: 'response.incomplete', response: { status: 'incomplete', incomplete_details: { reason }, error: null, output: [{ status: 'incomplete' }] } })
  }
})

t.test('a broken stream ends in an error and a failed answer, and in nothing that could pass for its end', async t => {
  const frames = framesOf()
  const before = frames.encode([role(), text('Hel')].map(body => JSON.stringify(body)))
  const failure = frames.fail(new GatewayError(502, 'It broke.', { type: 'server_error', code: 'all_targets_failed', attempts: [{ target: 'a', class: 'failure' }] }))
  t.match(eventsOf(before + failure).slice(-2), [
    { type: 'error', code: 'all_targets_failed', message: 'It broke.', param: null, error: { type: 'server_error', code: 'all_targets_failed', message: 'It broke.', param: null, attempts: [{ target: 'a' }] } },
    { type: 'response.failed', response: { id: 'resp_x', status: 'failed', error: { code: 'server_error', message: 'It broke.' }, output: [], usage: null } }
  ])
  t.notMatch(before + failure, /output_text\.done|output_item\.done|response\.completed|response\.incomplete|\[DONE\]/)
})

t.test('a stream that breaks before anything was sent is as well-formed', async t => {
  const events = eventsOf(framesOf().fail(new GatewayError(429, 'Slow down.', { type: 'rate_limit_error', code: null })))
  t.same(typesOf(events), ['created', 'in_progress', 'error', 'failed'])
  t.match(events.slice(2), [{ code: 'rate_limit_error' }, { response: { error: { code: 'rate_limit_exceeded' } } }])
})

t.test('nothing begins before there is a choice: Azure sends a chunk about the prompt first', async t => {
  const frames = framesOf()
  t.equal(frames.encode([JSON.stringify({ id: '', object: '', created: 0, model: '', choices: [], prompt_filter_results: [] })]), '')
  t.match(eventsOf(frames.encode([JSON.stringify(role())]))[0], { type: 'response.created', response: { model: 'scripted', created_at: 1_700_000_000 } })
})

t.test('an answer that outgrows what may be kept is broken off', async t => {
  t.equal(MAX_ANSWER_SIZE, 4 * 1024 * 1024)
  const piece = JSON.stringify(text('x'.repeat(1000)))
  const frames = framesOf({}, { maxSize: 3000 })
  t.match(eventsOf(frames.encode([piece, piece])).at(-1), { type: 'response.output_text.delta' })
  t.equal(frames.over, false)
  const rest = frames.encode([piece, piece])
  t.match(rest, /"code":"answer_too_large".*\n\nevent: response\.failed/)
  t.equal(frames.over, true)
  t.same([frames.encode([piece]), frames.end(), frames.fail(new Error('late'))], ['', '', ''], 'and that was all')
})

t.test('all that is kept counts', async t => {
  const big = 'x'.repeat(1000)
  for (const body of [
    chunk({ reasoning_content: big }), chunk({ reasoning_details: [{ type: 'reasoning.encrypted', index: 0, data: big }] }), chunk({ refusal: big }),
    called(0, { id: 'a', function: { name: 'f', arguments: big } }), called(0, { function: { arguments: big } }), called(0, { id: 'a', function: { name: 'f' }, extra_content: { big } }),
    chunk({ annotations: [{ type: 'document_citation', document_citation: { cited_text: big } }] }), chunk({ extra_content: { big } })
  ]) {
    const frames = framesOf({}, { maxSize: 900 })
    frames.encode([JSON.stringify(body)])
    t.equal(frames.over, true)
  }
})

t.test('a chunk that is none breaks the stream', async t => {
  for (const data of ['', '{"choices"', '[]', '1']) {
    const frames = framesOf()
    t.match(eventsOf(frames.encode([data])).slice(-2), [{ type: 'error', code: 'malformed_answer' }, { type: 'response.failed' }])
    t.equal(frames.over, true)
  }
})

t.test('chunks of any other shape are read as far as they can be', async t => {
  for (const choices of [null, 1, [null], [{}], [{ delta: 1 }], [{ index: 1, delta: { content: 'other' } }], [{ delta: { content: 1, tool_calls: [1, {}], reasoning_details: {}, annotations: [{ type: 'url_citation' }] }, logprobs: 1 }]]) {
    const frames = framesOf()
    t.match(eventsOf(frames.encode([JSON.stringify({ choices, usage: 1, model: 2, created: 'x' })]) + frames.end()).at(-1), { type: 'response.completed' })
  }
})
