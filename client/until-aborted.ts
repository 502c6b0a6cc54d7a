/**
 * What was waited for, unless the signal is aborted first.
 * @throws what was waited for; `signal.reason`
 */
export async function untilAborted<T> (signal: AbortSignal, awaited: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const stop = () => aborted.reject(signal.reason)
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop)
  try {
    return await Promise.race([awaited, aborted.promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
