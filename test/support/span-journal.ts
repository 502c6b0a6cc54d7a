/**
 * Spans of a test's own provider: what began, and what has ended.
 *
 *     const journal = new SpanJournal()
 *     …                               // spans of journal.provider
 *     journal.ended                   // in order; none may be there twice
 */
import { TracerProvider } from '@opentelemetry/sdk-trace'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'

export class SpanJournal {
  readonly provider: TracerProvider
  readonly ended: ReadableSpan[] = []
  started = 0
  /** Whether somebody has shut the provider down. */
  shutDown = false

  constructor () {
    this.provider = new TracerProvider({
      spanProcessors: [{
        onStart: () => { this.started++ },
        onEnd: span => { this.ended.push(span) },
        forceFlush: async () => {},
        shutdown: async () => { this.shutDown = true }
      }]
    })
  }
}
