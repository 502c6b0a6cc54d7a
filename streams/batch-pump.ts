import type { BoundedQueue } from './bounded-queue.ts'

/** How the items of a queue become bytes. */
export interface BatchEncoder<T> {
  /** All items that were queued together, as one piece of text, so that they leave in one write. */
  encode (items: readonly T[]): string
  /** What follows the last item of a queue that was closed; empty for nothing. */
  end (): string
  /** What follows the last item of a queue that failed; undefined aborts the sink with the error instead. */
  fail (error: Error): string | undefined
  /** Whether what it encoded was the end, since it can use no more; once true, it stays so. The queue is then cancelled. */
  readonly over?: boolean
}

/** Text to send when nothing else was sent for a while, so that proxies in between do not take the connection for dead. */
export interface KeepAlive {
  readonly afterMs: number
  readonly text: string
}

/** Where the batches of a queue go. Its owner asks for them by `BatchPump.pull`. */
export interface BatchSink {
  /** Takes one batch. False: it has enough, until it pulls again. */
  write (text: string): boolean
  /** Takes the last piece, which may be empty, and ends in order. */
  end (text: string): void
  /** The queue failed, and there are no words for it; or somebody else cancelled it. */
  abort (error: Error): void
}

/** A piece that held this share of the bytes that a queue may hold is as much as may wait. */
const ENOUGH = 7 / 8

/**
 * The consumer's end of a bounded queue: moves what is queued into a sink, no faster than the sink asks for it.
 *
 *     queue ──drain──► encoder ──one piece──► sink
 *       ▲                                      │
 *       └───────────── pull, stop ◄────────────┘
 *
 * Items that arrive in one turn of the event loop leave as one piece (of two queues full at most, of one if it is full of bytes), and so does the end
 * with the items before it.
 */
export class BatchPump<T extends {}> {
  readonly #queue: BoundedQueue<T>
  readonly #encoder: BatchEncoder<T>
  readonly #sink: BatchSink
  /** Encoded already, and not sent yet: what was taken because the queue was full before the turn's end. */
  #ahead = ''
  /** What the queue held of it, in bytes. */
  #aheadBytes = 0
  /** What the queue held of the last piece, in bytes. */
  #takenBytes = 0
  /** A piece that held so many becomes no longer. */
  readonly #enough: number
  /** The sink has asked, and got nothing yet. */
  #wanted = false
  #over = false
  #timer: NodeJS.Timeout | undefined
  /** When the last piece went, of `performance.now()`, in ms. */
  #sentAt = performance.now()

  constructor (queue: BoundedQueue<T>, encoder: BatchEncoder<T>, sink: BatchSink, keepAlive?: KeepAlive) {
    this.#queue = queue
    this.#enough = queue.maxBytes * ENOUGH
    this.#encoder = encoder
    this.#sink = sink
    if (keepAlive !== undefined) this.#watch(keepAlive, keepAlive.afterMs)
  }

  /** The sink wants the next batch: gets it before this returns, or as soon as there is one. */
  pull (): void {
    this.#wanted = true
    this.#queue.hold(false)
    this.#run()
  }

  /** The sink is gone: whatever its reason, the queue is cancelled, and nothing is written any more. */
  stop (cause?: Error): void {
    this.#finish()
    this.#queue.cancel(cause)
  }

  readonly #run = (): void => {
    while (this.#wanted && !this.#over) {
      const text = this.#take()
      if (this.#encoder.over === true) {
        this.#end(text)
        this.#queue.cancel()
        return
      }
      const { state } = this.#queue
      // What a producer that waited for room has added meanwhile is for the next round.
      if (state.kind === 'open' || this.#queue.size > 0) {
        if (text === '') {
          this.#queue.onReadable(this.#soon, this.#takeAhead)
          return
        }
        this.#send(text, this.#takenBytes)
        continue
      }
      switch (state.kind) {
        case 'closed':
          this.#end(text + this.#encoder.end())
          break
        case 'failed': {
          const last = this.#encoder.fail(state.error)
          if (last !== undefined) this.#end(text + last)
          else if (text === '') this.#abort(state.error)
          else this.#send(text, this.#takenBytes) // and at the next pull the error
          break
        }
        case 'cancelled':
          this.#abort(state.reason)
      }
    }
  }

  /** The next tick, and not now, if more may come: what this turn brings shall leave together. */
  readonly #soon = (complete: boolean): void => {
    if (complete) this.#run()
    else process.nextTick(this.#run)
  }

  /** Once a turn at most, so that a producer who never lets the turn end is bounded too. */
  readonly #takeAhead = (): void => {
    this.#aheadBytes = this.#queue.bytes
    this.#ahead = this.#encoder.encode(this.#queue.drain())
  }

  /**
   * What waits; and, unless some was taken ahead or it is nearly a queue's bytes as it is, what a producer that waited for room
   * adds at once: the rest of its read.
   */
  #take (): string {
    const queue = this.#queue
    let text = this.#ahead
    let bytes = this.#aheadBytes
    for (let rounds = text === '' ? 2 : 1; rounds > 0 && queue.size > 0 && bytes < this.#enough; rounds--) {
      bytes += queue.bytes
      text += this.#encoder.encode(queue.drain())
    }
    this.#ahead = ''
    this.#aheadBytes = 0
    this.#takenBytes = bytes
    return text
  }

  /** One timer that looks when the last text went, instead of one that is set anew with each. */
  #watch (keepAlive: KeepAlive, waitMs: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#sentAt + keepAlive.afterMs - performance.now()
      // Not while the sink is behind: it would only add to what waits for it.
      if (left <= 0 && this.#wanted) this.#send(keepAlive.text, 0)
      if (!this.#over) this.#watch(keepAlive, left > 0 ? left : keepAlive.afterMs)
    }, waitMs)
  }

  /** @param bytes what the queue held of it */
  #send (text: string, bytes: number): void {
    this.#wanted = false
    this.#sentAt = performance.now()
    if (this.#sink.write(text)) this.#wanted = true
    // It waits in the sink in place of the queue: as much again would double what a stalled client costs.
    else if (bytes >= this.#enough) this.#queue.hold(true)
  }

  #end (text: string): void {
    this.#finish()
    this.#sink.end(text)
  }

  #abort (error: Error): void {
    this.#finish()
    this.#sink.abort(error)
  }

  #finish (): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
