import t from 'tap'
import { chunkReader, completionOf } from '../../../providers/chat-completions/answer.ts'
import { completion, finish, text } from '../../support/scripted-upstream.ts'

const ofEvent = (data: string, type = '') => chunkReader([])({ type, data })

t.test('a chunk is passed on as its text, byte for byte', async t => {
  const json = '{"id":"x", "choices":[{"index":0,"delta":{"content":"\\u00e9"},"finish_reason":null}],"unknown":1.0}'
  t.same(ofEvent(json), { json, facts: { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined } })
  t.match(ofEvent(JSON.stringify(finish('stop'))), { facts: { output: false, choices: [{ finishReason: 'stop' }] } })
  t.match(ofEvent(JSON.stringify(text('a')), 'message'), { facts: { output: true } })
})

t.test('data of several lines becomes one line', async t => {
  t.match(ofEvent('{\n"choices": [],\n"a": "b\\n"}'), { json: '{"choices":[],"a":"b\\n"}' })
})

t.test('the end, and what is nothing', async t => {
  t.equal(ofEvent('[DONE]'), 'end')
  t.equal(ofEvent(''), undefined)
})

t.test('an error inside the stream throws, by whatever shape it is known', async t => {
  for (const [data, type, reason] of [
    ['{"error":{"message":"x"}}', '', 'in_band_error'],
    ['{"error":{"message":"x","code":429}}', '', 'rate_limited'],
    ['{"error":"overloaded"}', '', 'in_band_error'],
    ['{"error":{"code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}', '', 'in_band_error'],
    ['{"message":"x","code":400}', 'error', 'invalid_request'],
    ['Internal Server Error', 'error', 'malformed'],
    ['Internal Server Error', '', 'malformed'],
    ['[1]', '', 'malformed'],
    ['null', '', 'malformed'],
    ['"x"', '', 'malformed']
  ] as const) t.throws(() => ofEvent(data, type), { name: 'UpstreamError', reason }, `${type} ${data}`)
})

t.test('a field called error that is empty is none', async t => {
  for (const error of ['null', '""']) t.match(ofEvent(`{"error":${error},"choices":[{"index":0,"delta":{"content":"a"}}]}`), { facts: { output: true } }, error)
  t.match(ofEvent('{"error":"a warning","choices":[{"index":0,"delta":{"content":"a"}}]}'), { facts: { output: true } }, 'nor is a text beside choices')
})

t.test('a whole answer is passed on as its text', async t => {
  const json = JSON.stringify(completion('hi'), undefined, 2)
  t.same(completionOf(json, []), { json, finishReason: 'stop', usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } })
})

t.test('whole answers: what counts as one', async t => {
  const choices = (...choices: readonly unknown[]) => JSON.stringify({ choices })
  t.match(completionOf(choices({ message: { content: 'a' } }), []), { finishReason: null, usage: undefined })
  t.match(completionOf(choices({ message: { content: null }, finish_reason: 'content_filter' }), []), { finishReason: 'content_filter' })
  t.match(completionOf(choices({ message: { tool_calls: [{}] }, finish_reason: 'tool_calls' }), []), { finishReason: 'tool_calls' })
  for (const [text, reason] of [
    ['{}', 'empty'], ['{"choices":[]}', 'empty'], [choices({ message: { role: 'assistant', content: '' } }), 'empty'], [choices(null, 'x'), 'empty'],
    ['{"error":{"message":"x","code":503}}', 'in_band_error'], ['{"error":"x"}', 'in_band_error'],
    ['', 'malformed'], ['<html>', 'malformed'], ['[]', 'malformed'], ['{"choices":[', 'malformed']
  ] as const) t.throws(() => completionOf(text, []), { name: 'UpstreamError', reason }, text)
})
