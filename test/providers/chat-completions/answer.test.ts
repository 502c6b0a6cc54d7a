import t from 'tap'
import { completionOf } from '../../../providers/chat-completions/answer.ts'
import { completion } from '../../support/scripted-upstream.ts'

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
    [choices({ message: { content: 'half' }, finish_reason: 'error', error: { code: 502, message: 'x' } }), 'in_band_error'],
    ['', 'malformed'], ['<html>', 'malformed'], ['[]', 'malformed'], ['{"choices":[', 'malformed']
  ] as const) t.throws(() => completionOf(text, []), { name: 'UpstreamError', reason }, text)
})
