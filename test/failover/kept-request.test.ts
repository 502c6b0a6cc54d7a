import t from 'tap'
import { Type } from 'typebox'
import { uuidv7 } from '../../breaker/uuid.ts'
import { keptRequest, readKeptRequest } from '../../failover/kept-request.ts'
import type { KeptTrace } from '../../failover/kept-request.ts'
import type { Speaker } from '../../failover/speaker.ts'
import { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'

t.test('what is kept of a request is read as it was, extensions included', async t => {
  const call = { requestId: 'r-1', request: { model: 'auto', messages: [{ role: 'user' as const, content: 'Hällo' }], stream: true, top_k: 5, unknown: { to: ['us'] } } }
  t.same(await readKeptRequest(keptRequest(call)), call)
})

const ASKED = { messages: [{ role: 'user' as const, content: 'Hi' }] }
const SPEAKER: Speaker = { id: uuidv7(), target: 'a', provider: 'openai', model: 'm', number: 2, startedAt: 1_700_000_000_000, firstOutputMs: 12, after: 0 }
const TRACE: KeptTrace = { traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`, tracestate: 'vendor=value', request: `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01` }

t.test('who speaks, and where the request is traced, goes along', async t => {
  const kept = { requestId: 'r-1', request: ASKED, trace: TRACE, speaker: SPEAKER }
  t.same(await readKeptRequest(keptRequest(kept)), kept)
})

t.test('replicas of other versions: what they did not say, and what is not known here, is no obstacle', async t => {
  const former = { requestId: 'r-1', request: ASKED }
  t.same(await readKeptRequest(JSON.stringify(former)), former)
  const later = { ...former, later: { to: ['come'] }, speaker: { ...SPEAKER, later: 1 }, trace: { ...TRACE, later: 1 } }
  t.match(await readKeptRequest(JSON.stringify(later)), { requestId: 'r-1', speaker: SPEAKER, trace: TRACE })
  // As the version before wanted it.
  const { Check } = await import('typebox/schema')
  const Former = Type.Object({ requestId: Type.String(), request: ChatCompletionRequest })
  t.ok(Check(Former, JSON.parse(keptRequest({ requestId: 'r-1', request: ASKED, trace: TRACE, speaker: SPEAKER }))))
})

t.test('what would spoil the audit log is not read', async t => {
  for (const change of [{ id: 'no uuid' }, { number: 0 }, { number: 1.5 }, { after: -1 }, { firstOutputMs: 'soon' }]) {
    t.equal(await readKeptRequest(JSON.stringify({ requestId: 'r', request: ASKED, speaker: { ...SPEAKER, ...change } })), undefined)
  }
})

t.test('what is no request of this version is not read', async t => {
  for (const text of ['null', '{}', '{"requestId": 1, "request": {"messages": []}}', '{"requestId": "r", "request": {"messages": "none"}}']) t.equal(await readKeptRequest(text), undefined)
})
