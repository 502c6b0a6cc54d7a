/**
 * Azure's first chunk has no choices, no id and no model, but what its filter found in the prompt.
 * @see https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
 */
import t from 'tap'
import { DONE, scriptedUpstream, streaming } from '../../support/scripted-upstream.ts'
import { azureChunk, PROMPT_FILTERED, ROLE, SAFE, STOP, USAGE } from './filter-chunks.ts'
import { azureTargets, REQUEST, streamFrom } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)
const text = azureChunk({ content: 'Hi' }, { results: SAFE })

t.test('it passes on to the letter, and is no output', async t => {
  for (const target of targets) {
    const { chunks, end, report } = await streamFrom(target, upstream, streaming(PROMPT_FILTERED, ROLE, text, STOP, USAGE, DONE))
    t.same(chunks, [PROMPT_FILTERED, ROLE, text, STOP].map(chunk => JSON.stringify(chunk)))
    t.match([end, report.finishReason, report.usage], [{ kind: 'complete' }, 'stop', { total_tokens: 3 }])
  }
})

t.test('a stream that begins with it has not started: the next target can still be asked', async t => {
  for (const target of targets) {
    const more = Promise.withResolvers<void>()
    upstream.next(streaming(PROMPT_FILTERED, ROLE, more.promise, text, STOP, DONE))
    const stream = await target.stream({ request: REQUEST, signal: new AbortController().signal })
    while (stream.report.chunks < 2) await new Promise(resolve => setImmediate(resolve))
    t.equal(stream.report.firstOutputAt, undefined)
    more.resolve()
    await stream.started
    t.type(stream.report.firstOutputAt, 'number')
    t.match(await stream.ended, { kind: 'complete' })
  }
})

t.test('nothing but it is no answer', async t => {
  for (const target of targets) {
    const { end } = await streamFrom(target, upstream, streaming(PROMPT_FILTERED, DONE))
    t.match(end, { kind: 'failed', error: { reason: 'empty' } })
  }
})
