import { Readable } from 'node:stream'
import { BatchPump } from './batch-pump.ts'
import type { BatchEncoder, BatchSink, KeepAlive } from './batch-pump.ts'
import type { BoundedQueue } from './bounded-queue.ts'

/**
 * A Node Readable over a bounded queue: the consumer's end of it, for any sink that is a Writable.
 *
 * It takes from the queue only what its reader asks for, so the reader's backpressure reaches the producer; and
 * destroying it, idle or not, cancels the queue. (`Readable.from(asyncGenerator)` does not: while the generator waits,
 * its `finally` never runs.) Items that arrive in one turn of the event loop leave as one chunk.
 */
export class QueueReadable<T extends {}> extends Readable {
  readonly #pump: BatchPump<T>

  constructor (queue: BoundedQueue<T>, encoder: BatchEncoder<T>, keepAlive?: KeepAlive) {
    // One byte: buffer no more than the one batch that is on its way; the queue is the buffer.
    super({ highWaterMark: 1 })
    const sink: BatchSink = {
      write: text => {
        this.push(text)
        return false // until `_read`
      },
      end: text => {
        if (text !== '') this.push(text)
        this.push(null)
      },
      abort: error => { this.destroy(error) }
    }
    this.#pump = new BatchPump(queue, encoder, sink, keepAlive)
  }

  override _read (): void {
    this.#pump.pull()
  }

  override _destroy (error: Error | null, callback: (error?: Error | null) => void): void {
    this.#pump.stop(error ?? undefined)
    callback(error)
  }
}
