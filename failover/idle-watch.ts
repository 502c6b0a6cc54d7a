import { UpstreamError } from '../errors/upstream-error.ts'
import type { CompletionStream } from '../streams/completion-stream.ts'
import type { Attempt } from './attempt.ts'

/**
 * Ends a running stream whose provider has gone silent: `idleMs` without output while the consumer waits for some.
 *
 * While something is queued it is the consumer who is slow, and the provider is not read, so its silence says nothing.
 * One timer a stream, looked at when it fires, instead of one restarted with each chunk.
 *
 * @returns stops the watching
 */
export function watchIdle (attempt: Attempt, stream: CompletionStream, idleMs: number): () => void {
  let since = performance.now()
  let timer: NodeJS.Timeout
  const look = () => {
    const now = performance.now()
    if (stream.queue.size > 0) since = now
    else since = Math.max(since, stream.report.lastOutputAt ?? 0)
    const left = since + idleMs - now
    if (left > 0) timer = setTimeout(look, left)
    else attempt.abort(new UpstreamError('stalled', 'The provider stopped in the middle of its answer.'))
  }
  timer = setTimeout(look, idleMs)
  return () => clearTimeout(timer)
}
