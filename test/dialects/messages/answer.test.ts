import t from 'tap'
import { messageOf } from '../../../dialects/messages/answer.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'

const ASKED = { requestId: 'req-1', model: 'asked', stopSequences: ['END', 'STOP'] }

/** The answer to a completion with this message. */
function answer (message: JsonObject, choice: JsonObject = {}, more: JsonObject = {}) {
  return messageOf(JSON.stringify({
    id: 'chatcmpl-7', object: 'chat.completion', created: 1, model: 'gpt', choices: [{ index: 0, message: { role: 'assistant', content: null, ...message }, finish_reason: 'stop', ...choice }], ...more
  }), ASKED)
}

const call = (id: string, text: string, more: JsonObject = {}) => ({ id, type: 'function', function: { name: `n_${id}`, arguments: text }, ...more })
const use = (id: string, input: JsonObject, more: JsonObject = {}) => ({ type: 'tool_use', id, name: `n_${id}`, input, caller: { type: 'direct' }, ...more })

t.test('a text, with every field that the API has', async t => {
  t.same(answer({ content: 'Hello' }, {}, { usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }), {
    id: 'msg_7',
    type: 'message',
    role: 'assistant',
    model: 'gpt',
    content: [{ type: 'text', text: 'Hello', citations: null }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: {
      input_tokens: 3,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 0,
      output_tokens: 5,
      output_tokens_details: null,
      server_tool_use: null,
      cache_creation: null,
      inference_geo: null,
      service_tier: null,
      speed: null
    }
  })
})

t.test('an answer that names neither itself nor its model has the request\'s names', async t => {
  t.match(answer({ content: 'a' }, {}, { id: '', model: '' }), { id: 'msg_req-1', model: 'asked' })
  t.match(answer({ content: 'a' }, {}, { id: 'msg_9' }), { id: 'msg_9' })
})

t.test('tokens read from and written to a cache are counted apart from the rest', async t => {
  const { usage } = answer({ content: 'a' }, {}, {
    usage: { prompt_tokens: 100, completion_tokens: 9, total_tokens: 109, prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 }, completion_tokens_details: { reasoning_tokens: 4 } }
  })
  t.match(usage, { input_tokens: 10, cache_read_input_tokens: 60, cache_creation_input_tokens: 30, output_tokens: 9, output_tokens_details: { thinking_tokens: 4 } })
  t.match(answer({ content: 'a' }).usage, { input_tokens: 0, output_tokens: 0 }, 'what is not counted is 0')
})

t.test('thinking comes first, each block with its proof', async t => {
  t.same(answer({
    content: 'So.',
    reasoning_content: 'One.Two.',
    reasoning_details: [
      { type: 'reasoning.text', index: 0, text: 'One.', signature: 's' },
      { type: 'reasoning.encrypted', index: 1, data: 'xyz' },
      { type: 'reasoning.text', index: 2, text: 'Two.' }
    ]
  }).content, [
    { type: 'thinking', thinking: 'One.', signature: 's' },
    { type: 'redacted_thinking', data: 'xyz' },
    { type: 'thinking', thinking: 'Two.', signature: '' },
    { type: 'text', text: 'So.', citations: null }
  ])
})

t.test('thinking that comes as text alone has no proof; one that comes apart is put to it', async t => {
  const thinking = (message: JsonObject) => answer(message).content
  t.same(thinking({ reasoning_content: 'Hm.' }), [{ type: 'thinking', thinking: 'Hm.', signature: '' }])
  t.same(thinking({ reasoning: 'Hm.' }), [{ type: 'thinking', thinking: 'Hm.', signature: '' }])
  t.same(thinking({ reasoning_content: 'Hm.', reasoning_details: [{ type: 'reasoning.text', index: 0, signature: 's' }] }), [{ type: 'thinking', thinking: 'Hm.', signature: 's' }])
  t.same(thinking({ reasoning_content: 'Hm.', reasoning_details: [{ type: 'reasoning.summary', index: 0, summary: 'Hm.' }, 7] }), [{ type: 'thinking', thinking: 'Hm.', signature: '' }])
})

t.test('calls, with their input parsed', async t => {
  const extra = { google: { thought_signature: 'abc' } }
  const { content, stop_reason: reason } = answer({ content: 'I look.', tool_calls: [call('1', '{"a":[1]}'), call('2', '', { extra_content: extra })] }, { finish_reason: 'tool_calls' })
  t.same(content, [{ type: 'text', text: 'I look.', citations: null }, use('1', { a: [1] }), use('2', {}, { extra_content: extra })])
  t.equal(reason, 'tool_use')
})

t.test('arguments that are no JSON object stay what they are, under a name', async t => {
  for (const text of ['{"a":', '[1]', 'null', '"x"']) t.same(answer({ tool_calls: [call('1', text)] }).content, [use('1', { INVALID_JSON: text })])
})

t.test('a call without an id gets one', async t => {
  t.match(answer({ tool_calls: [call('', '{}'), call('', '{}')] }).content, [{ id: 'toolu_7_0' }, { id: 'toolu_7_1' }])
})

t.test('why it stopped', async t => {
  const stop = (finish: string | null, message: JsonObject = { content: 'a' }, more: JsonObject = {}) => {
    const { stop_reason: reason, stop_sequence: sequence } = answer(message, { finish_reason: finish, ...more })
    return [reason, sequence]
  }
  t.same(stop('stop'), ['end_turn', null])
  t.same(stop('length'), ['max_tokens', null])
  t.same(stop('content_filter'), ['refusal', null])
  t.same(stop('tool_calls', { tool_calls: [call('1', '{}')] }), ['tool_use', null])
  t.same(stop('stop', { tool_calls: [call('1', '{}')] }), ['tool_use', null], 'OpenAI says so of a call that was demanded')
  t.same(stop('length', { tool_calls: [call('1', '{')] }), ['max_tokens', null])
  t.same(stop('stop', { refusal: 'No.' }), ['refusal', null])
  t.same(stop(null), ['end_turn', null])
  t.same(stop('eos'), ['end_turn', null])
  t.same(stop('stop', { content: 'a' }, { stop_reason: 'STOP' }), ['stop_sequence', 'STOP'], 'vLLM tells it')
  t.same(stop('stop', { content: 'a' }, { stop_reason: 'other' }), ['end_turn', null])
  t.same(stop('stop', { content: 'a' }, { stop_reason: 128009 }), ['end_turn', null])
})

t.test('a refusal is text', async t => {
  t.same(answer({ refusal: 'No.' }).content, [{ type: 'text', text: 'No.', citations: null }])
})

t.test('annotations are citations of the text', async t => {
  const at = { start_index: 0, end_index: 1 }
  const document = { ...at, title: 'T', document_index: 2, start: 3, end: 4, cited_text: 'c' }
  const cited = { cited_text: 'c', document_index: 2, document_title: 'T', file_id: null }
  t.same(answer({
    content: 'a',
    annotations: [
      { type: 'url_citation', url_citation: { url: 'https://example.com', title: 'E', ...at } },
      { type: 'document_citation', document_citation: { ...document, unit: 'char' } },
      { type: 'document_citation', document_citation: { ...document, unit: 'page' } },
      { type: 'document_citation', document_citation: { ...document, unit: 'chunk' } },
      { type: 'document_citation', document_citation: document },
      { type: 'file_citation' },
      null
    ]
  }).content, [{
    type: 'text',
    text: 'a',
    citations: [
      { type: 'web_search_result_location', url: 'https://example.com', title: 'E', cited_text: '', encrypted_index: '' },
      { type: 'char_location', ...cited, start_char_index: 3, end_char_index: 4 },
      { type: 'page_location', ...cited, start_page_number: 3, end_page_number: 4 },
      { type: 'content_block_location', ...cited, start_block_index: 3, end_block_index: 4 }
    ]
  }])
})

t.test('what is no completion is a 502', async t => {
  for (const json of ['', '[]', '{}', '{"choices":[]}', '{"choices":[{}]}']) {
    t.throws(() => messageOf(json, ASKED), { status: 502, code: 'malformed_answer' })
  }
})
