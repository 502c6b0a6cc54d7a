import t from 'tap'
import type { AttemptRecord } from '../../breaker/attempt.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { Attempt } from '../../failover/attempt.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

function attempt (): { attempt: Attempt, journal: readonly string[], records: AttemptRecord[] } {
  const fake = new FakeTargets({})
  const records: AttemptRecord[] = []
  return {
    attempt: new Attempt({
      requestId: 'r', target: 'a', provider: 'fake', model: 'm', modelOverridden: false, stream: true, number: 1, permit: fake.permit('a'), onEnd: record => records.push(record)
    }),
    journal: fake.journal,
    records
  }
}

t.test('it ends once: what is said of it later changes nothing', async t => {
  const worked = attempt()
  worked.attempt.succeeded('stop', undefined)
  worked.attempt.failed(new UpstreamError('reset', 'late'))
  worked.attempt.succeeded('stop', undefined)
  t.same(worked.journal, ['a: success'])
  t.match(worked.records, [{ class: 'success' }])
  t.equal(worked.records.length, 1)
  const failed = attempt()
  failed.attempt.failed(new UpstreamError('reset', 'broke'))
  failed.attempt.succeeded('stop', undefined)
  t.same(failed.journal, ['a: failure reset'])
  t.equal(failed.records.length, 1)
})

t.test('ended, it hangs on nothing: no timer, and an abort has no effect', async t => {
  const time = useVirtualTime(t)
  const { attempt: ended } = attempt()
  ended.limit(1000, () => new UpstreamError('slow_first_output', 'slow'))
  t.equal(time.pending, 1)
  ended.succeeded('stop', undefined)
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
