/**
 * Streams that never come to an end of something fail cleanly, at a limit, as the provider's failure; and streams that are
 * only unusual do not.
 */
import t from 'tap'
import type { ServerResponse } from 'node:http'
import { DONE, finish, scriptedUpstream, streaming, text } from '../../support/scripted-upstream.ts'
import type { Script } from '../../support/scripted-upstream.ts'
import { azureTargets, streamFrom } from '../azure/targets.ts'

const upstream = await scriptedUpstream(t)
const [target] = await azureTargets(t, upstream)
if (target === undefined) throw new Error('no target')

const KIB_64 = 'x'.repeat(64 * 1024)
const written = async (response: ServerResponse, piece: string) => { await new Promise(resolve => { response.write(piece, resolve) }) }

/** A beginning, and then the same again and again, until the gateway has had enough. */
function endless (beginning: string, piece: string): Script {
  return async response => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(beginning)
    while (!response.destroyed) await written(response, piece)
  }
}

for (const [title, beginning, piece] of [
  ['a line without end', 'data: {"a":"', KIB_64],
  ['an event of lines without end', '', `data: ${KIB_64}\n`],
  ['a comment without end', ': ', KIB_64],
  ['a field without end', 'event: ', KIB_64],
  ['a field of an unknown name without end', 'foo', KIB_64],
  ['lines that end in CR, without end', 'data: x\r', `data: ${KIB_64}\r`]
] as const) {
  t.test(`${title} is left at the limit`, async t => {
    const { chunks, end } = await streamFrom(target, upstream, endless(beginning, piece))
    t.match([chunks, end], [[], { kind: 'failed', error: { reason: 'malformed', class: 'failure', message: 'An event of the provider is larger than the gateway accepts.' } }])
    t.equal(await upstream.requests.at(-1)?.closed, 'aborted')
  })
}

t.test('after output as well: what came before is delivered', async t => {
  const { chunks, end } = await streamFrom(target, upstream, endless(`data: ${JSON.stringify(text('Hi'))}\n\ndata: `, KIB_64))
  t.match([chunks.length, end], [1, { kind: 'failed', error: { reason: 'malformed' } }])
})

t.test('comments, however many, are no output and no harm', async t => {
  const comments = Array<string>(200).fill(`: ${KIB_64}\n\n`)
  const { chunks, end } = await streamFrom(target, upstream, streaming(...comments, text('Hi'), ...comments, finish('stop'), DONE))
  t.match([chunks.length, end], [2, { kind: 'complete' }])
})

const FRAMES: ReadonlyArray<readonly [title: string, write: (data: string) => string]> = [
  ['LF', data => `data: ${data}\n\n`],
  ['CRLF', data => `data: ${data}\r\n\r\n`],
  ['CR', data => `data: ${data}\r\r`],
  ['no space after the colon', data => `data:${data}\n\n`],
  ['names, ids and times', data => `event: chunk\nid: a\u0000b\nretry: 5\nfoo: bar\ndata: ${data}\n\n`],
  ['a comment before each', data => `: keep-alive\n\ndata: ${data}\n\n`],
  ['data of several lines', data => `${data.split(/(?<=[,{])/).map(line => `data: ${line}\n`).join('')}\n`]
]

for (const [title, write] of FRAMES) {
  t.test(`a stream with ${title}, in pieces of three bytes, with a byte order mark`, async t => {
    const bodies = [text('Grüße €'), text('😀 "\\\n'), finish('stop')]
    const bytes = Buffer.from(`\uFEFF${bodies.map(body => write(JSON.stringify(body))).join('')}${write('[DONE]')}`)
    const pieces = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, at) => bytes.subarray(3 * at, 3 * at + 3))
    const { chunks, end } = await streamFrom(target, upstream, streaming(...pieces))
    t.same(chunks.map(chunk => JSON.parse(chunk)), bodies)
    t.same(end, { kind: 'complete' })
  })
}

t.test('an event that the stream leaves unclosed is dropped: the answer is truncated', async t => {
  const { end } = await streamFrom(target, upstream, streaming(text('Hi'), `data: ${JSON.stringify(finish('stop'))}\n`))
  t.match(end, { kind: 'failed', error: { reason: 'truncated', class: 'failure' } })
})

for (const [title, data, error] of [
  ['an object', '{"type":"overloaded_error","message":"secret"}', { reason: 'in_band_error', class: 'failure' }],
  ['an error object', '{"error":{"message":"secret","code":429}}', { reason: 'rate_limited', class: 'cooldown' }],
  ['text', 'secret', { reason: 'in_band_error', class: 'failure' }],
  ['a list', '["secret"]', { reason: 'in_band_error' }],
  ['nothing', '', { reason: 'in_band_error' }]
] as const) {
  t.test(`an event that is called error, with ${title}, is one, after output too`, async t => {
    for (const before of [[], [text('Hi')]]) {
      const { chunks, end } = await streamFrom(target, upstream, streaming(...before, `event: error\ndata: ${data}\n\n`, DONE))
      t.match([chunks.length, end], [before.length, { kind: 'failed', error }])
      t.notMatch(end.kind === 'failed' ? end.error.message : '', /secret/)
    }
  })
}
