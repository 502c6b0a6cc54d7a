/**
 * A bounded, asynchronous, single-direction queue: what a Go channel of capacity n is between two goroutines, between
 * a producer and a consumer on one event loop.
 *
 *     producer                     queue                     consumer
 *     offer / put  ──►  [ slot ][ slot ] … ≤ capacity  ──►  poll / drain / next
 *     close, fail  ──►     after what is queued        ──►  end, error
 *        signal    ◄──        what is queued is dropped ◄──  cancel
 *
 * It is bounded twice: in slots, and in the bytes that the items hold. One item larger than the byte limit is accepted
 * into an empty queue, as it could never get through otherwise; the limit on a single item is the producer's.
 */

/** What became of an offered item. `full` and `cancelled`: it was not taken. */
export type OfferResult = 'accepted' | 'full' | 'cancelled'

/** How a queue stands. Items may still be queued when it is `closed` or `failed`; never when it is `cancelled`. */
export type QueueState =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed', readonly error: Error }
  | { readonly kind: 'cancelled', readonly reason: Error }

export interface BoundedQueueOptions<T> {
  /** Slots; at least 1. Default 100. */
  readonly capacity?: number
  /** Limit on the sum of `sizeOf` over the queued items, in bytes. Default: none. */
  readonly maxBytes?: number
  /** An item's size in bytes. Default: 0 for each. */
  readonly sizeOf?: (item: T) => number
}

/** The producer used a queue after closing or failing it. */
export class QueueClosedError extends Error {
  override readonly name = 'QueueClosedError'
  readonly code = 'QUEUE_CLOSED'
}

/** The consumer has gone: nobody will read what is put. */
export class QueueCancelledError extends Error {
  override readonly name = 'QueueCancelledError'
  readonly code = 'QUEUE_CANCELLED'
}

interface Putter<T> { readonly item: T, readonly resolve: () => void, readonly reject: (error: Error) => void }
/** Whoever waits for room. */
interface Waiting { readonly fits: () => boolean, readonly callback: () => void }
interface Taker<T> { readonly resolve: (result: IteratorResult<T, undefined>) => void, readonly reject: (error: Error) => void }

const OPEN: QueueState = { kind: 'open' }
const CLOSED: QueueState = { kind: 'closed' }
const END: IteratorResult<never, undefined> = { done: true, value: undefined }

/** See the drawing at the top of the file. Order is first in, first out, for waiting puts and takes too. */
export class BoundedQueue<T extends {}> implements AsyncIterable<T, undefined> {
  readonly capacity: number
  readonly maxBytes: number
  readonly #sizeOf: (item: T) => number
  /** A ring: `#count` items from `#head` on. */
  readonly #slots: Array<T | undefined>
  #head = 0
  #count = 0
  #bytes = 0
  #held = false
  #state: QueueState = OPEN
  readonly #putters: Putter<T>[] = []
  readonly #takers: Taker<T>[] = []
  #waiting: Waiting | undefined
  #onReadable: ((complete: boolean) => void) | undefined
  #onFull: (() => void) | undefined
  #corked = false
  /** While corked: there is something that the consumer waits to hear of. */
  #news = false
  readonly #onCancel: Array<(reason: Error) => void> = []
  #aborter: AbortController | undefined

  /** @throws {RangeError} capacity is not a positive integer, or maxBytes is not positive */
  constructor ({ capacity = 100, maxBytes = Infinity, sizeOf = () => 0 }: BoundedQueueOptions<T> = {}) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError('capacity must be a positive integer')
    if (!(maxBytes > 0)) throw new RangeError('maxBytes must be positive')
    this.capacity = capacity
    this.maxBytes = maxBytes
    this.#sizeOf = sizeOf
    this.#slots = new Array<T | undefined>(capacity)
  }

  /** Items queued now; never more than `capacity`. */
  get size (): number { return this.#count }

  /** Bytes queued now, by `sizeOf`. */
  get bytes (): number { return this.#bytes }

  get state (): QueueState { return this.#state }

  /** Whether nothing can be put for now, however small it is. One that has ended is not full: there is nothing to wait for. */
  get full (): boolean { return this.#state.kind === 'open' && (this.#held || this.#count === this.capacity || this.#bytes >= this.maxBytes) }

  /** Whether it is the consumer who is waited for. */
  get awaitsConsumer (): boolean { return this.#held || this.#count > 0 }

  /** The next item, which stays where it is; undefined if nothing is queued. */
  peek (): T | undefined { return this.#slots[this.#head] }

  /** True when nothing will come any more: closed, failed or cancelled, and drained. */
  get exhausted (): boolean { return this.#count === 0 && this.#state.kind !== 'open' }

  /** Aborted when the consumer cancels; for the producer to hand on to whatever it reads from. */
  get signal (): AbortSignal {
    if (this.#aborter === undefined) {
      this.#aborter = new AbortController()
      if (this.#state.kind === 'cancelled') this.#aborter.abort(this.#state.reason)
    }
    return this.#aborter.signal
  }

  /** Calls back when the consumer cancels; at once if it has. What `signal` tells, without an AbortController for each queue. */
  onCancel (callback: (reason: Error) => void): void {
    if (this.#state.kind === 'cancelled') callback(this.#state.reason)
    else this.#onCancel.push(callback)
  }

  // ---- producer

  /**
   * Puts an item without waiting.
   * @throws {QueueClosedError} the queue was closed or failed by its producer
   */
  offer (item: T): OfferResult {
    if (this.#onFull !== undefined && !this.#fits(item)) this.#askConsumer()
    if (this.#state.kind === 'cancelled') return 'cancelled'
    if (this.#state.kind !== 'open') throw new QueueClosedError(`offer on a ${this.#state.kind} queue`)
    // A put that waits goes first, or an item could overtake another.
    if (this.#putters.length > 0 || !this.#fits(item)) return 'full'
    this.#accept(item)
    return 'accepted'
  }

  /**
   * Puts an item, waiting while the queue is full.
   * @throws {QueueClosedError} the queue is, or meanwhile was, closed or failed
   * @throws {QueueCancelledError} the consumer is gone
   */
  put (item: T): Promise<void> {
    if (this.#onFull !== undefined && !this.#fits(item)) this.#askConsumer()
    if (this.#state.kind === 'cancelled') return Promise.reject(this.#state.reason)
    if (this.#state.kind !== 'open') return Promise.reject(new QueueClosedError(`put on a ${this.#state.kind} queue`))
    if (this.#putters.length === 0 && this.#fits(item)) {
      this.#accept(item)
      return Promise.resolve()
    }
    return new Promise((resolve, reject) => { this.#putters.push({ item, resolve, reject }) })
  }

  /**
   * Calls back once, as soon as `item` can be offered with success or the consumer has cancelled; at once if that is so
   * now. One callback at a time: a later one replaces an earlier one.
   */
  whenFits (item: T, callback: () => void): void {
    this.#wait({ fits: () => this.#fits(item), callback })
  }

  /** As `whenFits`, for whatever comes next: as soon as the queue is not full. */
  whenRoom (callback: () => void): void {
    this.#wait({ fits: () => !this.full, callback })
  }

  /** Several items are about to come together: the consumer hears of them when all are there, by `uncork`. Changes no limit. */
  cork (): void {
    this.#corked = true
  }

  uncork (): void {
    this.#corked = false
    if (this.#news) this.#tell()
  }

  /** No more items; what is queued can still be taken. Puts that wait are refused. Without effect unless open. */
  close (): void {
    if (this.#state.kind === 'open') this.#settle(CLOSED)
  }

  /** As `close`, but the consumer gets `error` after what is queued. Without effect unless open. */
  fail (error: Error): void {
    if (this.#state.kind === 'open') this.#settle({ kind: 'failed', error })
  }

  // ---- consumer

  /** The next item, if one is queued. */
  poll (): T | undefined {
    this.#onFull = undefined
    if (this.#count === 0) return undefined
    const item = this.#shift()
    this.#refill()
    return item
  }

  /** Whether nothing is to be queued for now: what was taken, and has not gone yet, is as much as may be. */
  hold (held: boolean): void {
    if (this.#held === held) return
    this.#held = held
    if (!held) this.#refill()
  }

  /** All that is queued, in order; an empty array if nothing is. */
  drain (): T[] {
    this.#onFull = undefined
    const items: T[] = []
    while (this.#count > 0) items.push(this.#shift())
    if (items.length > 0) this.#refill()
    return items
  }

  /**
   * The next item, waiting for it if none is queued; `done` after the last one.
   * @throws the producer's error, once everything before it was taken
   */
  next (): Promise<IteratorResult<T, undefined>> {
    const item = this.poll()
    if (item !== undefined) return Promise.resolve({ done: false, value: item })
    if (this.#state.kind === 'failed') return Promise.reject(this.#state.error)
    if (this.#state.kind !== 'open') return Promise.resolve(END)
    return new Promise((resolve, reject) => { this.#takers.push({ resolve, reject }) })
  }

  /**
   * Calls back once, as soon as there is something to poll or the queue has ended; at once if that is so now.
   * One callback at a time: a later one replaces an earlier one.
   *
   * @param tell `complete`: what is queued is all that came together; otherwise more may follow in the same turn
   * @param full called once if the queue is full before the consumer, who may come a little later, has taken anything:
   *   what it takes then spares the producer the wait
   */
  onReadable (tell: (complete: boolean) => void, full?: () => void): void {
    this.#onFull = full
    if (this.#count > 0 || this.#state.kind !== 'open') tell(false)
    else this.#onReadable = tell
  }

  /** The consumer leaves: drops what is queued, refuses waiting puts, aborts `signal`. Without effect once exhausted. */
  cancel (cause?: Error): void {
    if (this.#state.kind === 'cancelled' || this.exhausted) return
    const reason = cause ?? new QueueCancelledError('the consumer cancelled')
    this.#slots.fill(undefined)
    this.#head = 0
    this.#count = 0
    this.#bytes = 0
    this.#settle({ kind: 'cancelled', reason })
    for (const callback of this.#onCancel.splice(0)) callback(reason)
    this.#aborter?.abort(reason)
  }

  /** Leaving the loop early cancels. */
  async * [Symbol.asyncIterator] (): AsyncGenerator<T, undefined, undefined> {
    try {
      for (let result = await this.next(); result.done !== true; result = await this.next()) yield result.value
      return undefined
    } finally {
      this.cancel()
    }
  }

  // ---- inside

  #fits (item: T): boolean {
    return !this.#held && this.#count < this.capacity && (this.#count === 0 || this.#bytes + this.#sizeOf(item) <= this.maxBytes)
  }

  #wait (waiting: Waiting): void {
    this.#waiting = undefined
    if (this.#state.kind !== 'open' || (this.#putters.length === 0 && waiting.fits())) waiting.callback()
    else this.#waiting = waiting
  }

  /** A consumer that is on its way may come at once. */
  #askConsumer (): void {
    const callback = this.#onFull
    this.#onFull = undefined
    callback?.()
  }

  #accept (item: T): void {
    if (this.#takers.length > 0) { // a take waits only while nothing is queued, so handing over keeps the order
      this.#takers.shift()?.resolve({ done: false, value: item })
      return
    }
    this.#slots[(this.#head + this.#count) % this.capacity] = item
    this.#count++
    this.#bytes += this.#sizeOf(item)
    if (this.#onReadable !== undefined) this.#tell()
  }

  #tell (): void {
    if (this.#corked) {
      this.#news = true
      return
    }
    const callback = this.#onReadable
    const complete = this.#news
    this.#onReadable = undefined
    this.#news = false
    callback?.(complete)
  }

  #shift (): T {
    const item = this.#slots[this.#head]
    if (item === undefined) throw new Error('unreachable: an empty slot inside the queue')
    this.#slots[this.#head] = undefined
    this.#count--
    if (this.#count === 0) {
      // Back to the first slot: a queue that holds one item at a time stays in one place of the memory.
      this.#head = 0
      this.#bytes = 0
    } else {
      this.#head = (this.#head + 1) % this.capacity
      this.#bytes -= this.#sizeOf(item)
    }
    return item
  }

  /** Room was made: waiting puts first, then whoever asked to be told. */
  #refill (): void {
    for (let putter = this.#putters[0]; putter !== undefined && this.#fits(putter.item); putter = this.#putters[0]) {
      this.#putters.shift()
      this.#accept(putter.item)
      putter.resolve()
    }
    if (this.#waiting !== undefined && this.#putters.length === 0 && this.#waiting.fits()) this.#wakeProducer()
  }

  #settle (state: QueueState): void {
    this.#state = state
    for (const putter of this.#putters.splice(0)) {
      putter.reject(state.kind === 'cancelled' ? state.reason : new QueueClosedError(`the queue was ${state.kind}`))
    }
    for (const taker of this.#takers.splice(0)) {
      if (state.kind === 'failed') taker.reject(state.error)
      else taker.resolve(END)
    }
    this.#onFull = undefined
    if (this.#onReadable !== undefined) this.#tell()
    this.#wakeProducer()
  }

  #wakeProducer (): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.callback()
  }
}
