import type { Readable, Writable } from 'node:stream'

/**
 * Moves all of `source` into `sink`, which is left open; resolves when that is done, or when the sink was closed before.
 * Then the source is destroyed, and there is nobody left to tell.
 *
 * What `stream.pipeline` does as well, with an AbortController, its AbortError and several listeners for each stream.
 */
export function sendReadable (source: Readable, sink: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = () => { source.destroy() }
    source.once('error', reject)
    source.once('close', () => {
      sink.removeListener('close', onClose)
      resolve()
    })
    if (sink.destroyed) source.destroy()
    else sink.once('close', onClose)
    source.pipe(sink, { end: false })
  })
}
