import t from 'tap'
import { uuidv7 } from '../../breaker/uuid.ts'
import { LostAttempt } from '../../failover/lost-attempt.ts'
import type { Speaker } from '../../failover/speaker.ts'
import { chunk } from '../support/scripted-upstream.ts'

const SPEAKER: Speaker = { id: uuidv7(), target: 'a', provider: 'openai', model: 'm', number: 1, startedAt: 10_000, firstOutputMs: 120, after: 0 }
const ASKED = { requestId: 'r-1', request: { messages: [{ role: 'user' as const, content: 'Count to three, and then to four' }] } }
const said = (content: string) => JSON.stringify(chunk({ content }))

t.test('it is recorded as what it was, with what was stored of it', t => {
  const lost = new LostAttempt(SPEAKER)
  for (const content of ['One, ', 'two, ', 'three']) lost.said(said(content))
  const record = lost.record(ASKED, 12_500)
  t.match(record, {
    id: SPEAKER.id,
    requestId: 'r-1',
    target: 'a',
    provider: 'openai',
    model: 'm',
    stream: true,
    attemptNo: 1,
    class: 'neutral',
    reason: 'replica_lost',
    status: null,
    firstOutputMs: 120,
    durationMs: 2_500,
    chunks: 3,
    usageSource: 'estimated',
    finishReason: null
  })
  t.ok((record.completionTokens ?? 0) > 1 && (record.promptTokens ?? 0) > 1)
  t.equal(record.totalTokens, (record.promptTokens ?? 0) + (record.completionTokens ?? 0))
  t.end()
})

t.test('of one that had gone on with what another had begun, only its own words count; that it was given costs, too', t => {
  const [whole, later] = [new LostAttempt(SPEAKER), new LostAttempt({ ...SPEAKER, number: 2, after: 2 })]
  for (const lost of [whole, later]) for (const content of ['One, two, three, four, five', ', six, seven', ', eight']) lost.said(said(content))
  const [all, own] = [whole.record(ASKED), later.record(ASKED)]
  t.same([own.chunks, own.attemptNo], [1, 2])
  t.ok((own.completionTokens ?? 0) < (all.completionTokens ?? 0))
  t.ok((own.promptTokens ?? 0) > (all.promptTokens ?? 0))
  t.end()
})

t.test('tool calls are output as well; nothing stored, nothing produced; clocks that differ make no negative time', t => {
  const calling = new LostAttempt(SPEAKER)
  calling.said(JSON.stringify(chunk({ tool_calls: [{ index: 0, id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city": "Oslo"}' } }] })))
  t.ok((calling.record(ASKED).completionTokens ?? 0) > 0)
  const silent = new LostAttempt({ ...SPEAKER, after: 3 })
  t.match(silent.record(ASKED, 9_000), { chunks: 0, completionTokens: 0, durationMs: 0 })
  const strange = new LostAttempt(SPEAKER)
  for (const text of ['no JSON', '[]', 'null']) strange.said(text)
  t.equal(strange.record(ASKED).completionTokens, 0)
  t.end()
})
