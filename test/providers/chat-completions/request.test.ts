import t from 'tap'
import { bodyOf } from '../../../providers/chat-completions/request.ts'
import { asTranslated, withThinking } from '../../../schemas/carried.ts'
import type { Thinking } from '../../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'

const REQUEST: ChatCompletionRequest = { model: 'alias', messages: [{ role: 'user', content: 'Hi' }] }
const OPTIONS = { model: 'm', stream: false, strict: true }

t.test('fields that the gateway does not know pass, to strict targets too', async t => {
  const request = { ...REQUEST, top_k: 5, reasoning_effort: 'low', verbosity: 'low', unknown: { deep: [1] } }
  for (const strict of [true, false]) t.same(JSON.parse(bodyOf(request, { ...OPTIONS, strict })), { ...request, model: 'm' })
})

t.test('a stream asks for usage, and keeps the other stream options', async t => {
  const request = { ...REQUEST, stream_options: { include_usage: false, include_obfuscation: false } }
  t.same(JSON.parse(bodyOf(request, { ...OPTIONS, stream: true })), { ...request, model: 'm', stream: true, stream_options: { include_usage: true, include_obfuscation: false } })
})

t.test('how much to think, which the format has no field for, is refused by name', async t => {
  for (const thinking of [{ kind: 'budget', tokens: 2000 }, { kind: 'adaptive' }] satisfies Thinking[]) {
    for (const strict of [true, false]) t.throws(() => bodyOf(withThinking(REQUEST, thinking), { ...OPTIONS, strict }), { name: 'UpstreamError', reason: 'unsupported', param: 'thinking' })
  }
  t.same(JSON.parse(bodyOf(withThinking(REQUEST, { kind: 'off' }), OPTIONS)), { ...REQUEST, model: 'm' })
})

t.test('the limit of a translated request has the name that the target knows; one that a caller wrote stays', async t => {
  const request = { ...REQUEST, max_completion_tokens: 5 }
  const limits = (asked: ChatCompletionRequest, strict: boolean) => {
    const { max_tokens: old, max_completion_tokens: limit } = JSON.parse(bodyOf(asked, { ...OPTIONS, strict }))
    return { old, limit }
  }
  t.strictSame(limits(asTranslated(request), true), { old: undefined, limit: 5 }, 'OpenAI and Azure: their reasoning models want the new one')
  t.strictSame(limits(asTranslated(request), false), { old: 5, limit: undefined }, 'others know the old one')
  for (const strict of [true, false]) t.strictSame(limits(request, strict), { old: undefined, limit: 5 })
})
