import t from 'tap'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import type { ContentPart, Message } from '../../schemas/messages.ts'
import { promptTokens } from '../../usage/prompt-tokens.ts'

const tokensOf = (request: Partial<ChatCompletionRequest>) => promptTokens({ messages: [], ...request })
const ofParts = (...content: ContentPart[]) => tokensOf({ messages: [{ role: 'user', content }] }) - tokensOf({ messages: [{ role: 'user', content: '' }] })

t.test('a conversation is within a quarter of what OpenAI counts', async t => {
  // By the rule of OpenAI's cookbook (3 a message, 3 for the answer), with o200k_base of js-tiktoken 1.0.21.
  const known = 75
  const estimate = tokensOf({
    messages: [
      { role: 'system', content: 'You answer questions about a city with its weather, in one sentence.' },
      { role: 'user', content: 'Will I need an umbrella in Lisbon on the first of March?' },
      { role: 'assistant', content: 'No, it stays dry there all day, with nine degrees in the morning and seventeen in the afternoon.' },
      { role: 'user', content: 'それでは東京はどうですか。' }
    ]
  })
  t.ok(Math.abs(estimate / known - 1) <= 0.25, `${estimate}`)
})

t.test('all that a model gets to read counts', async t => {
  const nothing = tokensOf({})
  const long = 'word '.repeat(20)
  const messages: Message[] = [
    { role: 'system', content: long },
    { role: 'developer', content: [{ type: 'text', text: long }] },
    { role: 'user', content: 'x', name: long },
    { role: 'assistant', content: null, refusal: long },
    { role: 'assistant', content: [{ type: 'refusal', refusal: long }] },
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: long } }] },
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'custom', custom: { name: 'f', input: long } }] },
    { role: 'assistant', function_call: { name: 'f', arguments: long } },
    { role: 'tool', tool_call_id: 'c', content: long },
    { role: 'function', name: 'f', content: long }
  ]
  for (const message of messages) t.ok(tokensOf({ messages: [message] }) > nothing + 20, JSON.stringify(message).slice(0, 60))
  t.ok(tokensOf({ tools: [{ type: 'function', function: { name: 'f', parameters: { description: long } } }] }) > nothing + 20)
  t.ok(tokensOf({ response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { description: long } } } }) > nothing + 20)
  t.equal(tokensOf({ response_format: { type: 'json_object' }, metadata: { note: long }, user: long, stop: long }), nothing, 'what it does not get to read counts nothing')
})

t.test('what is no text has a flat price, however large', async t => {
  const image = (detail?: 'low' | 'high') => ofParts({ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(100_000)}`, ...(detail === undefined ? {} : { detail }) } })
  t.equal(image(), 765)
  t.equal(image('high'), 765)
  t.equal(image('low'), 85)
  t.equal(ofParts({ type: 'input_audio', input_audio: { data: 'A'.repeat(100_000), format: 'wav' } }), 300)
  t.equal(ofParts({ type: 'file', file: { file_data: 'A'.repeat(100_000) } }), 1500)
  t.equal(ofParts({ type: 'image_url', image_url: { url: 'https://example.com/a.png' } }, { type: 'file', file: { file_id: 'f' } }), 765 + 1500)
})

t.test('a part of a kind that only compatible servers know counts as a file', async t => {
  const request: ChatCompletionRequest = JSON.parse('{"messages": [{"role": "user", "content": [{"type": "video_url", "video_url": {"url": "x"}}]}]}')
  t.equal(promptTokens(request) - tokensOf({ messages: [{ role: 'user', content: '' }] }), 1500)
})
