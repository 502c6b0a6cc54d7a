/**
 * Azure says with every chunk what its filter found in the text.
 * @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
 */
import { completionOf } from '../../../providers/chat-completions/answer.ts'
import t from 'tap'
import { DONE, scriptedUpstream, streaming } from '../../support/scripted-upstream.ts'
import { azureChunk, LOW, PROMPT_FILTERED, ROLE, SAFE, STOP } from './filter-chunks.ts'
import { azureTargets, streamFrom } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)

t.test('chunks that differ in it pass as they came, recognised or not', async t => {
  const results = [SAFE, SAFE, LOW, SAFE, {}, LOW, LOW, SAFE, {}, {}, SAFE]
  const texts = results.map((results, at) => azureChunk({ content: `w${at} "\\" 😀` }, { results }))
  for (const target of targets) {
    const { chunks, end, report } = await streamFrom(target, upstream, streaming(PROMPT_FILTERED, ROLE, ...texts, STOP, DONE))
    t.same(chunks, [PROMPT_FILTERED, ROLE, ...texts, STOP].map(chunk => JSON.stringify(chunk)))
    t.match([end, report.chunks], [{ kind: 'complete' }, results.length + 3])
  }
})

t.test('a filter that could not run is told of by Azure within the results, and is no error of the stream', async t => {
  const results = { error: { code: 'content_filter_error', message: 'The contents are not filtered' } }
  const text = azureChunk({ content: 'Hi' }, { results })
  for (const target of targets) {
    const { chunks, end } = await streamFrom(target, upstream, streaming(ROLE, text, text, STOP, DONE))
    t.same(chunks, [ROLE, text, text, STOP].map(chunk => JSON.stringify(chunk)))
    t.match(end, { kind: 'complete' })
  }
  t.match(completionOf(JSON.stringify({ choices: [{ index: 0, finish_reason: 'stop', content_filter_results: results, message: { content: 'Hi' } }] }), []), { finishReason: 'stop' })
})

t.test('a text that is cut short by the filter ends so, in place of an error', async t => {
  const hate = { ...SAFE, hate: { filtered: true, severity: 'high' } }
  for (const target of targets) {
    const { end, report } = await streamFrom(target, upstream, streaming(ROLE, azureChunk({ content: 'Hi' }), azureChunk({}, { results: hate, finish: 'content_filter' }), DONE))
    t.match([end, report.finishReason], [{ kind: 'complete' }, 'content_filter'])
  }
})
