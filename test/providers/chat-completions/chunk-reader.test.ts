import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ChunkReader } from '../../../providers/chat-completions/chunk-reader.ts'
import { factsOf } from '../../../streams/chunk-facts.ts'
import type { Chunk } from '../../../streams/completion-stream.ts'
import { finish, text } from '../../support/scripted-upstream.ts'

/** What a stream's first event becomes. */
function ofEvent (data: string, type = ''): Chunk | 'end' | undefined {
  const reader = new ChunkReader([])
  const lines = data.split('\n').map(line => `data: ${line}\n`).join('')
  reader.push(Buffer.from(`${type === '' ? '' : `event: ${type}\n`}${lines}\n`))
  return reader.next()
}

t.test('a chunk is passed on as its text, byte for byte', async t => {
  const json = '{"id":"x", "choices":[{"index":0,"delta":{"content":"\\u00e9"},"finish_reason":null}],"unknown":1.0}'
  t.same(ofEvent(json), { json, facts: { output: true, choices: [{ index: 0, finishReason: null }], usage: undefined }, characters: 1 })
  t.match(ofEvent(JSON.stringify(finish('stop'))), { facts: { output: false, choices: [{ finishReason: 'stop' }] } })
  t.match(ofEvent(JSON.stringify(text('a')), 'message'), { facts: { output: true } })
})

t.test('data of several lines becomes one line', async t => {
  t.match(ofEvent('{\n"choices": [],\n"a": "b\\n"}'), { json: '{"choices":[],"a":"b\\n"}' })
})

t.test('the end, and what is nothing', async t => {
  t.equal(ofEvent('[DONE]'), 'end')
  t.equal(ofEvent(''), undefined)
})

t.test('an error inside the stream throws, by whatever shape it is known', async t => {
  for (const [data, type, reason] of [
    ['{"error":{"message":"x"}}', '', 'in_band_error'],
    ['{"error":{"message":"x","code":429}}', '', 'rate_limited'],
    ['{"error":"overloaded"}', '', 'in_band_error'],
    ['{"error":{"code":502},"choices":[{"index":0,"delta":{"content":""},"finish_reason":"error"}]}', '', 'in_band_error'],
    ['{"message":"x","code":400}', 'error', 'invalid_request'],
    ['Internal Server Error', 'error', 'in_band_error'],
    ['', 'error', 'in_band_error'],
    ['[DONE]', 'error', 'in_band_error'],
    ['[1]', 'error', 'in_band_error'],
    ['null', 'error', 'in_band_error'],
    ['{"error":{"type":"rate_limit_error","message":"x"}}', 'error', 'rate_limited'],
    ['{"type":"overloaded_error",\n"message":"x"}', 'error', 'in_band_error'],
    ['Internal Server Error', '', 'malformed'],
    ['[1]', '', 'malformed'],
    ['null', '', 'malformed'],
    ['"x"', '', 'malformed']
  ] as const) t.throws(() => ofEvent(data, type), { name: 'UpstreamError', reason }, `${type} ${data}`)
})

t.test('a field called error that is empty is none', async t => {
  for (const error of ['null', '""']) t.match(ofEvent(`{"error":${error},"choices":[{"index":0,"delta":{"content":"a"}}]}`), { facts: { output: true } }, error)
  t.match(ofEvent('{"error":"a warning","choices":[{"index":0,"delta":{"content":"a"}}]}'), { facts: { output: true } }, 'nor is a text beside choices')
})

/** Everything that comes of bytes in these pieces. */
function readAll (...pieces: readonly Buffer[]): Array<Chunk | 'end'> {
  const reader = new ChunkReader([])
  const chunks: Array<Chunk | 'end'> = []
  for (const bytes of pieces) {
    reader.push(bytes)
    for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) chunks.push(chunk)
  }
  return chunks
}

t.test('whatever text the chunks hold and wherever they are cut, they are what parsing each of them gives', async () => {
  const content = fc.oneof(fc.string(), fc.string({ unit: 'binary' }).filter(text => text.isWellFormed()), fc.constantFrom('', 'é', '"', '\\', '\n\ndata: x', '\u2028', '😀'))
  const layout = fc.constantFrom<[separator: string, comment: string]>(['\n\n', ''], ['\r\n\r\n', ''], ['\n\n', ': PROCESSING\n\n'])
  fc.assert(fc.property(fc.array(content, { maxLength: 12 }), layout, fc.array(fc.nat(), { maxLength: 8 }), fc.boolean(), (contents, [separator, comment], cuts, obfuscated) => {
    const bodies = contents.map((content, at) => ({ ...text(content), ...obfuscated ? { obfuscation: 'x'.repeat(at) } : {} }))
    const bytes = Buffer.from(bodies.map(body => `${comment}data: ${JSON.stringify(body)}${separator}`).join('') + `data: [DONE]${separator}`)
    const at = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
    const pieces = at.slice(1).map((to, piece) => bytes.subarray(at[piece], to))
    assert.deepStrictEqual(readAll(...pieces), [...bodies.map((body, at) => ({ json: JSON.stringify(body), facts: factsOf({ ...body }), characters: JSON.stringify(contents[at]).length - 2 })), 'end'])
  }), { numRuns: 300 })
})
