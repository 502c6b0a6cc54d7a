import t from 'tap'
import { mayCarryOn, mayGivePrefix, prefixOf, shortened } from '../../failover/continuation.ts'
import { asTranslated, isTranslated, withThinking } from '../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'

const messages: ChatCompletionRequest['messages'] = [{ role: 'user', content: 'Hi' }]

t.test('what of a text is given: no blanks at its end, nothing that is cut in two', async t => {
  const cases = [['Hello', 'Hello'], [' Hello, \n\t', ' Hello,'], ['x\u00a0\u2028\ufeff', 'x'], [' \n', ''], ['', ''], ['Hi 😀', 'Hi 😀'], ['Hi \ud83d', 'Hi'], ['\ud83dHi', ''], ['Hi\ude00', '']] as const
  t.same(cases.map(([text]) => prefixOf(text)), cases.map(([, prefix]) => prefix))
})

t.test('requests whose answer can be carried on', async t => {
  for (const request of [{ messages }, { messages, n: 1, logprobs: false, modalities: ['text'] }, { messages, n: null, logprobs: null, modalities: null }]) t.ok(mayCarryOn(request))
  for (const change of [{ n: 2 }, { logprobs: true }, { modalities: ['text', 'audio'] }]) t.notOk(mayCarryOn({ messages, ...change }))
})

t.test('requests whose answer can be given', async t => {
  const given: ReadonlyArray<Partial<ChatCompletionRequest>> = [
    {}, { temperature: 0, max_tokens: 5, stop: ['x'], seed: 1, user: 'u', stream: true, stream_options: { include_usage: true } }, { tools: [], tool_choice: 'auto' },
    { response_format: { type: 'text' } }, { reasoning_effort: 'none' }, { web_search_options: null, audio: null }
  ]
  for (const change of given) t.ok(mayGivePrefix({ messages, ...change }), Object.keys(change).join())
  const anew: ReadonlyArray<Partial<ChatCompletionRequest>> = [
    { tools: [{ type: 'function', function: { name: 'f' } }] }, { functions: [{ name: 'f' }] }, { response_format: { type: 'json_object' } },
    { response_format: { type: 'json_schema', json_schema: { name: 'x' } } }, { reasoning_effort: 'high' }, { web_search_options: {} }, { prediction: { type: 'content', content: 'x' } },
    { messages: [...messages, { role: 'assistant', content: 'I' }] }
  ]
  for (const change of anew) t.notOk(mayGivePrefix({ messages, ...change }), Object.keys(change).join())
  t.notOk(mayGivePrefix(Object.assign({ messages }, { guided_json: {} })), 'what is not known')
  t.notOk(mayGivePrefix(withThinking({ messages }, { kind: 'budget', tokens: 1024 })))
  t.ok(mayGivePrefix(withThinking({ messages }, { kind: 'off' })))
})

t.test('limits are lowered by what is there, to 1 at the least', async t => {
  t.match(shortened({ messages, max_tokens: 100, max_completion_tokens: 10 }, 30), { max_tokens: 70, max_completion_tokens: 1 })
  const unlimited = { messages, max_tokens: null }
  t.equal(shortened(unlimited, 30), unlimited)
  t.ok(isTranslated(shortened(asTranslated({ messages, max_completion_tokens: 10 }), 3)), 'what is carried beside the fields stays')
})
