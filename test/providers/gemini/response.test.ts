import t from 'tap'
import fc from 'fast-check'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { ChunkTranslator } from '../../../providers/gemini/chunk-translator.ts'
import { completionOf } from '../../../providers/gemini/response.ts'
import { CompletionWriter } from '../../../streams/completion-stream.ts'
import type { Chunk, CompletionStreamOptions } from '../../../streams/completion-stream.ts'
import { EventPump } from '../../../upstream/event-pump.ts'

const context = { model: 'configured', created: 1_700_000_000, secrets: ['test-key'] }

interface CandidateJson { [field: string]: unknown }

const candidate = (parts: readonly unknown[], rest: CandidateJson = {}): CandidateJson => ({ content: { role: 'model', parts }, index: 0, ...rest })
const answer = (candidates: readonly CandidateJson[], rest: Record<string, unknown> = {}) => ({ candidates, responseId: 'resp-1', modelVersion: 'gemini-test-001', ...rest })
const usageMetadata = { promptTokenCount: 10, candidatesTokenCount: 5, thoughtsTokenCount: 3, toolUsePromptTokenCount: 2, cachedContentTokenCount: 4, totalTokenCount: 20 }
const usage = {
  prompt_tokens: 12, completion_tokens: 8, total_tokens: 20, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 3 }
}

function reasonOf (run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof UpstreamError) return error.reason
    throw error
  }
  return 'none'
}

/** Events through a translator, and what they become with the end of the stream; JSON parsed. */
function chunksOf (events: readonly unknown[]): unknown[] {
  const { translate, flush } = new ChunkTranslator(context)
  const chunks: Chunk[] = events.flatMap(event => translate(JSON.stringify(event)) ?? [])
  return [...chunks, ...flush()].map(({ json }): unknown => JSON.parse(json))
}

/** The way of a body through pump and queue; the pieces come one after the other, and the consumer keeps up. */
async function pumped (pieces: readonly Uint8Array[], options: CompletionStreamOptions = {}): Promise<{ chunks: string[], error: unknown }> {
  const writer = new CompletionWriter({ includeUsage: true, ...options })
  const { translate, flush } = new ChunkTranslator(context)
  const pump = new EventPump(writer, ({ data }) => translate(data), { pause () {}, resume () {}, abandon () {}, release () {} }, flush)
  for (const piece of pieces) pump.data(Buffer.from(piece))
  pump.end()
  const chunks: string[] = []
  try {
    for await (const chunk of writer.queue) chunks.push(chunk)
    return { chunks, error: undefined }
  } catch (error) {
    return { chunks, error }
  }
}

t.test('a whole answer', async t => {
  t.test('text, thoughts and usage', async t => {
    t.strictSame(completionOf(answer([candidate([{ text: 'Think.', thought: true }, { text: 'Hel' }, { text: 'lo' }], { finishReason: 'STOP' })], { usageMetadata }), context), {
      id: 'resp-1',
      object: 'chat.completion',
      created: 1_700_000_000,
      model: 'gemini-test-001',
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello', refusal: null, reasoning_content: 'Think.' }, finish_reason: 'stop', logprobs: null }],
      usage
    })
  })

  t.test('calls, with their ids or new ones, and signatures', async t => {
    const { choices } = completionOf(answer([candidate([
      { functionCall: { id: 'c1', name: 'weather', args: { city: 'Oslo' } }, thoughtSignature: 'c2ln' },
      { functionCall: { name: 'time' } },
      { functionCall: { name: 'time' } }
    ], { finishReason: 'STOP' })]), context)
    t.equal(choices[0]?.finish_reason, 'tool_calls')
    const calls = choices[0]?.message.tool_calls ?? []
    t.strictSame(calls[0], { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' }, extra_content: { google: { thought_signature: 'c2ln' } } })
    t.match(calls[1], { id: /^call_\w{20,}$/, function: { name: 'time', arguments: '{}' } })
    t.not(calls[1]?.id, calls[2]?.id)
  })

  t.test('what the provider ran itself, and media, are no content', async t => {
    const { choices } = completionOf(answer([candidate([
      { text: 'It is ' }, { executableCode: { language: 'PYTHON', code: 'print(2)' } }, { codeExecutionResult: { outcome: 'OUTCOME_OK', output: '2' } },
      { inlineData: { mimeType: 'image/png', data: 'aW1n' } }, {}, null, 'x', { text: null }, { text: '2.' }
    ], { finishReason: 'STOP' })]), context)
    t.equal(choices[0]?.message.content, 'It is 2.')
  })

  t.test('several candidates, and the stand-ins for what is missing', async t => {
    const completion = completionOf({ candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }, { content: { parts: [{ text: 'b' }] }, index: 1, finishReason: 'MAX_TOKENS' }] }, context)
    t.strictSame(completion.choices.map(({ index, message, finish_reason: reason }) => [index, message.content, reason]), [[0, 'a', 'stop'], [1, 'b', 'length']])
    t.match(completion, { id: /^chatcmpl-\w{20,}$/, model: 'configured' })
    t.notOk('usage' in completion)
  })

  t.test('log probabilities', async t => {
    const { choices } = completionOf(answer([candidate([{ text: 'é' }], {
      finishReason: 'STOP',
      logprobsResult: {
        chosenCandidates: [{ token: 'é', tokenId: 7, logProbability: -0.5 }, { token: 1 }],
        topCandidates: [{ candidates: [{ token: 'é', logProbability: -0.5 }, { token: 'e', logProbability: -1 }, null] }]
      }
    })]), context)
    t.strictSame(choices[0]?.logprobs, {
      content: [{ token: 'é', logprob: -0.5, bytes: [195, 169], top_logprobs: [{ token: 'é', logprob: -0.5, bytes: [195, 169] }, { token: 'e', logprob: -1, bytes: [101] }] }]
    })
  })

  t.test('failures', async t => {
    const blocked = { promptFeedback: { blockReason: 'SAFETY', blockReasonMessage: 'never quoted' } }
    t.equal(reasonOf(() => completionOf(blocked, context)), 'content_filter')
    t.throws(() => completionOf(blocked, context), { status: 400, code: 'content_filter', message: 'The provider refused the prompt by its content filter.' })
    t.equal(reasonOf(() => completionOf(answer([]), context)), 'empty')
    t.equal(reasonOf(() => completionOf(answer([candidate([{ text: 'a' }])]), context)), 'truncated')
    t.equal(reasonOf(() => completionOf({ error: { code: 429 } }, context)), 'rate_limited')
    const deep: unknown = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000))
    t.equal(reasonOf(() => completionOf(answer([candidate([{ functionCall: { name: 'f', args: { deep } } }], { finishReason: 'STOP' })]), context)), 'malformed')
    t.equal(reasonOf(() => completionOf(answer([candidate([{ functionCall: { args: {} } }], { finishReason: 'STOP' })]), context)), 'malformed')
  })
})

t.test('a stream', async t => {
  t.test('one chunk for an event; the role first, the finish reason and the usage last', async t => {
    const head = { id: 'resp-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'gemini-test-001' }
    t.strictSame(chunksOf([
      answer([candidate([])], { usageMetadata: { promptTokenCount: 10, totalTokenCount: 10 } }),
      answer([candidate([{ text: 'Think.', thought: true }], { finishReason: 'STOP' })]),
      answer([candidate([{ text: 'Hel' }], { finishReason: 'STOP' })], { responseId: 'another', modelVersion: 'another' }),
      answer([candidate([{ text: 'lo' }], { finishReason: 'STOP' })], { usageMetadata: { trafficType: 'ON_DEMAND' } }),
      answer([candidate([{ text: '' }], { finishReason: 'MAX_TOKENS' })], { usageMetadata })
    ]), [
      { ...head, choices: [{ index: 0, delta: { role: 'assistant', reasoning_content: 'Think.' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: { content: 'Hel' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: { content: 'lo' }, finish_reason: null }] },
      { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'length' }] },
      { ...head, choices: [], usage }
    ])
  })

  t.test('calls are counted for each choice', async t => {
    const call = (id: string) => ({ functionCall: { id, name: 'f', args: { id } } })
    const chunks = chunksOf([
      answer([candidate([call('a')]), candidate([call('b')], { index: 1 })]),
      answer([candidate([call('c'), call('d')])]),
      answer([candidate([{ text: '!' }], { index: 1, finishReason: 'STOP' }), candidate([], { finishReason: 'STOP' })])
    ])
    t.match(chunks, [
      { choices: [{ index: 0, delta: { role: 'assistant', tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{"id":"a"}' } }] } }, { index: 1, delta: { role: 'assistant', tool_calls: [{ index: 0, id: 'b' }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 1, id: 'c' }, { index: 2, id: 'd' }] } }] },
      { choices: [{ index: 1, delta: { content: '!' } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }, { index: 1, finish_reason: 'tool_calls' }] }
    ])
  })

  t.test('an answer without output still has a role', async t => {
    t.match(chunksOf([answer([candidate([], { finishReason: 'STOP' })])]), [{ choices: [{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'stop' }] }])
  })

  t.test('usage is known as soon as it was counted', async t => {
    const { translate } = new ChunkTranslator(context)
    t.equal(translate(JSON.stringify(answer([candidate([])], { usageMetadata }))), undefined)
    const chunk = translate(JSON.stringify(answer([candidate([{ text: 'a' }])])))
    t.strictSame(chunk?.facts, { output: true, choices: [{ index: 0, finishReason: null }], usage })
    t.notMatch(chunk?.json, /usage/)
  })

  t.test('failures', async t => {
    t.equal(reasonOf(() => chunksOf([answer([candidate([], { finishReason: 'SAFETY' })])])), 'content_filter')
    t.equal(reasonOf(() => chunksOf([answer([candidate([{ text: 'a' }])]), answer([candidate([], { finishReason: 'MALFORMED_FUNCTION_CALL' })])])), 'malformed')
    t.equal(reasonOf(() => chunksOf([{ promptFeedback: { blockReason: 'OTHER' } }])), 'content_filter')
    t.equal(reasonOf(() => chunksOf([{ error: { code: 503, status: 'UNAVAILABLE' } }])), 'in_band_error')
    t.equal(reasonOf(() => chunksOf([[]])), 'malformed')
    t.equal(reasonOf(() => new ChunkTranslator(context).translate('{"candidates":')), 'malformed')
  })

  t.test('an end without a finish reason is no end', async t => {
    const body = (events: readonly unknown[]) => [Buffer.from(events.map(event => `data: ${JSON.stringify(event)}\r\n\r\n`).join(''))]
    t.match(await pumped(body([answer([candidate([{ text: 'a' }])])])), { chunks: { length: 1 }, error: { reason: 'truncated' } })
    t.match(await pumped(body([answer([candidate([])])])), { chunks: [], error: { reason: 'empty' } })
    t.match(await pumped(body([answer([candidate([{ text: 'a' }], { finishReason: 'STOP' })])]), { choices: 2 }), { error: { reason: 'truncated' } })
  })
})

t.test('nothing that JSON can hold does more than fail in order', async () => {
  const field = (names: readonly string[], value: fc.Arbitrary<unknown>) => fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 4 })
  const part = field(['text', 'thought', 'functionCall', 'thoughtSignature', 'inlineData'], fc.oneof(fc.jsonValue({ maxDepth: 1 }), field(['id', 'name', 'args', 'mimeType', 'data'], fc.jsonValue({ maxDepth: 1 }))))
  const content = field(['parts', 'role'], fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.array(part, { maxLength: 3 })))
  const place = field(['uri', 'title', 'startIndex', 'endIndex', 'partIndex', 'pageNumber'], fc.oneof(fc.nat(9), fc.jsonValue({ maxDepth: 1 }), fc.constant('https://a.example')))
  const sources = field(['groundingChunks', 'groundingSupports', 'citationSources'], fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.array(fc.oneof(place, field(['web', 'maps', 'retrievedContext', 'segment', 'groundingChunkIndices'], fc.oneof(place, fc.array(fc.nat(2))))), { maxLength: 3 })))
  const someCandidate = field(['content', 'finishReason', 'index', 'logprobsResult', 'groundingMetadata', 'citationMetadata'], fc.oneof(fc.jsonValue({ maxDepth: 1 }), content, sources, fc.constant('STOP')))
  const someAnswer = field(
    ['candidates', 'promptFeedback', 'usageMetadata', 'responseId', 'modelVersion', 'error'],
    fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.array(someCandidate, { maxLength: 3 }), field(['promptTokenCount', 'totalTokenCount', 'code', 'details'], fc.jsonValue({ maxDepth: 2 })))
  )
  fc.assert(fc.property(fc.array(fc.oneof(someAnswer, fc.jsonValue()), { maxLength: 4 }), events => {
    reasonOf(() => chunksOf(events)) // throws what is no UpstreamError
    reasonOf(() => completionOf(events[0], context))
  }), { numRuns: 500 })
})

t.test('any cutting of a stream gives the same chunks', async t => {
  const events = [
    answer([candidate([{ text: 'Größe: ', thought: true }])]),
    answer([candidate([{ text: '二十 \u2028 🌊' }])]),
    answer([candidate([{ functionCall: { id: 'c1', name: 'f', args: { é: ['\n', '"'] } }, thoughtSignature: 'c2ln' }])]),
    answer([candidate([{ text: 'a' }], { finishReason: 'STOP' })], { usageMetadata })
  ]
  for (const lineEnd of ['\n', '\r\n', '\r']) {
    const body = Buffer.from(events.map(event => `: comment${lineEnd}data: ${JSON.stringify(event)}${lineEnd}${lineEnd}`).join(''))
    const whole = await pumped([body])
    t.equal(whole.error, undefined)
    t.equal(whole.chunks.length, 6)
    await fc.assert(fc.asyncProperty(fc.uniqueArray(fc.nat(body.length), { maxLength: 40 }), async cuts => {
      const at = [0, ...cuts.toSorted((a, b) => a - b), body.length]
      const pieces = at.slice(1).map((end, i) => body.subarray(at[i], end))
      t.strictSame(await pumped(pieces), whole)
    }), { numRuns: 60 })
    t.strictSame(await pumped(Array.from(body, byte => Uint8Array.of(byte))), whole)
  }
})

t.test('the last chunks wait for room like all others', async t => {
  const writer = new CompletionWriter({ capacity: 1, includeUsage: true })
  const { translate, flush } = new ChunkTranslator(context)
  const calls: string[] = []
  const pump = new EventPump(writer, ({ data }) => translate(data), { pause () { calls.push('pause') }, resume () { calls.push('resume') }, abandon () { calls.push('abandon') }, release () {} }, flush)
  pump.data(Buffer.from(`data: ${JSON.stringify(answer([candidate([{ text: 'a' }], { finishReason: 'STOP' })], { usageMetadata }))}\n\n`))
  pump.end()
  t.equal(writer.queue.size, 1)
  t.equal(writer.over, false)
  t.match(JSON.parse(writer.queue.poll() ?? ''), { choices: [{ delta: { content: 'a' } }] })
  t.match(JSON.parse(writer.queue.poll() ?? ''), { choices: [{ finish_reason: 'stop' }] })
  t.match(JSON.parse(writer.queue.poll() ?? ''), { choices: [], usage })
  t.strictSame(await writer.ended, { kind: 'complete' })
  t.strictSame(writer.report.usage, usage)
  t.notOk(calls.includes('resume'), 'a body that has ended is not resumed')
})
