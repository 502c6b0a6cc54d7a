import { StopReason } from '@aws-sdk/client-bedrock-runtime'
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

  t.test('what nobody promised', async t => {
    t.strictSame(messageOf([null, { text: 5 }, { video: {} }, { text: 'a' }]), { role: 'assistant', content: 'a' })
    t.equal(reasonOf(() => completionOf(answer({}), HEAD)), 'empty')
    t.equal(reasonOf(() => completionOf(answer({ output: { message: { content: 'text' } } }), HEAD)), 'empty')
    t.equal(completionOf(answer({ output: { message: { content: [{ text: 'a' }] } } }), HEAD).finishReason, null)
    t.equal(whole([]).finishReason, 'stop', 'nothing to say, and said so')
  })
})

t.test('finish reasons: every one that the SDK knows', async t => {
  const decided: Record<StopReason, string> = {
    end_turn: 'stop',
    stop_sequence: 'stop',
    tool_use: 'stop', // of the provider's own tools
    max_tokens: 'length',
    model_context_window_exceeded: 'length',
    guardrail_intervened: 'content_filter',
    content_filtered: 'content_filter',
    malformed_model_output: 'malformed',
    malformed_tool_use: 'malformed'
  }
  t.strictSame(Object.keys(decided).sort(), Object.values(StopReason).sort())
  for (const [stopReason, expected] of Object.entries(decided)) {
    if (expected === 'malformed') t.equal(reasonOf(() => finishReasonOf(stopReason, { calls: true })), expected, stopReason)
    else t.equal(finishReasonOf(stopReason, { calls: false }), expected, stopReason)
  }
  t.equal(finishReasonOf('tool_use', { calls: true }), 'tool_calls')
  t.equal(finishReasonOf('not_known_today', { calls: false }), 'stop')
})

t.test('a guardrail\'s verdict: content_filter, with its words and without its trace', async t => {
  const trace = { guardrail: { inputAssessment: { g: { wordPolicy: { customWords: [{ match: 'the prompt', action: 'BLOCKED' }] } } }, modelOutput: ['what was blocked'] } }
  const { json, finishReason } = completionOf(answer({ output: { message: { role: 'assistant', content: [{ text: 'I may not say.' }] } }, stopReason: 'guardrail_intervened', trace }), HEAD)
  t.equal(finishReason, 'content_filter')
  t.match(JSON.parse(json).choices[0], { message: { content: 'I may not say.' }, finish_reason: 'content_filter' })
  const translator = new StreamTranslator(HEAD)
  const chunks = [
    { contentBlockDelta: { contentBlockIndex: 0, delta: { text: 'I may not say.' } } }, { messageStop: { stopReason: 'guardrail_intervened' } }, { metadata: { usage: { inputTokens: 1, outputTokens: 2 }, trace } }
  ].flatMap(item => translator.translate(event(item))).map(chunk => chunk.json)
  t.equal(JSON.parse(chunks[1] ?? '').choices[0].finish_reason, 'content_filter')
  for (const text of [json, ...chunks]) t.notMatch(text, /the prompt|what was blocked|trace/)
})

t.test('usage: what was read from a cache and written to it is part of the prompt', async t => {
  t.strictSame(usageOf({ inputTokens: 1, outputTokens: 2, totalTokens: 3, cacheReadInputTokens: 10, cacheWriteInputTokens: 100 }),
    { prompt_tokens: 111, completion_tokens: 2, total_tokens: 113, prompt_tokens_details: { cached_tokens: 10, cache_write_tokens: 100 } })
  t.equal(usageOf(undefined), undefined)
  t.equal(usageOf({}), undefined)
  t.strictSame(usageOf(JSON.parse('{"inputTokens":1,"outputTokens":"2","cacheReadInputTokens":null}')), { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 })
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

  t.test('what nobody promised', async t => {
    t.strictSame(deltasOf(delta(0, { text: 'a' })), [{ role: 'assistant', content: 'a' }], 'the role comes first, messageStart or not')
    t.strictSame(deltasOf(begin, begin, {}, { contentBlockDelta: {} }, { contentBlockStart: {} }, delta(7, { toolUse: { input: '{}' } })), [{ role: 'assistant', content: '' }])
    t.equal(translate(begin, end(), delta(0, { text: 'late' }), end()).length, 2, 'nothing after the end')
    t.strictSame(translate({ metadata: {} }), [])
    t.equal(reasonOf(() => translate(begin, delta(0, { text: 'a' }), end('malformed_tool_use'))), 'malformed')
  })
})
