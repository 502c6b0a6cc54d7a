import { ROOT_CONTEXT, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import fc from 'fast-check'
import t from 'tap'
import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { attemptSpans } from '../../tracing/attempt-spans.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import { SpanJournal } from '../support/span-journal.ts'
import { settle } from '../support/virtual-time.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const REASONS: readonly FailureReason[] = [
  'connect', 'reset', 'upstream_error', 'in_band_error', 'slow_first_output', 'stalled', 'truncated', 'empty', 'malformed', 'rate_limited', 'unauthorized', 'quota_exhausted',
  'not_found', 'invalid_request', 'content_filter', 'unsupported', 'internal', 'client_closed', 'deadline', 'shutdown'
]

/** What it says, as often as it says something: not all the same, so that a rescue may diverge. */
const says = fc.constantFrom('Hel', 'Hey')
/** What a target does with one request. */
const deed = fc.oneof(
  fc.record({ kind: fc.constant('refuses' as const), reason: fc.constantFrom(...REASONS) }),
  fc.record({ kind: fc.constant('breaks' as const), reason: fc.constantFrom(...REASONS), after: fc.integer({ min: 0, max: 3 }), says }),
  fc.record({ kind: fc.constant('ends' as const), after: fc.integer({ min: 0, max: 3 }), terminal: fc.boolean(), finishes: fc.boolean(), says }),
  fc.record({ kind: fc.constant('hangs' as const), after: fc.integer({ min: 0, max: 3 }), says }),
  fc.record({ kind: fc.constant('throws' as const) })
)

function behaviourOf (doing: (typeof deed) extends fc.Arbitrary<infer Deed> ? Deed : never): Behaviour {
  return call => {
    if (doing.kind === 'throws') return call.refuse(new TypeError('a defect'))
    if (doing.kind === 'refuses') return call.refuse(new UpstreamError(doing.reason, 'words'))
    call.answer({ json: '{"id": "whole", "model": "m"}' })
    const writer = call.stream()
    writer.offer(roleChunk())
    for (let n = 0; n < doing.after; n++) writer.offer(textChunk(doing.says))
    if (doing.kind === 'breaks') writer.fail(new UpstreamError(doing.reason, 'words'))
    if (doing.kind === 'ends') {
      if (doing.finishes) writer.offer(finishChunk())
      writer.end({ terminal: doing.terminal })
    }
  }
}

t.test('whatever comes of it, each attempt is one span that ends once, with what is on record', async t => {
  const outcomes = new Set<string>()
  const time = useVirtualTime(t)
  await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 4 }), fc.record({ stream: fc.boolean(), rescues: fc.boolean(), leaves: fc.boolean() }), async (deeds, { stream, rescues, leaves }) => {
    const journal = new SpanJournal()
    const fake = new FakeTargets(Object.fromEntries(deeds.map((doing, index) => [`t${index}`, behaviourOf(doing)])))
    const aborter = new AbortController()
    const call = fake.call({
      signal: aborter.signal,
      observe: attemptSpans(journal.provider.getTracer('test'), ROOT_CONTEXT, () => 'closed'),
      route: { midstreamFailover: rescues ? 'continue' : 'off' }
    })
    const consumed = (async () => {
      if (!stream) return await fake.failover.complete(call)
      const { answer } = await fake.failover.stream(call)
      for await (const json of answer.queue) if (json === '') return
    })().catch(() => {})
    await time.advance(500)
    if (leaves) aborter.abort()
    await time.advance(70_000)
    await consumed
    await settle()
    const ended = journal.ended.map(({ attributes }) => `${String(attributes['gateway.attempt'])} ${String(attributes['gateway.target'])} ${String(attributes['gateway.outcome'])} ${String(attributes['gateway.reason'] ?? null)}`)
    for (const { reason } of fake.records) outcomes.add(String(reason))
    if (journal.started !== fake.records.length) return false
    return ended.sort().join() === fake.records.map(record => `${record.attemptNo} ${record.target} ${record.class} ${String(record.reason)}`).sort().join()
  }), { numRuns: 1000 })
  t.ok(['null', 'diverged', 'client_closed'].every(outcome => outcomes.has(outcome)) && outcomes.size > REASONS.length / 2, 'attempts ended in all sorts of ways')
})

t.test('says of the request and of the answer what the conventions have', async t => {
  const journal = new SpanJournal()
  const fake = new FakeTargets({ a: call => call.answer({ json: '{"id": "chatcmpl-7", "model": "m-2026"}', finishReason: 'length', usage: { prompt_tokens: 3, completion_tokens: 5, total_tokens: 8 } }) })
  await fake.failover.complete(fake.call({
    request: { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 7, temperature: 0, top_p: 0.5, top_k: 3, seed: 1, n: 2, frequency_penalty: 0.1, presence_penalty: 0.2, stop: 'words-of-the-caller' },
    observe: attemptSpans(journal.provider.getTracer('test'), ROOT_CONTEXT, () => 'half_open')
  }))
  const [span] = journal.ended
  t.equal(span?.name, 'chat model of a')
  t.equal(span?.kind, SpanKind.CLIENT)
  t.same(span?.attributes, {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'fake',
    'gen_ai.request.model': 'model of a',
    'gen_ai.request.stream': false,
    'gen_ai.request.max_tokens': 7,
    'gen_ai.request.temperature': 0,
    'gen_ai.request.top_p': 0.5,
    'gen_ai.request.top_k': 3,
    'gen_ai.request.seed': 1,
    'gen_ai.request.choice.count': 2,
    'gen_ai.request.frequency_penalty': 0.1,
    'gen_ai.request.presence_penalty': 0.2,
    'gen_ai.response.id': 'chatcmpl-7',
    'gen_ai.response.model': 'm-2026',
    'gen_ai.response.finish_reasons': ['length'],
    'gen_ai.usage.input_tokens': 3,
    'gen_ai.usage.output_tokens': 5,
    'gateway.target': 'a',
    'gateway.attempt': 1,
    'gateway.hedge': false,
    'gateway.rescue': false,
    'gateway.breaker.state': 'half_open',
    'gateway.outcome': 'success',
    'gateway.usage.source': 'reported'
  })
})

t.test('an attempt that another one outpaced is no error, and the other one says that it was beside it', async t => {
  const time = useVirtualTime(t)
  const journal = new SpanJournal()
  let warm = false
  const fake = new FakeTargets({
    a: call => {
      if (warm) return
      call.stream().offer(textChunk('x'))
      call.writer.offer(finishChunk())
      call.writer.end({ terminal: true })
    },
    b: call => { call.stream().offer(textChunk('from b')) }
  })
  const call = fake.call({ route: { hedging: true, targets: [{ name: 'a', model: undefined }, { name: 'b', model: undefined }] } })
  for (let n = 0; n < 60; n++) {
    const { answer } = await fake.failover.stream(call)
    answer.queue.cancel()
  }
  await time.advance(0)
  warm = true
  const streaming = fake.failover.stream({ ...call, observe: attemptSpans(journal.provider.getTracer('test'), ROOT_CONTEXT, () => 'closed') })
  await time.advance(500)
  const { answer } = await streaming
  answer.queue.cancel()
  await time.advance(0)
  t.match(journal.ended.map(({ attributes, status }) => [attributes['gateway.target'], attributes['gateway.hedge'], attributes['gateway.reason'], status.code]), [
    ['a', false, 'outpaced', SpanStatusCode.UNSET],
    ['b', true, 'client_closed', SpanStatusCode.UNSET]
  ])
})

t.test('a model that its caller has named at length is cut short', async t => {
  const journal = new SpanJournal()
  const fake = new FakeTargets({ a: call => call.answer() })
  await fake.failover.complete(fake.call({
    observe: attemptSpans(journal.provider.getTracer('test'), ROOT_CONTEXT, () => undefined),
    route: { targets: [{ name: 'a', model: 'm'.repeat(10_000) }] }
  }))
  t.equal(journal.ended[0]?.name, `chat ${'m'.repeat(128)}`)
  t.equal(journal.ended[0]?.attributes['gen_ai.request.model'], 'm'.repeat(128))
  t.notOk('gateway.breaker.state' in (journal.ended[0]?.attributes ?? {}))
})
