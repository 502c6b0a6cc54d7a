import fc from 'fast-check'
import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { completionOf, finishReasonOf, usageOf } from '../../../providers/bedrock/response.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import type { ConverseAnswer, ConverseEvent } from '../../../providers/bedrock/wire.ts'

const HEAD = { id: 'chatcmpl-1', created: 1_700_000_000, model: 'amazon.nova-pro-v1:0' }

/** As the service may send them, whatever the types say. */
const answer = (json: object): ConverseAnswer => JSON.parse(JSON.stringify(json))
const event = (json: object): ConverseEvent => JSON.parse(JSON.stringify(json))
const whole = (content: unknown, stopReason: string | undefined = 'end_turn') => completionOf(answer({ output: { message: { role: 'assistant', content } }, stopReason }), HEAD)
const messageOf = (content: unknown, stopReason?: string) => JSON.parse(whole(content, stopReason).json).choices[0].message
const reasonOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof UpstreamError) return error.reason
    throw error
  }
  return 'none'
}

t.test('whole answers', async t => {
  t.test('text and usage', async t => {
    const { json, finishReason, usage } = completionOf(answer({
      output: { message: { role: 'assistant', content: [{ text: 'Hel' }, { text: 'lo' }] } },
      stopReason: 'end_turn',
      usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 }
    }), HEAD)
    const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }
    t.equal(finishReason, 'stop')
    t.strictSame(usage, counts)
    t.strictSame(JSON.parse(json), {
      ...HEAD, object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }], usage: counts
    })
  })

  t.test('cited text is text', async t => {
    t.equal(messageOf([{ text: 'A ' }, { citationsContent: { content: [{ text: 'cited' }], citations: [{ title: 'x' }] } }, { text: ' b' }]).content, 'A cited b')
  })

  t.test('tool calls, save for the provider\'s own', async t => {
    const provider = [
      { toolUse: { toolUseId: 's', name: 'search', input: { q: 1 }, type: 'server_tool_use' } },
      { toolResult: { toolUseId: 's', content: [{ text: 'found' }] } }
    ]
    t.strictSame(messageOf([...provider, { toolUse: { toolUseId: 'a', name: 'f', input: { x: 1 } } }, { toolUse: { toolUseId: 'b', name: 'g' } }], 'tool_use'), {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: 'a', type: 'function', function: { name: 'f', arguments: '{"x":1}' } },
        { id: 'b', type: 'function', function: { name: 'g', arguments: '{}' } }
      ]
    })
    t.equal(whole(provider, 'tool_use').finishReason, 'stop')
  })

  t.test('reasoning, with what it takes to send it back', async t => {
    t.strictSame(messageOf([{ reasoningContent: { reasoningText: { text: 'Hm.', signature: 'sig' } } }, { text: 'Yes' }]),
      { role: 'assistant', content: 'Yes', reasoning_content: 'Hm.', reasoning_signature: 'sig' })
    const redacted = whole([{ reasoningContent: { redactedContent: 'AQID' } }, { text: 'Yes' }])
    t.equal(JSON.parse(redacted.json).choices[0].message.reasoning_redacted, 'AQID')
    const block = (text: string) => ({ reasoningContent: { reasoningText: { text, signature: text } } })
    t.strictSame(messageOf([block('a'), { text: 'x' }, block('b')]), { role: 'assistant', content: 'x', reasoning_content: 'ab' }, 'two signatures fit nothing')
  })

  t.test('what nobody promised', async t => {
    t.strictSame(messageOf([null, { text: 5 }, { video: {} }, { text: 'a' }]), { role: 'assistant', content: 'a' })
    t.equal(reasonOf(() => completionOf(answer({}), HEAD)), 'empty')
    t.equal(reasonOf(() => completionOf(answer({ output: { message: { content: 'text' } } }), HEAD)), 'empty')
    t.equal(completionOf(answer({ output: { message: { content: [{ text: 'a' }] } } }), HEAD).finishReason, null)
    t.equal(whole([]).finishReason, 'stop', 'nothing to say, and said so')
  })
})

t.test('finish reasons', async t => {
  for (const [stopReason, expected] of Object.entries({
    end_turn: 'stop',
    stop_sequence: 'stop',
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    guardrail_intervened: 'content_filter',
    content_filtered: 'content_filter',
    not_known_today: 'stop'
  })) t.equal(finishReasonOf(stopReason, { calls: false }), expected, stopReason)
  t.equal(finishReasonOf('tool_use', { calls: true }), 'tool_calls')
  t.equal(finishReasonOf('tool_use', { calls: false }), 'stop')
  for (const stopReason of ['malformed_model_output', 'malformed_tool_use']) t.equal(reasonOf(() => finishReasonOf(stopReason, { calls: true })), 'malformed')
})

t.test('usage', async t => {
  t.strictSame(usageOf({ inputTokens: 1, outputTokens: 2, totalTokens: 3, cacheReadInputTokens: 10, cacheWriteInputTokens: 100 }),
    { prompt_tokens: 111, completion_tokens: 2, total_tokens: 113, prompt_tokens_details: { cached_tokens: 10 } })
  t.equal(usageOf(undefined), undefined)
  t.equal(usageOf({}), undefined)
})

t.test('streams', async t => {
  const translate = (...events: object[]) => {
    const translator = new StreamTranslator(HEAD)
    return events.flatMap(json => translator.translate(event(json)))
  }
  const deltasOf = (...events: object[]) => translate(...events).map(({ json }) => JSON.parse(json).choices[0]?.delta)
  const delta = (contentBlockIndex: number, delta: object) => ({ contentBlockDelta: { contentBlockIndex, delta } })
  const start = (contentBlockIndex: number, toolUse: object) => ({ contentBlockStart: { contentBlockIndex, start: { toolUse } } })
  const stop = (contentBlockIndex: number) => ({ contentBlockStop: { contentBlockIndex } })
  const begin = { messageStart: { role: 'assistant' } }
  const end = (stopReason = 'end_turn') => ({ messageStop: { stopReason } })

  t.test('text', async t => {
    const chunks = translate(begin, delta(0, { text: '' }), delta(0, { text: 'Hi' }), stop(0), end(), { metadata: { usage: { inputTokens: 1, outputTokens: 2 } } })
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 }
    const frame = { ...HEAD, object: 'chat.completion.chunk' }
    t.strictSame(chunks.map(({ json }) => JSON.parse(json)), [
      { ...frame, choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }] },
      { ...frame, choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: null }] },
      { ...frame, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      { ...frame, choices: [], usage }
    ])
    t.strictSame(chunks.map(({ facts }) => facts), [
      { output: false, choices: [{ index: 0, finishReason: null }], usage: undefined },
      { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined },
      { output: false, choices: [{ index: 0, finishReason: 'stop' }], usage: undefined },
      { output: false, choices: [], usage }
    ])
  })

  t.test('chunks of text are what JSON.stringify makes of the object', async t => {
    fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' }), (content, model) => {
      const translator = new StreamTranslator({ ...HEAD, model })
      translator.translate(event(begin))
      const { id, created } = HEAD
      const json = JSON.stringify({ id, object: 'chat.completion.chunk', created, model, choices: [{ index: 0, delta: { content }, finish_reason: null }] })
      t.strictSame([translator.translate({ contentBlockDelta: { contentBlockIndex: 0, delta: { text: content } } })].flat().map(chunk => chunk.json === json), [true])
    }))
    t.strictSame(translate(begin, delta(0, { text: 5 })).length, 1, 'what is no text is none')
  })

  t.test('reasoning and its signature', async t => {
    t.strictSame(deltasOf(begin, delta(0, { reasoningContent: { text: 'Hm' } }), delta(0, { reasoningContent: { signature: 'sig' } }), stop(0), delta(1, { text: 'Yes' })), [
      { role: 'assistant', content: '' }, { reasoning_content: 'Hm' }, { reasoning_signature: 'sig' }, { content: 'Yes' }
    ])
    t.match(deltasOf(delta(0, { reasoningContent: { redactedContent: 'AQID' } })), [{ reasoning_redacted: 'AQID' }])
  })

  t.test('tool calls count from 0, and their arguments are JSON', async t => {
    t.strictSame(deltasOf(begin, delta(0, { text: 'Well' }), stop(0),
      start(1, { toolUseId: 's', name: 'search', type: 'server_tool_use' }), delta(1, { toolUse: { input: '{"q":1}' } }), stop(1),
      { contentBlockStart: { contentBlockIndex: 2, start: { toolResult: { toolUseId: 's' } } } }, delta(2, { toolResult: [{ text: 'found' }] }), stop(2),
      start(3, { toolUseId: 'a', name: 'f' }), delta(3, { toolUse: { input: '' } }), delta(3, { toolUse: { input: '{"x"' } }), delta(3, { toolUse: { input: ':1}' } }), stop(3),
      start(4, { toolUseId: 'b', name: 'g' }), stop(4),
      start(5, { toolUseId: 'c', name: 'h' }), end('tool_use')
    ), [
      { role: 'assistant', content: '' },
      { content: 'Well' },
      { tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '{"x"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ':1}' } }] },
      { tool_calls: [{ index: 1, id: 'b', type: 'function', function: { name: 'g', arguments: '' } }] },
      { tool_calls: [{ index: 1, function: { arguments: '{}' } }] },
      { tool_calls: [{ index: 2, id: 'c', type: 'function', function: { name: 'h', arguments: '' } }] },
      { tool_calls: [{ index: 2, function: { arguments: '{}' } }] },
      {}
    ])
  })

  t.test('the provider\'s own tools alone do not end in tool_calls', async t => {
    t.match(translate(start(0, { toolUseId: 's', name: 'search', type: 'server_tool_use' }), stop(0), end('tool_use')).at(-1)?.facts.choices, [{ finishReason: 'stop' }])
  })

  t.test('citations: the text, not the sources', async t => {
    t.strictSame(deltasOf(begin, delta(0, { citation: { title: 'x', sourceContent: [{ text: 'source' }] } }), delta(0, { text: 'cited' })), [{ role: 'assistant', content: '' }, { content: 'cited' }])
  })

  t.test('what nobody promised', async t => {
    t.strictSame(deltasOf(delta(0, { text: 'a' })), [{ role: 'assistant', content: 'a' }], 'the role comes first, messageStart or not')
    t.strictSame(deltasOf(begin, begin, {}, { contentBlockDelta: {} }, { contentBlockStart: {} }, delta(7, { toolUse: { input: '{}' } })), [{ role: 'assistant', content: '' }])
    t.equal(translate(begin, end(), delta(0, { text: 'late' }), end()).length, 2, 'nothing after the end')
    t.strictSame(translate({ metadata: {} }), [])
    t.equal(reasonOf(() => translate(begin, delta(0, { text: 'a' }), end('malformed_tool_use'))), 'malformed')
  })
})
