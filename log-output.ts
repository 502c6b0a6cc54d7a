import { pino } from 'pino'
import type { DestinationStream } from 'pino'

/** How long a line waits for others at the most, in ms: a write for each would cost more than making it. */
const FLUSH_MS = 100

/**
 * Collects log lines into pieces. What pino's own destination collects it measures anew with each line, all of it, which
 * costs as much as half of a small request.
 */
export class LineBatches implements DestinationStream {
  readonly #write: (lines: string) => void
  readonly #maxBytes: number
  #lines = ''
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  /** @param maxBytes of a piece; a line that is longer goes alone */
  constructor (write: (lines: string) => void, maxBytes: number) {
    this.#write = write
    this.#maxBytes = maxBytes
  }

  write (line: string): void {
    const bytes = Buffer.byteLength(line)
    if (this.#bytes + bytes > this.#maxBytes) this.flush()
    this.#lines += line
    this.#bytes += bytes
    this.#timer ??= setTimeout(this.#onTime, FLUSH_MS).unref()
  }

  /** Hands over what has been collected. */
  flush (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const lines = this.#lines
    this.#lines = ''
    this.#bytes = 0
    if (lines !== '') this.#write(lines)
  }

  readonly #onTime = (): void => this.flush()
}

/**
 * Standard output, written to without blocking; what is collected is written when the process exits.
 * @param maxBytes of a write
 */
export function standardOutput (maxBytes: number): DestinationStream {
  const batches = new LineBatches(lines => { output.write(lines) }, maxBytes)
  process.once('exit', () => { batches.flush() }) // before the destination's own
  const output = pino.destination({ dest: 1, sync: false, maxWrite: maxBytes })
  return batches
}
