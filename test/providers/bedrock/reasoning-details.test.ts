/** Reasoning, there and back: what an answer gives out, a caller's next turn brings back as the blocks that they were. */
import fc from 'fast-check'
import t from 'tap'
import { Base64Bytes } from '../../../providers/bedrock/base64-bytes.ts'
import { completionOf } from '../../../providers/bedrock/response.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import type { AnswerBlock, ConverseEvent } from '../../../providers/bedrock/wire.ts'
import { isJsonObject } from '../../../schemas/json-object.ts'
import type { Message } from '../../../schemas/messages.ts'
import { CLAUDE, GPT_OSS, HELLO, NOVA, PROFILE, turnsOf } from './converse.ts'

const HEAD = { id: 'a', created: 1, model: 'm' }
const signed = (text: string, signature: string): AnswerBlock => ({ reasoningContent: { reasoningText: { text, signature } } })
const messageOf = (content: AnswerBlock[]) => JSON.parse(completionOf({ output: { message: { role: 'assistant', content } }, stopReason: 'end_turn' }, HEAD).json).choices[0].message

/** The assistant's blocks of the next turn. */
const sentBack = (message: object, model = CLAUDE) => turnsOf([HELLO, { role: 'assistant', content: 'Yes', ...message }, HELLO], model)?.[1]?.content
const YES = { text: 'Yes' }

/** What a client makes of a stream, joining entries of one index as the documentation says; or not, keeping all as they came. */
function streamed (events: ConverseEvent[], join: boolean): { reasoning: string, details: unknown[] } {
  const translator = new StreamTranslator(HEAD)
  const deltas = events.flatMap(event => translator.translate(event)).map(({ json }) => JSON.parse(json).choices[0].delta)
  const details: Record<string, unknown>[] = deltas.flatMap(delta => delta.reasoning_details ?? [])
  const joined: Record<string, unknown>[] = []
  for (const detail of details) {
    const last = joined.at(-1)
    if (join && last !== undefined && last['index'] === detail['index']) joined[joined.length - 1] = { ...last, ...detail, text: `${last['text'] ?? ''}${detail['text'] ?? ''}` }
    else joined.push(detail)
  }
  return { reasoning: deltas.map(delta => delta.reasoning_content ?? '').join(''), details: joined }
}

t.test('a whole answer: reasoning_content, and reasoning_details beside it', async t => {
  t.strictSame(messageOf([signed('Hm. ', 's1'), { text: 'Yes' }, { reasoningContent: { redactedContent: 'AQID' } }, { toolUse: { toolUseId: 'a', name: 'f', input: {} } }, signed('So.', 's2'), { reasoningContent: {} }]), {
    role: 'assistant',
    content: 'Yes',
    reasoning_content: 'Hm. So.',
    reasoning_details: [
      { type: 'reasoning.text', index: 0, text: 'Hm. ', signature: 's1' },
      { type: 'reasoning.encrypted', index: 1, data: 'AQID' },
      { type: 'reasoning.text', index: 2, text: 'So.', signature: 's2' }
    ],
    tool_calls: [{ id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }]
  })
})

t.test('a stream: increments by index', async t => {
  const delta = (contentBlockIndex: number, reasoningContent: object): ConverseEvent => ({ contentBlockDelta: { contentBlockIndex, delta: { reasoningContent } } })
  const translator = new StreamTranslator(HEAD)
  const chunks = [delta(0, { text: 'H' }), delta(0, { text: 'm' }), delta(0, { signature: 's' }), delta(3, { redactedContent: 'AQID' }), delta(3, {})].flatMap(event => translator.translate(event))
  t.strictSame(chunks.map(({ json }) => JSON.parse(json).choices[0].delta), [
    { role: 'assistant', reasoning_content: 'H', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'H' }] },
    { reasoning_content: 'm', reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'm' }] },
    { reasoning_details: [{ type: 'reasoning.text', index: 0, signature: 's' }] },
    { reasoning_details: [{ type: 'reasoning.encrypted', index: 1, data: 'AQID' }] }
  ])
  t.strictSame(chunks.map(({ facts }) => facts.output), [true, true, false, false])
})

t.test('on the next turn: the same blocks, each with its own signature, before text and calls', async t => {
  const message = messageOf([signed('Hm. ', 's1'), { text: 'Yes' }, { reasoningContent: { redactedContent: 'AQID' } }, signed('So.', 's2'), { toolUse: { toolUseId: 'a', name: 'weather', input: {} } }])
  t.strictSame(turnsOf([HELLO, message, { role: 'tool', tool_call_id: 'a', content: 'x' }], CLAUDE)?.[1]?.content, [
    signed('Hm. ', 's1'), { reasoningContent: { redactedContent: Base64Bytes.fromText('AQID') } }, signed('So.', 's2'), YES, { toolUse: { toolUseId: 'a', name: 'weather', input: {} } }
  ])
})

t.test('whatever the pieces, the blocks come back', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u0000', 'ü', '\u2028', '👋', '\ud800'), minLength: 1, maxLength: 5 })
  fc.assert(fc.property(fc.array(fc.record({ texts: fc.array(text, { minLength: 1, maxLength: 4 }), signature: text }), { minLength: 1, maxLength: 4 }), fc.boolean(), (blocks, join) => {
    const events = blocks.flatMap(({ texts, signature }, index): ConverseEvent[] => [...texts.map(text => ({ text })), { signature }]
      .map(reasoningContent => ({ contentBlockDelta: { contentBlockIndex: index * 2, delta: { reasoningContent } } })))
    const { reasoning, details } = streamed(events, join)
    const wanted = [...blocks.map(({ texts, signature }) => signed(texts.join(''), signature)), YES]
    return reasoning === blocks.flatMap(({ texts }) => texts).join('') && JSON.stringify(sentBack({ reasoning_content: reasoning, reasoning_details: details })) === JSON.stringify(wanted)
  }))
})

t.test('unsigned reasoning goes back to models that sign none, and to no other', async t => {
  const details = { reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm' }] }
  const block = { reasoningContent: { reasoningText: { text: 'Hm' } } }
  for (const model of [GPT_OSS, NOVA, 'qwen.qwen3-32b-v1:0', PROFILE]) t.strictSame(sentBack(details, model), [block, YES], model)
  for (const model of [CLAUDE, 'us.deepseek.r1-v1:0']) t.strictSame(sentBack(details, model), [YES], model)
  for (const model of [GPT_OSS, CLAUDE]) t.strictSame(sentBack({ reasoning_content: 'Hm' }, model), [YES], 'the text alone')
})

t.test('what one vendor has signed or encrypted is not for models of another', async t => {
  const details = { reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Hm', signature: 's' }, { type: 'reasoning.encrypted', index: 1, data: 'AQID' }] }
  const blocks = [signed('Hm', 's'), { reasoningContent: { redactedContent: Base64Bytes.fromText('AQID') } }, YES]
  for (const model of [CLAUDE, PROFILE]) t.strictSame(sentBack(details, model), blocks, model)
  for (const model of [GPT_OSS, NOVA, 'meta.llama4-scout-17b-instruct-v1:0']) t.strictSame(sentBack(details, model), [YES], model)
  const [first, second] = details.reasoning_details
  t.strictSame(sentBack({ reasoning_details: [{ ...first, format: 'anthropic-claude-v1' }, { ...second, format: 'openai-responses-v1' }] }), [signed('Hm', 's'), YES], 'as OpenRouter marks it')
})

t.test('what is no reasoning_details is left out', async t => {
  for (const details of [undefined, null, 'x', {}, [null, 5, {}, { type: 'reasoning.text' }, { type: 'reasoning.text', text: 5, signature: {} }, { type: 'reasoning.summary', summary: 'x' }, { type: 'reasoning.encrypted', data: 5 }]]) {
    t.strictSame(sentBack({ reasoning_details: details }), [YES])
  }
  const alone: Message & object = { role: 'assistant', content: 'Yes', ...{ reasoning_details: [{ type: 'reasoning.text', text: 'a', signature: 's' }, { type: 'reasoning.text', text: 'b', signature: 't' }] } }
  t.ok(isJsonObject(alone))
  t.strictSame(sentBack(alone), [signed('a', 's'), signed('b', 't'), YES], 'without an index each stands alone')
})
