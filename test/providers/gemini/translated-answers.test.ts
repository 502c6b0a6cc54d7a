import t from 'tap'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { ChunkTranslator } from '../../../providers/gemini/chunk-translator.ts'
import type { AnswerContext } from '../../../providers/gemini/message.ts'
import { completionOf } from '../../../providers/gemini/response.ts'

/** One test for each row of the table of answers in docs/providers.md, by the row's name: whole, and as a stream. */

const context: AnswerContext = { model: 'configured', created: 1, secrets: [] }
const deprecated: AnswerContext = { ...context, functionCall: true }

interface Fields { readonly [field: string]: unknown }

const event = (parts: readonly unknown[], fields: Fields = {}, rest: Fields = {}) => ({ candidates: [{ content: { role: 'model', parts }, index: 0, ...fields }], responseId: 'r', ...rest })
const STOP = { finishReason: 'STOP' }

/** The first choice of a whole answer; or what it fails with. */
function whole (parts: readonly unknown[], fields: Fields = STOP, { rest = {}, as = context }: { rest?: Fields, as?: AnswerContext } = {}): { message: Fields, reason: unknown, usage: unknown } {
  try {
    const { choices: [choice], usage } = completionOf(event(parts, fields, rest), as)
    return { message: { ...choice?.message }, reason: choice?.finish_reason, usage }
  } catch (error) {
    if (error instanceof UpstreamError) return { message: {}, reason: `${error.reason} ${error.status ?? ''}`.trim(), usage: undefined }
    throw error
  }
}

/** The deltas of the first choice, without role, and its finish reason; or what it fails with. */
function streamed (events: readonly unknown[], as = context): { deltas: Fields[], reason: unknown, outputs: boolean[] } {
  const { translate, flush } = new ChunkTranslator(as)
  const deltas: Fields[] = []
  const outputs: boolean[] = []
  let reason: unknown = null
  try {
    for (const chunk of [...events.map(event => translate(JSON.stringify(event))), ...flush()]) {
      if (chunk === undefined) continue
      const [choice] = JSON.parse(chunk.json).choices
      if (choice === undefined) continue
      const { role, ...delta } = choice.delta
      reason = choice.finish_reason ?? reason
      if (choice.finish_reason !== null) continue
      deltas.push(delta)
      outputs.push(chunk.facts.output)
    }
    return { deltas, reason, outputs }
  } catch (error) {
    if (error instanceof UpstreamError) return { deltas, reason: `${error.reason} ${error.status ?? ''}`.trim(), outputs }
    throw error
  }
}

const text = (words: string, extra: Fields = {}) => ({ text: words, ...extra })
const functionCall = (name: string, extra: Fields = {}) => ({ functionCall: { id: name, name, args: { x: 1 } }, ...extra })
const signed = (signature: string) => ({ extra_content: { google: { thought_signature: signature } } })

/** What a finish reason becomes: after text, after a call, and with nothing before it; streamed the same as whole. */
function endings (finishReason: string): unknown[] {
  return [[text('a')], [functionCall('f')], []].map(parts => {
    const { reason } = whole(parts, { finishReason })
    const stream = streamed([event(parts), event([], { finishReason })]).reason
    return reason === stream ? reason : [reason, stream]
  })
}

t.test('`stop`', async t => {
  t.strictSame([endings('STOP')[0], endings('STOP')[2]], ['stop', 'stop'])
})

t.test('`tool_calls`', async t => {
  t.equal(endings('STOP')[1], 'tool_calls')
})

t.test('`function_call`', async t => {
  t.equal(whole([functionCall('f')], STOP, { as: deprecated }).reason, 'function_call')
  t.equal(streamed([event([functionCall('f')], STOP)], deprecated).reason, 'function_call')
})

t.test('`length`', async t => {
  t.strictSame(endings('MAX_TOKENS'), ['length', 'length', 'length'])
})

t.test('`content_filter`', async t => {
  for (const reason of ['SAFETY', 'RECITATION', 'LANGUAGE', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION']) {
    t.strictSame(endings(reason), ['content_filter', 'content_filter', 'content_filter 400'], reason)
  }
  for (const reason of ['OTHER', 'IMAGE_OTHER', 'NOT_KNOWN_YET']) t.strictSame(endings(reason), ['content_filter', 'tool_calls', 'empty'], reason)
})

t.test('a refused prompt', async t => {
  for (const blockReason of ['SAFETY', 'OTHER', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'IMAGE_SAFETY', 'MODEL_ARMOR', 'JAILBREAK', 'NOT_KNOWN_YET']) {
    const answer = { promptFeedback: { blockReason } }
    t.throws(() => completionOf(answer, context), { reason: 'content_filter', status: 400, code: 'content_filter' })
    t.equal(streamed([answer]).reason, 'content_filter 400', blockReason)
  }
  t.equal(whole([text('a')], STOP, { rest: { promptFeedback: { blockReason: 'BLOCKED_REASON_UNSPECIFIED' } } }).reason, 'stop')
})

t.test('a failure', async t => {
  for (const reason of ['MALFORMED_FUNCTION_CALL', 'MALFORMED_RESPONSE', 'UNEXPECTED_TOOL_CALL', 'TOO_MANY_TOOL_CALLS', 'MISSING_THOUGHT_SIGNATURE', 'NO_IMAGE']) {
    t.strictSame(endings(reason), ['malformed', 'malformed', 'malformed'], reason)
  }
  t.equal(whole([text('a')], { finishReason: 'FINISH_REASON_UNSPECIFIED' }).reason, 'truncated')
  t.equal(streamed([event([text('a')], { finishReason: 'FINISH_REASON_UNSPECIFIED' })]).reason, null)
})

t.test('reasoning', async t => {
  const parts = [text('Hm.', { thought: true }), text('Yes.')]
  t.match(whole(parts).message, { content: 'Yes.', reasoning_content: 'Hm.' })
  t.strictSame(streamed([event(parts.slice(0, 1)), event(parts.slice(1), STOP)]).deltas, [{ reasoning_content: 'Hm.' }, { content: 'Yes.' }])
})

t.test('to be sent back on the next turn', async t => {
  t.match(whole([text('Hm.', { thought: true }), text('Yes.', { thoughtSignature: 'c2ln' })]).message, signed('c2ln'))
  t.match(whole([functionCall('f', { thoughtSignature: 'c2ln' }), functionCall('g')]).message, { tool_calls: [signed('c2ln'), {}], extra_content: undefined })
  t.match(whole([functionCall('f', { thoughtSignature: 'c2ln' })], STOP, { as: deprecated }).message, { function_call: { name: 'f', arguments: '{"x":1}', ...signed('c2ln') } })
  const { deltas, outputs } = streamed([event([text('Yes.')]), event([text('', { thoughtSignature: 'c2ln' })], STOP)])
  t.strictSame(deltas, [{ content: 'Yes.' }, signed('c2ln')])
  t.strictSame(outputs, [true, false], 'it is no output')
  t.strictSame(streamed([event([text('Yes.', { thoughtSignature: 'c2ln' })], STOP)]).deltas, [{ ...signed('c2ln'), content: 'Yes.' }])
})

t.test('parallel calls', async t => {
  t.match(whole([functionCall('f'), functionCall('g')]).message['tool_calls'], [{ id: 'f', function: { arguments: '{"x":1}' } }, { id: 'g' }])
  t.match(streamed([event([functionCall('f')]), event([functionCall('g')], STOP)]).deltas, [{ tool_calls: [{ index: 0, id: 'f' }] }, { tool_calls: [{ index: 1, id: 'g' }] }])
  t.match(whole([functionCall('f'), functionCall('g')], STOP, { as: deprecated }).message, { function_call: { name: 'f' }, tool_calls: undefined })
  t.strictSame(streamed([event([functionCall('f')]), event([functionCall('g')], STOP)], deprecated).deltas, [{ function_call: { name: 'f', arguments: '{"x":1}' } }, {}])
})

t.test('images', async t => {
  const image = { inlineData: { mimeType: 'image/png', data: 'aW1n' } }
  const images = [{ type: 'image_url', image_url: { url: 'data:image/png;base64,aW1n' } }]
  t.match(whole([text('Here.'), image, { ...image, thought: true }]).message, { content: 'Here.', images })
  t.strictSame(whole([{ ...image, thoughtSignature: 'c2ln' }]).message['images'], [{ ...images[0], ...signed('c2ln') }])
  t.strictSame(streamed([event([text('Here.')]), event([image], STOP)]), { deltas: [{ content: 'Here.' }, { images }], reason: 'stop', outputs: [true, true] })
})

t.test('citations', async t => {
  const grounding = {
    groundingChunks: [{ web: { uri: 'https://a.example', title: 'A' } }, { maps: { uri: 'https://b.example' } }, { retrievedContext: { title: 'doc.pdf', text: 'Words.', pageNumber: 3 } }, { retrievedContext: { uri: 'https://c.example', title: 'C' } }, { unknown: {} }],
    groundingSupports: [{ segment: { endIndex: 7, text: 'Größe' }, groundingChunkIndices: [0, 4, 99] }, { segment: { startIndex: 8, endIndex: 14 }, groundingChunkIndices: [1, 2, 3] }, { groundingChunkIndices: [] }, 5]
  }
  const cited = { citationSources: [{ startIndex: 8, endIndex: 11, uri: 'https://d.example', license: 'mit' }, { title: 'A book', endIndex: 7 }, {}] }
  const at = (start: number, end: number) => ({ start_index: start, end_index: end })
  const url = (url: string, title: string, place: object) => ({ type: 'url_citation', url_citation: { url, title, ...place } })
  const annotations = [
    url('https://a.example', 'A', at(0, 5)),
    url('https://b.example', 'https://b.example', at(6, 8)),
    { type: 'document_citation', document_citation: { title: 'doc.pdf', start: 3, end: 3, unit: 'page', cited_text: 'Words.', ...at(6, 8) } },
    url('https://c.example', 'C', at(6, 8)),
    url('https://d.example', 'https://d.example', at(6, 7)),
    { type: 'document_citation', document_citation: { title: 'A book', ...at(0, 5) } }
  ]
  const fields = { ...STOP, groundingMetadata: grounding, citationMetadata: cited }
  t.strictSame(whole([text('Größe 二十.')], fields).message['annotations'], annotations)

  t.test('come before the finish reason, and once', async t => {
    const { deltas, reason } = streamed([event([text('Grö')]), event([text('ße ')], { groundingMetadata: grounding }), event([text('二十.')]), event([], fields)])
    t.strictSame(deltas, [{ content: 'Grö' }, { content: 'ße ' }, { content: '二十.' }, { annotations }])
    t.equal(reason, 'stop')
  })

  t.test('count in the part that they name', async t => {
    const inPart = (partIndex: number) => ({ ...STOP, groundingMetadata: { groundingChunks: grounding.groundingChunks.slice(0, 1), groundingSupports: [{ segment: { partIndex, startIndex: 0, endIndex: 1 }, groundingChunkIndices: [0] }] } })
    t.strictSame(whole([text('Hm', { thought: true }), text('é'), text('b')], inPart(2)).message['annotations'], [url('https://a.example', 'A', at(1, 2))])
    t.strictSame(streamed([event([text('Hm', { thought: true })]), event([text('a')]), event([text('b')]), event([functionCall('f'), text('c')], inPart(3))]).deltas.at(-1), { annotations: [url('https://a.example', 'A', at(2, 3))] })
  })

  t.test('of the whole answer, where none is of a piece of it', async t => {
    const groundingMetadata = { groundingChunks: grounding.groundingChunks.slice(0, 1) }
    t.strictSame(whole([text('Größe')], { ...STOP, groundingMetadata }).message['annotations'], [url('https://a.example', 'A', at(0, 5))])
  })

  t.test('without end are no answer', async t => {
    const citationMetadata = (i: number) => ({ citationSources: [{ uri: `https://example.com/${i}/${'x'.repeat(1024 * 1024)}` }] })
    t.equal(streamed([event([text('a')]), ...[1, 2, 3, 4, 5].map(i => event([], { citationMetadata: citationMetadata(i) })), event([], STOP)]).reason, 'malformed')
  })
})

t.test('`prompt_tokens`', async t => {
  const usageMetadata = {
    promptTokenCount: 10, toolUsePromptTokenCount: 2, cachedContentTokenCount: 4, totalTokenCount: 12, promptTokensDetails: [{ modality: 'TEXT', tokenCount: 5 }, { modality: 'AUDIO', tokenCount: 3 }, { modality: 'IMAGE', tokenCount: 2 }], toolUsePromptTokensDetails: [{ modality: 'AUDIO', tokenCount: 1 }]
  }
  t.strictSame(whole([text('a')], STOP, { rest: { usageMetadata } }).usage, { prompt_tokens: 12, completion_tokens: 0, total_tokens: 12, prompt_tokens_details: { cached_tokens: 4, audio_tokens: 4, image_tokens: 2 } })
})

t.test('`completion_tokens`', async t => {
  const usageMetadata = { promptTokenCount: 1, candidatesTokenCount: 5, thoughtsTokenCount: 3, totalTokenCount: 9, candidatesTokensDetails: [{ modality: 'IMAGE', tokenCount: 4 }, { modality: 'AUDIO' }, null] }
  t.strictSame(whole([text('a')], STOP, { rest: { usageMetadata } }).usage, { prompt_tokens: 1, completion_tokens: 8, total_tokens: 9, completion_tokens_details: { reasoning_tokens: 3, image_tokens: 4 } })
})

t.test('what the provider ran itself (code, searches)', async t => {
  const parts = [text('It is '), { executableCode: { code: 'print(2)' } }, { codeExecutionResult: { output: '2' } }, { toolCall: {} }, { toolResponse: {} }, { inlineData: { mimeType: 'audio/L16', data: 'cGNt' } }, text('2.')]
  t.equal(whole(parts).message['content'], 'It is 2.')
  t.strictSame(streamed([event(parts, STOP)]).deltas, [{ content: 'It is 2.' }])
})
