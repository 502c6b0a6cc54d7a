import t from 'tap'
import type { AttemptRecord } from '../../breaker/attempt.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { Attempt } from '../../failover/attempt.ts'
import { CompletionWriter } from '../../streams/completion-stream.ts'
import type { Chunk } from '../../streams/completion-stream.ts'
import { roleChunk, textChunk, usageChunk } from '../support/chunks.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

function attempt (): { attempt: Attempt, journal: readonly string[], records: AttemptRecord[] } {
  const fake = new FakeTargets({})
  const records: AttemptRecord[] = []
  return {
    attempt: new Attempt({
      requestId: 'r', target: 'a', provider: 'fake', model: 'm', modelOverridden: false, stream: true, number: 1, permit: fake.permit('a'), promptTokens: () => 7, onEnd: record => records.push(record)
    }),
    journal: fake.journal,
    records
  }
}

t.test('it ends once: what is said of it later changes nothing', async t => {
  const worked = attempt()
  worked.attempt.succeeded()
  worked.attempt.failed(new UpstreamError('reset', 'late'))
  worked.attempt.succeeded()
  t.same(worked.journal, ['a: success'])
  t.match(worked.records, [{ class: 'success' }])
  t.equal(worked.records.length, 1)
  const failed = attempt()
  failed.attempt.failed(new UpstreamError('reset', 'broke'))
  failed.attempt.succeeded()
  t.same(failed.journal, ['a: failure reset'])
  t.equal(failed.records.length, 1)
})

t.test('ended, it hangs on nothing: no timer, and an abort has no effect', async t => {
  const time = useVirtualTime(t)
  const { attempt: ended } = attempt()
  ended.limit(1000, () => new UpstreamError('slow_first_output', 'slow'))
  t.equal(time.pending, 1)
  ended.succeeded()
  t.equal(time.pending, 0)
  ended.abort(new UpstreamError('client_closed', 'left'))
  t.equal(ended.signal.aborted, false)
})

t.test('what the signal says goes before what the provider makes of it', async t => {
  const { attempt: left, journal } = attempt()
  left.abort(new UpstreamError('client_closed', 'left'))
  t.match(left.failed(new UpstreamError('reset', 'socket closed')), { reason: 'client_closed' })
  t.same(journal, ['a: neutral client_closed'])
})

t.test('of two aborts the first one counts', async t => {
  const { attempt: stalled } = attempt()
  stalled.abort(new UpstreamError('stalled', 'silent'))
  stalled.abort(new UpstreamError('client_closed', 'left'))
  t.match(stalled.failed(new Error('x')), { reason: 'stalled' })
})

t.test('a limit replaces the one before, and can be taken back', async t => {
  const time = useVirtualTime(t)
  const { attempt: limited } = attempt()
  limited.limit(10, () => new UpstreamError('stalled', 'first'))
  limited.limit(20, () => new UpstreamError('slow_first_output', 'second'))
  await time.advance(19)
  t.equal(limited.signal.aborted, false)
  limited.unlimit()
  await time.advance(100)
  t.equal(limited.signal.aborted, false)
  limited.limit(5, () => new UpstreamError('slow_first_output', 'third'))
  await time.advance(5)
  t.match(limited.signal.reason, { message: 'third' })
})

/** A writer that has put out these chunks. */
function written (...chunks: readonly Chunk[]): CompletionWriter {
  const writer = new CompletionWriter()
  for (const chunk of chunks) writer.offer(chunk)
  return writer
}

const NO_USAGE = { promptTokens: null, completionTokens: null, totalTokens: null, usageSource: null }

t.test('an attempt that was never taken on has cost nothing', async t => {
  const { attempt: refused, records } = attempt()
  t.equal(refused.usage, null)
  refused.failed(new UpstreamError('connect', 'no connection'))
  t.equal(refused.usage, null)
  t.match(records, [NO_USAGE])
})

t.test('an error in place of the answer is a refusal, whatever the status; one inside the answer is not', async t => {
  for (const [chunks, expected] of [
    [[], NO_USAGE],
    [[roleChunk()], NO_USAGE],
    [[textChunk('a')], { promptTokens: 7, completionTokens: 1, totalTokens: 8, usageSource: 'estimated' }],
    [[usageChunk()], { promptTokens: 3, completionTokens: 5, totalTokens: 8, usageSource: 'partial' }]
  ] as const) {
    const { attempt: broken, records } = attempt()
    broken.accepted(written(...chunks).report)
    broken.failed(new UpstreamError('in_band_error', 'overloaded'))
    t.match(records, [expected])
  }
})

t.test('taken on and left alone, it has cost its prompt', async t => {
  for (const reason of ['slow_first_output', 'client_closed', 'reset', 'empty'] as const) {
    const { attempt: silent, records } = attempt()
    silent.accepted(written(roleChunk()).report)
    silent.failed(new UpstreamError(reason, 'nothing came'))
    t.match(records, [{ promptTokens: 7, completionTokens: 0, totalTokens: 7, usageSource: 'estimated' }], reason)
  }
})

t.test('what it has cost so far can be asked at any time, and what it has cost stays', async t => {
  const { attempt: running } = attempt()
  const writer = written(textChunk('word'))
  running.accepted(writer.report)
  t.match(running.usage, { completionTokens: 1, source: 'estimated' })
  writer.offer(usageChunk())
  t.match(running.usage, { completionTokens: 5, source: 'partial' })
  running.succeeded()
  t.match(running.usage, { completionTokens: 5, source: 'reported' })
  writer.offer(textChunk('a word too late'))
  t.match(running.usage, { completionTokens: 5, source: 'reported' })
})
