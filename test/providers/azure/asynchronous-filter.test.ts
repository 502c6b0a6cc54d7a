/**
 * With Azure's asynchronous filter text is not held back: what the filter says of it comes later, in chunks of their own.
 * @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-streaming
 */
import t from 'tap'
import { DONE, scriptedUpstream, streaming } from '../../support/scripted-upstream.ts'
import { annotation, azureChunk, PROMPT_FILTERED, ROLE, SAFE, STOP, USAGE } from './filter-chunks.ts'
import { azureTargets, streamFrom } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)
const text = azureChunk({ content: 'Hi' })

t.test('annotations pass as they came: before, between and after the text, and after its end', async t => {
  const sent = [PROMPT_FILTERED, annotation(0, 0), ROLE, text, annotation(0, 44), text, STOP, annotation(44, 198)]
  for (const target of targets) {
    const { chunks, end, report } = await streamFrom(target, upstream, streaming(...sent, USAGE, DONE))
    t.same(chunks, sent.map(chunk => JSON.stringify(chunk)))
    t.match([end, report.finishReason, report.usage], [{ kind: 'complete' }, 'stop', { total_tokens: 3 }])
  }
})

t.test('annotations alone are no output', async t => {
  for (const target of targets) {
    const { end, report } = await streamFrom(target, upstream, streaming(PROMPT_FILTERED, ROLE, annotation(0, 44), DONE))
    t.match([end, report.firstOutputAt], [{ kind: 'failed', error: { reason: 'empty' } }, undefined])
  }
})

t.test('an annotation with an empty delta, or one of null, is no output either', async t => {
  for (const delta of [{}, null, { content: '' }]) {
    const empty = { ...annotation(0, 44), choices: [{ index: 0, delta, finish_reason: null, content_filter_offsets: {} }] }
    for (const target of targets) {
      const { end } = await streamFrom(target, upstream, streaming(empty, DONE))
      t.match(end, { kind: 'failed', error: { reason: 'empty' } })
    }
  }
})

t.test('a late finish by the filter is the end of the text, and passes on where the text had ended already', async t => {
  const filtered = annotation(0, 44, { results: { ...SAFE, hate: { filtered: true, severity: 'high' } }, finish: 'content_filter' })
  for (const [sent, reported] of [[[ROLE, text, text, filtered], 'content_filter'], [[ROLE, text, STOP, filtered], 'stop']] as const) {
    for (const target of targets) {
      const { chunks, end, report } = await streamFrom(target, upstream, streaming(...sent, DONE))
      t.same(chunks, sent.map(chunk => JSON.stringify(chunk)))
      t.match([end, report.finishReason], [{ kind: 'complete' }, reported])
    }
  }
})
