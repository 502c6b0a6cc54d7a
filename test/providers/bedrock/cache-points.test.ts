import t from 'tap'
import { withCacheControl } from '../../../schemas/carried.ts'
import type { CacheControl } from '../../../schemas/carried.ts'
import type { Message } from '../../../schemas/messages.ts'
import { CLAUDE, HELLO, NOVA, TOOL, converse } from './converse.ts'

const FIVE: CacheControl = { type: 'ephemeral' }
const HOUR: CacheControl = { type: 'ephemeral', ttl: '1h' }
const CLAUDE_4 = 'anthropic.claude-sonnet-4-20250514-v1:0'
const POINT = { cachePoint: { type: 'default' } }
const HOUR_POINT = { cachePoint: { type: 'default', ttl: '1h' } }
const said = (text: string, control: CacheControl = FIVE) => withCacheControl({ type: 'text' as const, text }, control)
const CALL = { id: 'a', type: 'function' as const, function: { name: 'weather', arguments: '{}' } }

t.test('after system texts, parts, messages, results, calls and tools', async t => {
  const input = converse({
    messages: [
      { role: 'system', content: [said('Be brief.'), { type: 'text', text: 'Be kind.' }] },
      { role: 'user', content: [said('Look'), { type: 'text', text: 'here' }] },
      { role: 'assistant', content: null, tool_calls: [withCacheControl(CALL, FIVE)] },
      withCacheControl({ role: 'tool', tool_call_id: 'a', content: 'sunny' } as const, FIVE)
    ],
    tools: [TOOL]
  }, CLAUDE)
  t.strictSame(input.system, [{ text: 'Be brief.' }, POINT, { text: 'Be kind.' }])
  t.strictSame(input.messages?.map(({ content }) => content), [
    [{ text: 'Look' }, POINT, { text: 'here' }],
    [{ toolUse: { toolUseId: 'a', name: 'weather', input: {} } }, POINT],
    [{ toolResult: { toolUseId: 'a', content: [{ text: 'sunny' }] } }, POINT]
  ])
  t.match(converse({ tools: [withCacheControl(TOOL, FIVE), TOOL] }, CLAUDE).toolConfig?.tools, [{ toolSpec: {} }, POINT, { toolSpec: {} }])
})

t.test('as a field of the request too', async t => {
  const message: Message & object = { role: 'user', content: 'Hello', ...{ cache_control: { type: 'ephemeral' } } }
  t.strictSame(converse({ messages: [message] }, CLAUDE).messages?.[0]?.content, [{ text: 'Hello' }, POINT])
})

t.test('a part of a tool result: after the result, in which none can stand', async t => {
  const messages: Message[] = [HELLO, { role: 'assistant', tool_calls: [CALL] }, { role: 'tool', tool_call_id: 'a', content: [said('sunny'), { type: 'text', text: 'warm' }] }]
  t.strictSame(converse({ messages, tools: [TOOL] }, CLAUDE).messages?.[2]?.content, [{ toolResult: { toolUseId: 'a', content: [{ text: 'sunny' }, { text: 'warm' }] } }, POINT])
})

t.test('never first, and never one after another', async t => {
  const reasoning: Message & object = withCacheControl({ role: 'assistant', content: '', ...{ reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'a', signature: 's' }] } } as const, FIVE)
  t.strictSame(converse({ messages: [withCacheControl({ role: 'user', content: [said(' '), said('Hi')] } as const, FIVE), reasoning, HELLO] }, CLAUDE).messages?.map(({ content }) => content), [
    [{ text: 'Hi' }, POINT], [{ reasoningContent: { reasoningText: { text: 'a', signature: 's' } } }], [{ text: 'Hello' }]
  ])
})

t.test('no more than four: the last ones, over the whole request', async t => {
  const input = converse({
    tools: [withCacheControl(TOOL, FIVE)],
    messages: [{ role: 'system', content: [said('a'), said('b')] }, { role: 'user', content: [said('c'), said('d'), said('e')] }]
  }, CLAUDE)
  t.equal(input.toolConfig?.tools?.length, 1)
  t.strictSame(input.system, [{ text: 'a' }, { text: 'b' }, POINT])
  t.strictSame(input.messages?.[0]?.content, [{ text: 'c' }, POINT, { text: 'd' }, POINT, { text: 'e' }, POINT])
})

t.test('for an hour, where the model can and no shorter one goes before', async t => {
  const cached = (model: string, ...controls: CacheControl[]) => converse({ messages: [{ role: 'user', content: controls.map(control => said('a', control)) }] }, model).messages?.[0]?.content?.filter((_, index) => index % 2 === 1)
  t.strictSame(cached(CLAUDE, HOUR, FIVE, HOUR), [HOUR_POINT, POINT, POINT])
  t.strictSame(cached(CLAUDE, { type: 'ephemeral', ttl: '5m' }), [POINT])
  t.strictSame(cached(CLAUDE_4, HOUR), [POINT])
})

t.test('a hint for models that know less of it, and dropped for others', async t => {
  const request = {
    tools: [withCacheControl(TOOL, FIVE)],
    messages: [
      { role: 'system', content: [said('a')] }, { role: 'user', content: [said('b')] }, { role: 'assistant', tool_calls: [withCacheControl(CALL, FIVE)] },
      withCacheControl({ role: 'tool', tool_call_id: 'a', content: 'c' }, FIVE)
    ] satisfies Message[]
  }
  const count = (model: string) => JSON.stringify(converse(request, model)).split('cachePoint').length - 1
  t.equal(count(CLAUDE), 4)
  t.equal(count('us.anthropic.claude-3-5-haiku-20241022-v1:0'), 4)
  t.equal(count(NOVA), 2, 'after texts alone')
  for (const model of ['anthropic.claude-3-5-sonnet-20240620-v1:0', 'anthropic.claude-3-haiku-20240307-v1:0', 'us.deepseek.r1-v1:0', 'meta.llama3-1-70b-instruct-v1:0']) t.equal(count(model), 0, model)
})
