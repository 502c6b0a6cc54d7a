/**
 * A conversation may change its target between two turns: what the answer of one of them brought must not make the next
 * one refuse it.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import fastify from 'fastify'
import t from 'tap'
import { ChatCompletionsProvider } from '../../../providers/chat-completions/provider.ts'
import { toldInContent, withoutForeign } from '../../../providers/chat-completions/foreign-fields.ts'
import openai from '../../../providers/openai.ts'
import { asToolError, withCacheControl } from '../../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../../schemas/chat-completion-request.ts'
import type { Message } from '../../../schemas/messages.ts'
import { scriptedUpstream } from '../../support/scripted-upstream.ts'
import { azureTargets, REQUEST } from '../azure/targets.ts'

const CALL = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } } as const
const USER: Message = { role: 'user', content: 'Hi' }
/** As clients send back what Gemini, Bedrock or OpenRouter answered. */
const ANSWERED = {
  role: 'assistant' as const,
  content: 'Hello',
  reasoning_content: 'Hm.',
  reasoning: 'Hm.',
  reasoning_details: [{ type: 'reasoning.text' as const, index: 0, text: 'Hm.', signature: 'c2ln' }],
  annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.org', title: 'x', start_index: 0, end_index: 5 } }],
  images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }],
  extra_content: { google: { thought_signature: 'c2ln' } },
  tool_calls: [{ ...CALL, extra_content: { google: { thought_signature: 'c2ln' } } }]
}
const NATIVE = { role: 'assistant' as const, content: 'Hello', tool_calls: [CALL] }

const { signal } = new AbortController()
const asked = (...messages: Message[]): ChatCompletionRequest => ({ messages })

t.test('Azure gets an answer back as it would have given it, whole and streamed', async t => {
  const upstream = await scriptedUpstream(t)
  const request = asked(USER, ANSWERED, USER)
  const before = structuredClone(request)
  for (const target of await azureTargets(t, upstream)) {
    await target.complete({ request, signal })
    const stream = await target.stream({ request, signal })
    await stream.ended
  }
  t.equal(upstream.requests.length, 4)
  for (const { body } of upstream.requests) t.same(body['messages'], [USER, NATIVE, USER])
  t.same(request, before, 'the next target gets the same request')
})

t.test('any other server gets it as the caller sent it', async t => {
  const upstream = await scriptedUpstream(t)
  const app = fastify()
  t.teardown(async () => { await app.close() })
  await app.register(openai, { baseURL: upstream.baseURL, model: 'm' })
  const request = asked(USER, ANSWERED, USER)
  await app.providers.get('openai')?.complete({ request, signal })
  t.same((await upstream.request(1)).body['messages'], request.messages)
})

t.test('OpenAI\'s own addresses are known', async t => {
  for (const [baseURL, strict] of [
    [undefined, true], ['https://api.openai.com/v1', true], ['https://eu.api.openai.com/v1', true], ['https://me.openai.azure.com/openai/v1', true],
    ['https://api.openai.com.example.org/v1', false], ['https://myapi.openai.com/v1', false], ['http://localhost:8000/v1', false]
  ] as const) {
    const app = fastify()
    await app.register(openai, { ...baseURL === undefined ? {} : { baseURL }, apiKey: 'x', model: 'm' })
    const target = app.providers.get('openai')
    t.equal(target instanceof ChatCompletionsProvider && target.strict, strict, baseURL ?? 'by default')
    await app.close()
  }
})

t.test('what the caller has set without need is dropped as well: caching is OpenAI\'s own affair', async t => {
  const part = { type: 'text' as const, text: 'long', cache_control: { type: 'ephemeral' } }
  const tool = { type: 'function' as const, function: { name: 'f' }, cache_control: { type: 'ephemeral' } }
  const request = { ...asked({ role: 'system', content: [part] }, withCacheControl({ role: 'tool', tool_call_id: 'x', content: [part] }, { type: 'ephemeral' }), { role: 'assistant', content: [part] }), tools: [tool] }
  const text = { type: 'text', text: 'long' }
  t.same(JSON.parse(JSON.stringify(withoutForeign(request))), {
    messages: [{ role: 'system', content: [text] }, { role: 'tool', tool_call_id: 'x', content: [text] }, { role: 'assistant', content: [text] }],
    tools: [{ type: 'function', function: { name: 'f' } }]
  })
})

t.test('a message of thoughts alone stays a message', async t => {
  const thoughts = { role: 'assistant' as const, content: null, reasoning_content: 'Hm.' }
  t.same(withoutForeign(asked(USER, thoughts)).messages, [USER, { role: 'assistant', content: '' }])
  t.same(withoutForeign(asked(USER, { ...thoughts, refusal: 'No.' })).messages[1], { role: 'assistant', content: null, refusal: 'No.' })
  t.same(withoutForeign(asked(USER, { ...thoughts, tool_calls: [CALL] })).messages[1], { role: 'assistant', content: null, tool_calls: [CALL] })
})

t.test('a request without any of it is not copied, whatever else is in it', async () => {
  const message = fc.oneof(
    fc.record({ role: fc.constant('user' as const), content: fc.oneof(fc.string(), fc.array(fc.record({ type: fc.constant('text' as const), text: fc.string(), video: fc.string() }))) }),
    fc.record({ role: fc.constant('assistant' as const), content: fc.oneof(fc.string(), fc.constant(null)), tool_calls: fc.oneof(fc.constant(null), fc.array(fc.constant(CALL), { maxLength: 2 })), refusal: fc.constantFrom(null, 'x'), unknown: fc.jsonValue() }),
    fc.record({ role: fc.constant('tool' as const), tool_call_id: fc.string(), content: fc.string() }),
    fc.record({ role: fc.constant('function' as const), name: fc.string(), content: fc.constantFrom(null, 'x') }))
  const tools = fc.oneof(fc.constant(null), fc.array(fc.constant({ type: 'function' as const, function: { name: 'f' } })))
  fc.assert(fc.property(fc.array(message), tools, (messages, tools) => {
    const request: ChatCompletionRequest = { messages, tools }
    assert.equal(withoutForeign(request), request)
    assert.equal(toldInContent(request), request)
  }), { numRuns: 200 })
})

t.test('a tool that failed says so in its content, once', async t => {
  const failed = (content: Message['content']) => toldInContent(asked(asToolError({ role: 'tool', tool_call_id: 'x', content: content ?? '' }))).messages[0]?.content
  const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AA==' } }
  for (const [content, told] of [
    ['no such city', 'Error: no such city'],
    ['', 'Error: '],
    ['Error: no such city', 'Error: no such city'],
    ['  error 404', '  error 404'],
    ['Errors were found', 'Error: Errors were found'],
    [[{ type: 'text', text: 'a' }, image], [{ type: 'text', text: 'Error: a' }, image]],
    [[{ type: 'text', text: 'ERROR' }], [{ type: 'text', text: 'ERROR' }]],
    [[image], [{ type: 'text', text: 'Error:' }, image]],
    [[], [{ type: 'text', text: 'Error:' }]]
  ] as const) t.same(failed(typeof content === 'string' ? content : [...content]), told, JSON.stringify(content))
  t.same(toldInContent(asked({ role: 'tool', tool_call_id: 'x', content: 'fine' })).messages[0]?.content, 'fine')
})

t.test('a failed tool is told to every server of this format', async t => {
  const upstream = await scriptedUpstream(t)
  for (const target of await azureTargets(t, upstream)) await target.complete({ request: { messages: [...REQUEST.messages, asToolError({ role: 'tool', tool_call_id: 'x', content: 'no' })] }, signal })
  for (const { body } of upstream.requests) t.match(body['messages'], [{}, { content: 'Error: no' }])
})
