import type { BatchEncoder } from '../streams/batch-pump.ts'
import type { Dialect, ErrorOf } from './dialect.ts'

/**
 * The writer of a stream whose replica is gone, brought to where that one's stood: what its frames say is written once more. If those
 * are the same frames, what is written next goes on where they end.
 *
 *     stored   created │ "Hel" │ "lo"
 *                 ▼        ▼      ▼       chunksIn
 *     writer   created │ "Hel" │ "lo" │ … the next ones
 */
export class Replay {
  /** What writes the next frames, where {@link Replay.isFaithful}. */
  readonly frames: BatchEncoder<string>
  readonly #dialect: Dialect
  #isFaithful = true

  /** @param errorOf what is told of the error that ends the stream, if one does */
  constructor (dialect: Dialect, errorOf: ErrorOf) {
    this.#dialect = dialect
    this.frames = dialect.frames(errorOf)
  }

  /** Whether all that was written is what is stored; otherwise nothing may follow it. */
  get isFaithful (): boolean { return this.#isFaithful }

  /** Takes the next frames of the stream, whole ones. Gives the chunks that say the same. */
  write (stored: string): string[] {
    const chunks = this.#dialect.chunksIn(stored)
    this.#isFaithful &&= this.frames.encode(chunks) === stored
    return chunks
  }
}
