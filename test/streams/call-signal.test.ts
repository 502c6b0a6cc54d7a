import t from 'tap'
import { CallAborter } from '../../streams/call-signal.ts'
import type { CallSignal } from '../../streams/call-signal.ts'

/** What listeners see of a signal, whichever kind of controller it comes from. */
function journalOf (signal: CallSignal, abort: (reason: unknown) => void): unknown[] {
  const journal: unknown[] = [signal.aborted, signal.reason]
  const removed = () => journal.push('removed')
  signal.addEventListener('abort', () => journal.push('first', signal.aborted, signal.reason), { once: true })
  signal.addEventListener('abort', removed)
  signal.addEventListener('abort', () => journal.push('second'), { once: true })
  signal.removeEventListener('abort', removed)
  signal.removeEventListener('abort', removed)
  abort('why')
  abort('again')
  signal.addEventListener('abort', () => journal.push('late'))
  return [...journal, signal.aborted, signal.reason]
}

t.test('it behaves as an AbortController does', async t => {
  const aborter = new CallAborter()
  const controller = new AbortController()
  t.same(
    journalOf(aborter, reason => aborter.abort(reason)),
    journalOf(controller.signal, reason => controller.abort(reason))
  )
})
