import fc from 'fast-check'
import t from 'tap'
import { completionOf } from '../../../providers/bedrock/response.ts'
import { StreamTranslator } from '../../../providers/bedrock/stream-translator.ts'
import type { AnswerBlock, Citation, ConverseEvent } from '../../../providers/bedrock/wire.ts'

const HEAD = { id: 'a', created: 1, model: 'm' }
const cited = (text: string, ...citations: Citation[]): AnswerBlock => ({ citationsContent: { content: [{ text }], citations } })
const messageOf = (content: AnswerBlock[]) => JSON.parse(completionOf({ output: { message: { role: 'assistant', content } }, stopReason: 'end_turn' }, HEAD).json).choices[0].message
const document = (start: number, end: number, rest: object = {}) => ({ type: 'document_citation', document_citation: { ...rest, start_index: start, end_index: end } })
const web = (start: number, end: number, rest: object) => ({ type: 'url_citation', url_citation: { ...rest, start_index: start, end_index: end } })

t.test('every kind of location', async t => {
  for (const [citation, annotation] of [
    [{ title: 'Alps', sourceContent: [{ text: 'A peak' }, { text: ' is high' }], location: { documentChar: { documentIndex: 0, start: 5, end: 19 } } }, document(0, 1, { title: 'Alps', document_index: 0, start: 5, end: 19, unit: 'char', cited_text: 'A peak is high' })],
    [{ title: 'Alps', location: { documentPage: { documentIndex: 1, start: 1, end: 2 } } }, document(0, 1, { title: 'Alps', document_index: 1, start: 1, end: 2, unit: 'page' })],
    [{ location: { documentChunk: { documentIndex: 2, start: 3, end: 4 } } }, document(0, 1, { document_index: 2, start: 3, end: 4, unit: 'chunk' })],
    [{ title: 'Result', source: 'kb-1', location: { searchResultLocation: { searchResultIndex: 3, start: 0, end: 1 } } }, document(0, 1, { title: 'Result', document_index: 3, start: 0, end: 1, unit: 'chunk' })],
    [{ title: 'Result', source: 'https://example.com/r', location: { searchResultLocation: { searchResultIndex: 3 } } }, web(0, 1, { url: 'https://example.com/r', title: 'Result' })],
    [{ location: { web: { url: 'https://example.com/a', domain: 'example.com' } } }, web(0, 1, { url: 'https://example.com/a', title: 'example.com' })],
    [{ title: 'A', location: { web: { url: 'https://example.com/a' } } }, web(0, 1, { url: 'https://example.com/a', title: 'A' })],
    [{ source: 'kb-1' }, document(0, 1, { title: 'kb-1' })],
    [{}, document(0, 1)]
  ] satisfies [Citation, object][]) t.strictSame(messageOf([cited('x', citation)]).annotations, [annotation], JSON.stringify(citation))
})

t.test('a whole answer: text is text, and the indexes are those of the content', async t => {
  t.strictSame(messageOf([{ text: '👋 ' }, cited('cited', { title: 'a' }, { title: 'b' }), { text: ' and ' }, cited('more', { title: 'c' })]), {
    role: 'assistant',
    content: '👋 cited and more',
    annotations: [document(3, 8, { title: 'a' }), document(3, 8, { title: 'b' }), document(13, 17, { title: 'c' })]
  })
})

t.test('a stream: at the end of each block', async t => {
  const delta = (contentBlockIndex: number, delta: object): ConverseEvent => ({ contentBlockDelta: { contentBlockIndex, delta } })
  const stop = (contentBlockIndex: number): ConverseEvent => ({ contentBlockStop: { contentBlockIndex } })
  const events = [
    delta(0, { text: 'A ' }), stop(0), delta(1, { citation: { title: 'x' } }), delta(1, { text: 'ci' }), delta(1, { text: 'ted' }), stop(1), delta(2, { text: '.' }), stop(2),
    delta(3, { text: 'B' }), delta(3, { citation: { title: 'y' } }), { messageStop: { stopReason: 'end_turn' } }
  ]
  const translator = new StreamTranslator(HEAD, { citations: true })
  const chunks = events.flatMap(event => translator.translate(event))
  t.strictSame(chunks.map(({ json }) => JSON.parse(json).choices[0].delta).slice(1), [
    { content: 'ci' }, { content: 'ted' }, { annotations: [document(2, 7, { title: 'x' })] }, { content: '.' }, { content: 'B' }, { annotations: [document(8, 9, { title: 'y' })] }, {}
  ])
  t.equal(chunks[3]?.facts.output, false)
})

t.test('a stream of a request that asks for none: text alone', async t => {
  const translator = new StreamTranslator(HEAD)
  const chunks = [{ contentBlockDelta: { delta: { citation: { title: 'x' } } } }, { contentBlockDelta: { delta: { text: 'cited' } } }, { contentBlockStop: {} }].flatMap(event => translator.translate(event))
  t.strictSame(chunks.map(({ json }) => JSON.parse(json).choices[0].delta), [{ role: 'assistant', content: 'cited' }])
})

t.test('streamed and whole, the same text has the same indexes', async () => {
  const piece = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\u0000', 'ü', '\u2028', '👋', '\ud800'), minLength: 1, maxLength: 6 })
  fc.assert(fc.property(fc.array(fc.array(piece, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 }), fc.boolean(), (blocks, copied) => {
    const translator = new StreamTranslator(HEAD, { citations: true })
    const chunks = blocks.flatMap((pieces, contentBlockIndex) => [
      ...pieces.flatMap(text => copied ? translator.translateText(JSON.stringify(text)) : translator.translate({ contentBlockDelta: { contentBlockIndex, delta: { text } } })),
      ...[{ contentBlockDelta: { contentBlockIndex, delta: { citation: {} } } }, { contentBlockStop: { contentBlockIndex } }].flatMap(event => translator.translate(event))
    ])
    const annotations = chunks.flatMap(({ json }) => JSON.parse(json).choices[0].delta.annotations ?? [])
    return JSON.stringify(annotations) === JSON.stringify(messageOf(blocks.map(pieces => cited(pieces.join(''), {}))).annotations)
  }))
})
