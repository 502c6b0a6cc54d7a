import { UpstreamError } from '../errors/upstream-error.ts'
import type { StreamReport } from '../streams/completion-stream.ts'
import type { Attempt } from './attempt.ts'

/** What is watched of a stream. */
export interface Watched {
  readonly report: Pick<StreamReport, 'lastOutputAt'>
  /** Whether it is the consumer who is waited for. */
  readonly waiting: () => boolean
}

/**
 * Ends a running stream whose provider has gone silent: `idleMs` without output while the consumer waits for some.
 *
 * While something waits for the consumer the provider is not read, so its silence says nothing.
 * One timer a stream, looked at when it fires, instead of one restarted with each chunk.
 *
 * @returns stops the watching
 */
export function watchIdle (attempt: Attempt, { report, waiting }: Watched, idleMs: number): () => void {
  let since = performance.now()
  let timer: NodeJS.Timeout
  const look = () => {
    const now = performance.now()
    if (waiting()) since = now
    else since = Math.max(since, report.lastOutputAt ?? 0)
    const left = since + idleMs - now
    if (left > 0) timer = setTimeout(look, left)
    else attempt.abort(new UpstreamError('stalled', 'The provider stopped in the middle of its answer.'))
  }
  timer = setTimeout(look, idleMs)
  return () => clearTimeout(timer)
}
