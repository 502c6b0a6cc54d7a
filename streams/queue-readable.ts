import { Readable } from 'node:stream'
import type { BoundedQueue } from './bounded-queue.ts'

/** How the items of a queue become bytes. */
export interface BatchEncoder<T> {
  /** All items that were queued together, as one piece of text, so that they leave in one write. */
  encode (items: readonly T[]): string
  /** What follows the last item of a queue that was closed; empty for nothing. */
  end (): string
  /** What follows the last item of a queue that failed; undefined destroys the Readable with the error instead. */
  fail (error: Error): string | undefined
}

/** Text to send when nothing else was sent for a while, so that proxies in between do not take the connection for dead. */
export interface KeepAlive {
  readonly afterMs: number
  readonly text: string
}

/**
 * A Node Readable over a bounded queue: the consumer's end of it.
 *
 * It takes from the queue only what its reader asks for, so the reader's backpressure reaches the producer; and
 * destroying it, idle or not, cancels the queue. (`Readable.from(asyncGenerator)` does not: while the generator waits,
 * its `finally` never runs.) Items that arrive in one turn of the event loop leave as one chunk.
 */
export class QueueReadable<T extends {}> extends Readable {
  readonly #queue: BoundedQueue<T>
  readonly #encoder: BatchEncoder<T>
  readonly #keepAlive: KeepAlive | undefined
  #timer: NodeJS.Timeout | undefined
  /** Of `performance.now()`, in ms. */
  #sentAt = performance.now()
  /** The reader has asked, and got nothing yet. */
  #wanted = false

  constructor (queue: BoundedQueue<T>, encoder: BatchEncoder<T>, keepAlive?: KeepAlive) {
    // One byte: buffer no more than the one batch that is on its way; the queue is the buffer.
    super({ highWaterMark: 1 })
    this.#queue = queue
    this.#encoder = encoder
    this.#keepAlive = keepAlive
  }

  override _construct (callback: (error?: Error | null) => void): void {
    if (this.#keepAlive !== undefined) this.#watch(this.#keepAlive, this.#keepAlive.afterMs)
    callback()
  }

  override _read (): void {
    this.#wanted = true
    this.#pump()
  }

  override _destroy (error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer)
    this.#queue.cancel(error ?? undefined)
    callback(error)
  }

  readonly #pump = (): void => {
    if (!this.#wanted || this.destroyed) return
    if (this.#queue.size > 0) {
      this.#send(this.#encoder.encode(this.#queue.drain()))
      return
    }
    const { state } = this.#queue
    switch (state.kind) {
      case 'open':
        // The next tick, not now: what else this turn brings shall leave together with it.
        this.#queue.onReadable(() => process.nextTick(this.#pump))
        break
      case 'closed':
        this.#finish(this.#encoder.end())
        break
      case 'failed': {
        const text = this.#encoder.fail(state.error)
        if (text === undefined) this.destroy(state.error)
        else this.#finish(text)
        break
      }
      case 'cancelled':
        this.destroy(state.reason)
    }
  }

  /** One timer that looks when the last text went, instead of one that is set anew with each. */
  #watch (keepAlive: KeepAlive, waitMs: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#sentAt + keepAlive.afterMs - performance.now()
      // Not while the reader is behind: it would only add to what waits for it.
      if (left <= 0 && this.#wanted) this.#send(keepAlive.text)
      if (!this.destroyed) this.#watch(keepAlive, left > 0 ? left : keepAlive.afterMs)
    }, waitMs)
  }

  #send (text: string): void {
    this.#wanted = false
    this.#sentAt = performance.now()
    this.push(text)
  }

  #finish (text: string): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (text !== '') this.push(text)
    this.push(null)
  }
}
