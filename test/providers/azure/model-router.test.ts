/**
 * Behind Azure's model router another model may answer each request.
 * @see https://learn.microsoft.com/azure/ai-foundry/openai/how-to/model-router
 */
import type { ReceivedRequest } from '../../support/scripted-upstream.ts'
import t from 'tap'
import { DONE, scriptedUpstream, streaming } from '../../support/scripted-upstream.ts'
import { azureChunk } from './filter-chunks.ts'
import { azureTargets, streamFrom } from './targets.ts'

const upstream = await scriptedUpstream(t)
const targets = await azureTargets(t, upstream)

t.test('the name of the model that answered is passed on, request by request', async t => {
  for (const target of targets) {
    for (const model of ['gpt-4.1-nano-2025-04-14', 'o4-mini-2025-04-16', 'gpt-oss-120b']) {
      const sent = [azureChunk({ content: 'a' }, { model }), azureChunk({ content: 'b' }, { model }), azureChunk({}, { model, finish: 'stop' })]
      const { chunks } = await streamFrom(target, upstream, streaming(...sent, DONE))
      t.same(chunks, sent.map(chunk => JSON.stringify(chunk)))
    }
  }
  const asked = new Set(upstream.requests.map(({ body }: ReceivedRequest) => body['model']))
  t.same([...asked], ['gpt-4o'], 'it was the deployment that was asked for')
})

t.test('and should it change within a stream, so does every chunk', async t => {
  const sent = ['a', 'b', 'a', 'c', 'd'].map((model, at) => azureChunk({ content: `${at}` }, { model }))
  for (const target of targets) {
    const { chunks } = await streamFrom(target, upstream, streaming(...sent, azureChunk({}, { finish: 'stop' }), DONE))
    t.same(chunks.slice(0, -1), sent.map(chunk => JSON.stringify(chunk)))
  }
})
