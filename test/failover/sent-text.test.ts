import fc from 'fast-check'
import t from 'tap'
import { MAX_TEXT, SentText } from '../../failover/sent-text.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { factsOf } from '../../streams/chunk-facts.ts'
import { objectOf } from '../support/chat-client.ts'
import { accumulated } from '../support/collected-stream.ts'
import { chunk } from '../support/scripted-upstream.ts'

const sent = (...chunks: readonly JsonObject[]) => {
  const text = new SentText()
  for (const each of chunks) {
    text.look(JSON.stringify(each))
    text.sent()
  }
  return text
}

t.test('what is only looked at is not noted', async t => {
  const text = sent(chunk({ content: 'one' }))
  text.look(JSON.stringify(chunk({ content: 'two' })))
  t.equal(text.text, 'one')
})

t.test('the facts of every chunk are those of its JSON, recognised or parsed, and so is the text', async () => {
  const content = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.constantFrom('content', 'delta', '","content":"', '\\"', '\n', 'chatcmpl-1', 'a text that no model writes', '0', ','))
  const body: fc.Arbitrary<JsonObject> = fc.oneof(
    { weight: 6, arbitrary: content.map(content => chunk({ content })) },
    { weight: 2, arbitrary: content.map(content => ({ ...chunk({ content }), obfuscation: content, usage: null })) },
    { weight: 1, arbitrary: content.map(content => ({ system_fingerprint: 'content', ...chunk({ role: 'assistant', content }) })) },
    { weight: 1, arbitrary: content.map(content => ({ ...chunk({ content }), usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })) },
    { weight: 1, arbitrary: content.map(content => ({ ...chunk({}), choices: [{ finish_reason: null, delta: { content } }] })) },
    { weight: 1, arbitrary: fc.constant({ ...chunk({}), choices: [] }) }
  )
  fc.assert(fc.property(fc.array(body, { maxLength: 12 }), bodies => {
    const text = new SentText()
    for (const each of bodies) {
      const json = JSON.stringify(each)
      const { facts, json: same } = text.look(json)
      if (same !== json || JSON.stringify(facts) !== JSON.stringify(factsOf(objectOf(json)))) throw new Error(`${json}: ${JSON.stringify(facts)}`)
      text.sent()
    }
    const whole = accumulated(bodies).text
    if (text.text !== whole || text.canGoOn !== (whole !== '')) throw new Error(`${JSON.stringify(text.text)} of ${JSON.stringify(whole)}`)
  }), { numRuns: 200 })
})

t.test('whose answer it is, say the first chunk that has a choice', async t => {
  t.same(sent({ id: '', created: 0, model: '', choices: [], prompt_filter_results: [] }, { ...chunk({ role: 'assistant' }), system_fingerprint: 'fp' }, { ...chunk({ content: 'x' }), id: 'other' }).identity, { id: 'chatcmpl-1', created: 1_700_000_000, model: 'scripted', system_fingerprint: 'fp' })
})

t.test('what comes beside text, or ends it, cannot be carried on; nor what is too long', async t => {
  t.equal(sent(chunk({ content: 'x' }), { ...chunk({}), choices: [{ index: 0, finish_reason: null, content_filter_results: {} }] }).canGoOn, true, 'what a filter found is no output')
  t.equal(sent(chunk({ content: 'x' }), chunk({ tool_calls: [{ index: 0 }] })).canGoOn, false)
  t.equal(sent(chunk({ content: 'x' }), chunk({}, 'stop')).canGoOn, false)
  t.equal(sent(chunk({ reasoning_content: 'x' })).canGoOn, false)
  t.equal(sent(chunk({ reasoning_content: 'x' }), chunk({ content: 'x' })).canGoOn, true)
  const half = chunk({ content: 'x'.repeat(MAX_TEXT / 2) })
  t.equal(sent(half, half).canGoOn, true)
  const long = sent(half, half, chunk({ content: 'x' }))
  t.equal(long.canGoOn, false)
  t.equal(long.text, '', 'and is not kept')
})
