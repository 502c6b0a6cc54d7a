/**
 * What comes under 200 where a stream was asked for: a whole answer, of a server that does not know `stream`, an error, a
 * page, or nothing.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { ChunkReader } from '../../../providers/chat-completions/chunk-reader.ts'
import { kindOf } from '../../../providers/chat-completions/whole-answer.ts'
import type { JsonObject } from '../../../schemas/json-object.ts'
import type { Chunk } from '../../../streams/completion-stream.ts'
import { completion, CUT, scriptedUpstream, status, streaming, text } from '../../support/scripted-upstream.ts'
import { azureTargets, REQUEST, streamFrom } from '../azure/targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)
const [target] = targets
if (target === undefined) throw new Error('no target')

const CALLS = [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{}' } }, { id: 'call_2', type: 'function', function: { name: 'g', arguments: '' } }]
const ANSWER: JsonObject = {
  ...completion('Hello 😀'),
  system_fingerprint: 'fp',
  choices: [
    { index: 0, message: { role: 'assistant', content: 'Hello 😀', refusal: null }, logprobs: null, content_filter_results: { hate: { filtered: false } }, finish_reason: 'stop' },
    { index: 1, message: { role: 'assistant', content: null, tool_calls: CALLS }, finish_reason: 'tool_calls' }
  ]
}

t.test('a whole answer becomes the stream that says the same', async t => {
  const request = { ...REQUEST, n: 2, stream_options: { include_usage: true } }
  for (const type of ['application/json', 'text/event-stream']) {
    for (const json of [JSON.stringify(ANSWER), JSON.stringify(ANSWER, undefined, 2), `\uFEFF\r\n ${JSON.stringify(ANSWER)}\n`]) {
      const { chunks, end, report } = await streamFrom(target, upstream, status(200, json, { 'content-type': type }), request)
      t.same(end, { kind: 'complete' })
      t.match(report, { finishReason: 'stop', usage: { total_tokens: 8 } })
      const head = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'scripted', system_fingerprint: 'fp' }
      t.same(chunks.map(chunk => JSON.parse(chunk)), [
        { ...head, choices: [{ index: 0, delta: { role: 'assistant', content: 'Hello 😀', refusal: null }, logprobs: null, content_filter_results: { hate: { filtered: false } }, finish_reason: null }] },
        { ...head, choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
        { ...head, choices: [{ index: 1, delta: { role: 'assistant', content: null, tool_calls: CALLS.map((call, index) => ({ index, ...call })) }, finish_reason: null }] },
        { ...head, choices: [{ index: 1, delta: {}, finish_reason: 'tool_calls' }] },
        { ...head, choices: [], usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }
      ])
    }
  }
})

t.test('the usage goes to who asked for it, and a single chunk is one', async t => {
  const { chunks, end } = await streamFrom(target, upstream, status(200, completion('Hi')))
  t.match([chunks.length, end], [2, { kind: 'complete' }])
  const alone = await streamFrom(target, upstream, status(200, { ...text('Hi'), choices: [{ index: 0, delta: { content: 'Hi' }, finish_reason: 'stop' }] }))
  t.match([alone.chunks.length, alone.end], [2, { kind: 'complete' }])
})

t.test('an error, and what is no answer, fail by what they are, and say nothing of it', async t => {
  for (const [body, error] of [
    [{ error: { message: 'secret', type: 'server_error' } }, { reason: 'in_band_error', class: 'failure' }],
    [{ error: { message: 'slow down', code: 429 } }, { reason: 'rate_limited', class: 'cooldown' }],
    [{ error: 'secret' }, { reason: 'in_band_error' }],
    [{ object: 'error', message: 'secret', code: 500 }, { reason: 'in_band_error' }],
    [{ error: { message: 'Too long.', code: 'context_length_exceeded', param: 'messages' } }, { reason: 'invalid_request', class: 'neutral', param: 'messages' }],
    [{ choices: [{ index: 0, message: { content: 'half' }, finish_reason: 'error' }] }, { reason: 'in_band_error' }],
    [{ choices: [] }, { reason: 'empty', class: 'failure' }],
    [{}, { reason: 'empty' }],
    ['[1]', { reason: 'malformed', class: 'failure' }],
    ['{"choices":[', { reason: 'malformed' }],
    ['{"a":1}{"a":2}', { reason: 'malformed' }],
    ['<!doctype html><p>secret', { reason: 'malformed', class: 'failure' }],
    ['\n<html>secret</html>', { reason: 'malformed' }],
    ['', { reason: 'empty', class: 'failure' }],
    ['\n\n', { reason: 'empty' }],
    ['secret', { reason: 'empty' }]
  ] as const) {
    const { chunks, end } = await streamFrom(target, upstream, status(200, body, { 'content-type': 'application/json' }))
    t.match([chunks, end], [[], { kind: 'failed', error }])
    t.notMatch(end.kind === 'failed' ? end.error.message : '', /secret/)
  }
})

t.test('a message without a finish reason may have been cut', async t => {
  const { end } = await streamFrom(target, upstream, status(200, { ...completion('Hi'), choices: [{ index: 0, message: { content: 'Hi' } }] }))
  t.match(end, { kind: 'failed', error: { reason: 'truncated' } })
})

t.test('one that breaks in the middle is none', async t => {
  const { chunks, end } = await streamFrom(target, upstream, streaming(JSON.stringify(ANSWER).slice(0, 100), CUT))
  t.match([chunks, end], [[], { kind: 'failed', error: { reason: 'reset', class: 'failure' } }])
})

t.test('a page without end is left at its beginning', async t => {
  const { end } = await streamFrom(target, upstream, streaming('<html>', new Promise(() => {})))
  t.match(end, { kind: 'failed', error: { reason: 'malformed' } })
  t.equal(await upstream.requests.at(-1)?.closed, 'aborted')
})

t.test('an answer without end is left at its limit', async t => {
  const { end } = await streamFrom(target, upstream, async response => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('{"choices":[{"message":{"content":"')
    while (!response.destroyed) await new Promise(resolve => { response.write('x'.repeat(1024 * 1024), resolve) })
  })
  t.match(end, { kind: 'failed', error: { reason: 'malformed', class: 'failure' } })
})

/** All that a reader makes of these pieces of a body. */
function readAll (pieces: readonly Uint8Array[]): unknown {
  const reader = new ChunkReader([])
  const chunks: Array<Chunk | 'end'> = []
  try {
    for (const piece of pieces) {
      reader.push(Buffer.from(piece))
      for (let chunk = reader.next(); chunk !== undefined; chunk = reader.next()) chunks.push(chunk)
    }
    return [...chunks, ...reader.flush()]
  } catch (error) {
    return error instanceof Error ? [...chunks, error.message] : error
  }
}

t.test('wherever a body is cut, it is the same', async () => {
  const body = fc.oneof(
    fc.constant(JSON.stringify(ANSWER)), fc.constant(JSON.stringify(ANSWER, undefined, 1)), fc.constant(`data: ${JSON.stringify(text('é😀'))}\n\ndata: [DONE]\n\n`),
    fc.jsonValue().map(value => JSON.stringify(value)), fc.constantFrom('<p>é</p>', '', ': x\n\n', '{', 'event: error\ndata: no\n\n'))
  const before = fc.string({ unit: fc.constantFrom(' ', '\n', '\r\n', '\t'), maxLength: 3 })
  fc.assert(fc.property(fc.boolean(), before, body, (bom, before, body) => {
    // White space before an event's field would make it another one; JSON does not mind.
    const bytes = Buffer.from(`${bom ? '\uFEFF' : ''}${/^[a-z:]/.test(body) ? '' : before}${body}`)
    const expected = readAll([bytes])
    for (let at = 0; at <= bytes.length; at++) assert.deepEqual(readAll([bytes.subarray(0, at), bytes.subarray(at)]), expected, `cut at ${at}`)
    assert.deepEqual(readAll(Array.from(bytes, byte => Uint8Array.of(byte))), expected)
  }), { numRuns: 60 })
})

t.test('what a body begins with', async t => {
  for (const [text, kind] of [['data: x', 'events'], [':', 'events'], ['{', 'json'], [' \r\n\t[', 'json'], ['\uFEFF{', 'json'], ['<', 'markup'], ['', 'blank'], ['\uFEFF\n', 'blank'], ['é', 'events']] as const) {
    t.equal(kindOf(Buffer.from(text)), kind, JSON.stringify(text))
  }
})
