/**
 * The resumable streams of one replica: keeps them in memory for readers here, and writes them behind, several at once, to
 * the store that readers elsewhere read from. What is sent never waits for what is stored.
 */
import type { BatchEncoder } from '../streams/batch-pump.ts'
import { BatchPump } from '../streams/batch-pump.ts'
import type { BoundedQueue } from '../streams/bounded-queue.ts'
import { FramesGoneError } from './frame-source.ts'
import type { FrameSource } from './frame-source.ts'
import { inTime } from './in-time.ts'
import type { Schedule } from './in-time.ts'
import { LiveStream } from './live-stream.ts'
import { RequestClaims } from './request-claims.ts'
import type { Claimed } from './request-claims.ts'
import { READ_TIMEOUT_MS, StoredFrames } from './stored-frames.ts'
import type { NewStream, Ownership, RequestClaim, StoredStream, StreamStore, StreamWrite } from './stream-store.ts'

export interface StreamLogOptions {
  readonly store: StreamStore
  /** This replica's name, unique to this run of the process. */
  readonly owner: string
  /** How long a stream that nobody reads goes on, and how long one that has ended is kept, in ms. */
  readonly ttlMs: number
  /** Memory for the newest frames of one stream, in bytes. Default 256 KiB. */
  readonly maxBytes?: number | undefined
  /** Monotonic clock, ms. */
  readonly now: () => number
  readonly schedule: Schedule
  /** The frame that ends a stream whose replica has died. */
  readonly lastFrame: (id: number) => string
  /** Told once when the store begins to fail, and once when it is well again. */
  readonly onStore: (event: { readonly kind: 'lost', readonly error: unknown } | { readonly kind: 'back' }) => void
}

/** A stream to keep. */
export interface StreamToKeep {
  readonly begun: NewStream
  readonly queue: BoundedQueue<string>
  readonly frames: BatchEncoder<string>
  /** Ends its upstream request: nobody came back for it, or it was deleted. */
  readonly onAbandon: () => void
}

const DEFAULT_MAX_BYTES = 256 * 1024
/** What is new waits so long for company, in ms. */
const FLUSH_MS = 20
/** A write that takes longer than this has failed, in ms. */
const WRITE_TIMEOUT_MS = 5_000
/** After a failure the store is left alone for so long, in ms. */
const RETRY_MS = 1_000
/** How often a replica says that it lives, in ms. */
const BEAT_MS = 1_000
/** What one write holds at most, in characters of frames; one stream's may be more. */
const WRITE_SIZE = 512 * 1024
/** How often, and how far apart (ms), a stream is looked for that is not there yet. */
const LOOKS = 4
const LOOK_AGAIN_MS = 100
const MIN_SWEEP_MS = 1_000
const MAX_SWEEP_MS = 60_000

/** See the top of the file. */
export class StreamLog {
  readonly #options: StreamLogOptions
  /** Streams of this replica that run, or are not stored whole, or are read here. */
  readonly #live = new Map<string, LiveStream>()
  readonly #dirty = new Set<LiveStream>()
  readonly #claims: RequestClaims
  /** Readers here of streams elsewhere. */
  readonly #following = new Map<string, Set<StoredFrames>>()
  #flushing: Promise<void> | undefined
  #callOffFlush: (() => void) | undefined
  #callOffBeat: (() => void) | undefined
  #callOffSweep: (() => void) | undefined
  #stopWatching: (() => Promise<void>) | undefined
  #failing = false
  /** When the store answered last. */
  #wellAt = 0
  #closed = false

  constructor (options: StreamLogOptions) {
    this.#options = options
    this.#claims = new RequestClaims(options)
    this.#sweepLater()
  }

  /** Streams of this replica that are in its memory. */
  get size (): number { return this.#live.size }

  /** Whether a request that its caller has named is to be made. Never rejects. */
  async claim (claim: RequestClaim): Promise<Claimed> {
    this.#beatLater()
    return await this.#claims.claim(claim)
  }

  /** Frees the name of a request that failed: the next one is made anew. Never rejects. */
  async release (id: string): Promise<void> {
    await this.#claims.release(id)
  }

  /** Joins a stream from its start as soon as it has begun; undefined if it never did. */
  async joinBegun (id: string, caller: string | null): Promise<{ readonly target: string, readonly source: FrameSource } | undefined> {
    await this.#claims.begun(id)
    const joined = await this.join(id, caller, 0)
    if (joined === undefined || joined.target !== '') return joined
    try {
      const first = await joined.source.next()
      const target = (await this.#find(id, 0))?.target ?? ''
      return { target, source: withFirst(first, joined.source) }
    } catch (error) {
      if (error instanceof FramesGoneError) return undefined
      throw error
    }
  }

  /** Keeps a stream: takes its chunks from now on, whether somebody reads or not. Read it by `join`. */
  keep ({ begun, queue, frames, onAbandon }: StreamToKeep): LiveStream {
    const { maxBytes = DEFAULT_MAX_BYTES, ttlMs, schedule } = this.#options
    const stream = new LiveStream({
      begun,
      maxBytes,
      ttlMs,
      schedule,
      onAbandon,
      storeFails: () => this.#failing,
      onDirty: stream => this.#isDirty(stream),
      onIdle: stream => this.#dropIfDone(stream),
      stored: afterId => this.#stored(begun.id, afterId)
    })
    this.#live.set(begun.id, stream)
    this.#claims.begins(begun.id)
    this.#isDirty(stream)
    this.#beatLater()
    stream.run(new BatchPump(queue, frames, stream))
    return stream
  }

  /**
   * The frames of a stream after the one given (0: from its start), live until it ends; undefined where the caller has no
   * such stream.
   * @throws whatever the store rejects with
   */
  async join (id: string, caller: string | null, afterId: number): Promise<{ readonly target: string, readonly source: FrameSource } | undefined> {
    const live = this.#live.get(id)
    if (live !== undefined) {
      return live.begun.caller === caller && live.isKept ? { target: live.begun.target, source: live.read(afterId) } : undefined
    }
    const stored = await this.#find(id, afterId)
    if (stored === undefined || stored.caller !== caller || stored.state === 'deleted') return undefined
    return { target: stored.target, source: this.#stored(id, afterId) }
  }

  /** Looks a few times: a client may be quicker at another replica than the first write of its stream is. */
  async #find (id: string, afterId: number): Promise<StoredStream | undefined> {
    for (let looks = 1; ; looks++) {
      const stored = await inTime(this.#options.store.read(id, afterId), READ_TIMEOUT_MS, this.#options.schedule)
      if (stored !== undefined || looks === LOOKS) return stored
      await new Promise<void>(resolve => { this.#options.schedule(LOOK_AGAIN_MS, resolve) })
    }
  }

  /** Ends a stream wherever it runs, and forgets its frames. False where the caller has no such stream. */
  async remove (id: string, caller: string | null): Promise<boolean> {
    const live = this.#live.get(id)
    const known = live?.begun ?? await this.#find(id, 0)
    if (known === undefined || known.caller !== caller || ('state' in known && known.state === 'deleted')) return false
    live?.disown()
    await this.#options.store.remove(id)
    return true
  }

  /** Writes what waits, for at most `ms`, and ends. */
  async close (ms: number): Promise<void> {
    this.#closed = true
    this.#callOffBeat?.()
    this.#callOffSweep?.()
    this.#callOffFlush?.()
    this.#failing = false
    await inTime((async () => {
      await this.#flushing
      await this.#stopWatching?.()
      while (this.#dirty.size > 0 && !this.#failing) await this.#flush()
    })(), ms, this.#options.schedule).catch(() => {})
    for (const stream of this.#live.values()) stream.close()
    for (const readers of this.#following.values()) for (const reader of [...readers]) reader.close()
  }

  #stored (id: string, afterId: number): StoredFrames {
    const { store, now, schedule, lastFrame } = this.#options
    this.#stopWatching ??= store.watch?.(changed => {
      for (const reader of this.#following.get(changed) ?? []) reader.wake()
    })
    const readers = this.#following.get(id) ?? new Set()
    const source: StoredFrames = new StoredFrames({
      store,
      id,
      afterId,
      now,
      schedule,
      lastFrame,
      onClose: () => {
        readers.delete(source)
        if (readers.size === 0) this.#following.delete(id)
      }
    })
    readers.add(source)
    this.#following.set(id, readers)
    return source
  }

  #isDirty (stream: LiveStream): void {
    if (!stream.isKept) return this.#dropIfDone(stream)
    this.#dirty.add(stream)
    this.#flushLater(FLUSH_MS)
  }

  #flushLater (ms: number): void {
    if (this.#callOffFlush !== undefined || this.#flushing !== undefined || this.#closed) return
    this.#callOffFlush = this.#options.schedule(ms, () => {
      this.#callOffFlush = undefined
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined
        if (this.#dirty.size > 0) this.#flushLater(this.#failing ? RETRY_MS : FLUSH_MS)
      })
    })
  }

  /** Writes once; what was not written stays dirty. Never rejects. */
  async #flush (): Promise<void> {
    const { store, owner, ttlMs, schedule, now } = this.#options
    const askedAt = now()
    const batch = new Map<LiveStream, StreamWrite>()
    let size = 0
    for (const stream of this.#dirty) {
      if (size >= WRITE_SIZE) break
      if (!stream.isKept) {
        this.#dirty.delete(stream)
        continue
      }
      const segment = stream.log.unsaved()
      size += segment?.text.length ?? 0
      batch.set(stream, { id: stream.id, begun: stream.isStored ? undefined : stream.begun, segment, ended: stream.log.ended })
      this.#dirty.delete(stream)
    }
    if (batch.size === 0) return
    try {
      const ownership = await inTime(store.write(owner, [...batch.values()], ttlMs), WRITE_TIMEOUT_MS, schedule)
      this.#recovered()
      for (const [stream, { segment, ended }] of batch) {
        stream.isStored = true
        stream.log.savedThrough(segment?.lastId ?? 0)
        if (ended) this.#dropIfDone(stream)
      }
      this.#obey(ownership)
    } catch (error) {
      for (const stream of batch.keys()) this.#dirty.add(stream)
      this.#failed(error, askedAt)
    }
  }

  #dropIfDone (stream: LiveStream): void {
    const { log } = stream
    if (log.ended && log.readers === 0 && (log.isSaved || !stream.isKept)) {
      this.#live.delete(stream.id)
      this.#claims.forget(stream.id) // the store knows its name
    }
  }

  #beatLater (): void {
    if (this.#callOffBeat !== undefined || this.#closed) return
    this.#callOffBeat = this.#options.schedule(BEAT_MS, () => {
      void this.#beat().finally(() => {
        this.#callOffBeat = undefined
        if (this.#live.size + this.#claims.unbegun.size > 0) this.#beatLater()
      })
    })
  }

  async #beat (): Promise<void> {
    const { store, owner, ttlMs, schedule, now } = this.#options
    const askedAt = now()
    const ids = [...this.#claims.unbegun, ...[...this.#live.values()].filter(stream => stream.isStored && stream.isKept && !stream.log.ended).map(({ id }) => id)]
    if (ids.length === 0) return
    try {
      this.#obey(await inTime(store.beat(owner, ids, ttlMs), WRITE_TIMEOUT_MS, schedule))
      this.#recovered()
    } catch (error) {
      this.#failed(error, askedAt)
    }
  }

  /** Streams that are not ours any more, or shall end. */
  #obey ({ lost, deleted }: Ownership): void {
    for (const id of [...lost, ...deleted]) {
      const stream = this.#live.get(id)
      if (stream === undefined) continue
      stream.disown()
      this.#dropIfDone(stream)
    }
  }

  #failed (error: unknown, askedAt: number): void {
    if (askedAt < this.#wellAt) return // what was asked before it froze says nothing any more
    if (!this.#failing) this.#options.onStore({ kind: 'lost', error })
    this.#failing = true
    for (const { log } of this.#live.values()) log.review()
  }

  #recovered (): void {
    this.#wellAt = this.#options.now()
    if (!this.#failing) return
    this.#failing = false
    this.#options.onStore({ kind: 'back' })
  }

  #sweepLater (): void {
    if (this.#closed) return
    const { ttlMs, schedule, store } = this.#options
    this.#callOffSweep = schedule(Math.min(Math.max(ttlMs, MIN_SWEEP_MS), MAX_SWEEP_MS), () => {
      // Another replica does it as well, or this one next time.
      store.sweep().catch(() => {}).finally(() => this.#sweepLater())
    })
  }
}

function withFirst (first: string | undefined, source: FrameSource): FrameSource {
  let text = first
  return {
    next: async () => {
      if (text === undefined) return await source.next()
      const begun = text
      text = undefined
      return begun
    },
    close: () => source.close()
  }
}
