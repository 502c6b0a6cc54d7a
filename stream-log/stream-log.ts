/**
 * The resumable streams of one replica: keeps them in memory for readers here, and writes them behind, several at once, to
 * the store that readers elsewhere read from. What is sent does not wait for that, but for streams that another replica may carry
 * on: of these, only what is stored is sent.
 */
import type { BatchEncoder } from '../streams/batch-pump.ts'
import { BatchPump } from '../streams/batch-pump.ts'
import type { BoundedQueue } from '../streams/bounded-queue.ts'
import { FramesGoneError } from './frame-source.ts'
import type { FrameSource } from './frame-source.ts'
import { lastIdOf } from './frame-text.ts'
import { inTime } from './in-time.ts'
import type { Schedule } from './in-time.ts'
import { LiveStream } from './live-stream.ts'
import { RequestClaims } from './request-claims.ts'
import type { Claimed } from './request-claims.ts'
import { READ_TIMEOUT_MS } from './stored-frames.ts'
import { StoredReaders } from './stored-readers.ts'
import type { NewStream, Ownership, RequestClaim, StoredStream, StreamStore, TakenStream } from './stream-store.ts'
import { StreamWriter } from './stream-writer.ts'
import type { StoreEvent } from './stream-writer.ts'

export interface StreamLogOptions {
  readonly store: StreamStore
  /** This replica's name, unique to this run of the process. */
  readonly owner: string
  /** How long a stream that nobody reads goes on, and how long one that has ended is kept, in ms. */
  readonly ttlMs: number
  /** Memory for the newest frames of one stream, in bytes. Default 128 KiB. */
  readonly maxBytes?: number | undefined
  /** Monotonic clock, ms. */
  readonly now: () => number
  readonly schedule: Schedule
  /** The frame that ends a stream whose replica has died, by its number and what the others are written in. */
  readonly lastFrame: (id: number, dialect: string) => string
  /** Told once when the store begins to fail, and once when it is well again. */
  readonly onStore: (event: StoreEvent) => void
}

/** A stream to read, from a position on. */
export interface JoinedStream {
  readonly target: string
  /** What its frames are written in. */
  readonly dialect: string
  readonly source: FrameSource
}

/** A stream to keep. */
export interface StreamToKeep {
  readonly begun: NewStream
  readonly queue: BoundedQueue<string>
  readonly frames: BatchEncoder<string>
  /** Ends its upstream request: nobody came back for it, or it was deleted. */
  readonly onAbandon: () => void
}

/**
 * Carries on a stream whose replica is gone: gives what follows the frames that there are, or what ends them.
 * @param said its frames as they are stored, in order, several at a time
 */
export type CarryOn = (taken: TakenStream, said: AsyncIterable<string>) => Promise<Omit<StreamToKeep, 'begun'>>

const DEFAULT_MAX_BYTES = 128 * 1024
/** How often a stream is taken over: what kills each replica that runs it must not kill them all. */
const MAX_TAKEOVERS = 3
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
  readonly #writer: StreamWriter
  readonly #claims: RequestClaims
  readonly #elsewhere: StoredReaders
  #carryOn: CarryOn | undefined
  #callOffSweep: (() => void) | undefined
  /** The replica ends: it takes nothing over. */
  #leaving = false
  #closed = false

  constructor (options: StreamLogOptions) {
    this.#options = options
    this.#claims = new RequestClaims(options)
    this.#elsewhere = new StoredReaders({ ...options, onSilent: async (id, beat) => await this.#succeed(id, beat) })
    this.#writer = new StreamWriter({
      ...options,
      alive: () => [...this.#claims.unbegun, ...[...this.#live.values()].filter(stream => stream.isStored && stream.isKept && !stream.log.ended).map(({ id }) => id)],
      onSaved: stream => this.#dropIfDone(stream),
      onOwnership: ownership => this.#obey(ownership),
      onUnwell: () => {
        for (const { log } of this.#live.values()) {
          log.review()
          log.wakeReaders()
        }
      }
    })
    this.#sweepLater()
  }

  /** Streams of this replica that are in its memory. */
  get size (): number { return this.#live.size }

  /** Whether a request that its caller has named is to be made. Never rejects. */
  async claim (claim: RequestClaim): Promise<Claimed> {
    this.#writer.beatLater()
    return await this.#claims.claim(claim)
  }

  /** Frees the name of a request that failed: the next one is made anew. Never rejects. */
  async release (id: string): Promise<void> {
    await this.#claims.release(id)
  }

  /** Joins a stream from its start as soon as it has begun; undefined if it never did. */
  async joinBegun (id: string, caller: string | null): Promise<JoinedStream | undefined> {
    await this.#claims.begun(id)
    const joined = await this.join(id, caller, 0)
    if (joined === undefined || joined.target !== '') return joined
    try {
      const first = await joined.source.next()
      const target = (await this.#find(id, 0))?.target ?? ''
      return { ...joined, target, source: withFirst(first, joined.source) }
    } catch (error) {
      if (error instanceof FramesGoneError) return undefined
      throw error
    }
  }

  /**
   * From now on streams whose replica is gone are carried on here, when somebody asks for them: those that are kept with their
   * `request`.
   */
  carryOnBy (carryOn: CarryOn): void { this.#carryOn = carryOn }

  /**
   * Keeps a stream: takes its chunks from now on, whether somebody reads or not. Read it by `join`. With its `request` another
   * replica may carry it on, so readers are shown only what is saved; not where the store takes nothing as it begins.
   */
  keep ({ begun, ...rest }: StreamToKeep): LiveStream {
    return this.#run({ begun: this.#writer.failing ? { ...begun, request: undefined } : begun, ...rest }, undefined)
  }

  /** Replaces the `request` of a stream that is kept with one. Never rejects: where the store fails, it stays what it was. */
  async renew (id: string, request: string): Promise<void> {
    const live = this.#live.get(id)
    if (live?.savedFirst !== true) return
    live.renew(request)
    await this.#options.store.renew(this.#options.owner, id, request).catch(() => {})
  }

  #run ({ begun, queue, frames, onAbandon }: StreamToKeep, after: number | undefined): LiveStream {
    const { maxBytes = DEFAULT_MAX_BYTES, ttlMs, schedule } = this.#options
    const stream = new LiveStream({
      begun,
      after,
      maxBytes,
      ttlMs,
      schedule,
      onAbandon,
      storage: this.#writer,
      onDirty: stream => this.#isDirty(stream),
      onIdle: stream => this.#dropIfDone(stream),
      stored: afterId => this.#elsewhere.read(begun.id, afterId)
    })
    this.#live.set(begun.id, stream)
    this.#claims.begins(begun.id)
    this.#isDirty(stream)
    this.#writer.beatLater()
    stream.run(new BatchPump(queue, frames, stream))
    return stream
  }

  /**
   * The frames of a stream after the one given (0: from its start), live until it ends; undefined where the caller has no
   * such stream.
   * @throws whatever the store rejects with
   */
  async join (id: string, caller: string | null, afterId: number): Promise<JoinedStream | undefined> {
    const live = this.#live.get(id)
    if (live !== undefined) {
      const { target, dialect } = live.begun
      return live.begun.caller === caller && live.isKept ? { target, dialect, source: live.read(afterId) } : undefined
    }
    const stored = await this.#find(id, afterId)
    if (stored === undefined || stored.caller !== caller || stored.state === 'deleted') return undefined
    return { target: stored.target, dialect: stored.dialect, source: this.#elsewhere.read(id, afterId) }
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
    live?.disown(true)
    await this.#options.store.remove(id)
    return true
  }

  /**
   * The replica ends: lets go of streams that another one can carry on, saved to their last frame, and sends all readers there.
   * For at most `ms`; never rejects.
   * @returns how many readers have to be told yet
   */
  async handOver (ms: number): Promise<number> {
    this.#leaving = true
    const { store, owner, schedule } = this.#options
    const streams = [...this.#live.values()].filter(stream => stream.savedFirst && stream.isKept && !stream.log.ended)
    for (const stream of streams) stream.suspend()
    if (streams.length > 0) {
      await inTime((async () => {
        await this.#writer.drain(ms)
        await store.handOver(owner, streams.map(({ id }) => id))
      })(), ms, schedule).catch(() => {}) // then others find that they are silent
    }
    for (const stream of streams) {
      this.#live.delete(stream.id)
      this.#claims.forget(stream.id)
      stream.moved()
    }
    return this.#elsewhere.moved() + streams.reduce((sum, { log }) => sum + log.readers, 0)
  }

  /** Writes what waits, for at most `ms`, and ends. */
  async close (ms: number): Promise<void> {
    this.#closed = this.#leaving = true
    this.#callOffSweep?.()
    await this.#writer.close(ms)
    await inTime(this.#elsewhere.close(), ms, this.#options.schedule).catch(() => {})
    for (const stream of this.#live.values()) stream.close()
  }

  /** A stream's replica is gone: carries it on here, or ends it. Resolves to whether there may be something new. */
  async #succeed (id: string, beat: string): Promise<boolean> {
    if (this.#leaving) return false
    const { store, owner, ttlMs, schedule, lastFrame } = this.#options
    const carryOn = this.#carryOn
    try {
      const taken = carryOn === undefined ? undefined : await inTime(store.takeOver({ id, beat, owner, ttlMs, atMost: MAX_TAKEOVERS }), READ_TIMEOUT_MS, schedule)
      if (carryOn === undefined || taken === undefined) await inTime(store.declareLost(id, beat, lastFrame), READ_TIMEOUT_MS, schedule)
      else this.#run({ begun: taken.stream, ...await carryOn(taken, this.#framesOf(taken)) }, taken.lastId)
      return true
    } catch {
      return false // who has it then is silent, and is found so again
    }
  }

  async * #framesOf ({ stream: { id }, lastId }: TakenStream): AsyncGenerator<string> {
    const source = this.#elsewhere.read(id, 0)
    try {
      for (let upTo = 0; upTo < lastId;) {
        const text = await source.next()
        if (text === undefined) throw new FramesGoneError(1, upTo)
        upTo = lastIdOf(text)
        yield text
      }
    } finally {
      source.close()
    }
  }

  #isDirty (stream: LiveStream): void {
    if (stream.isKept) this.#writer.add(stream)
    else this.#dropIfDone(stream)
  }

  #dropIfDone (stream: LiveStream): void {
    const { log } = stream
    if (!log.ended || log.readers > 0 || !(log.isSaved || !stream.isKept)) return
    if (this.#live.get(stream.id) !== stream) return // somebody had taken it over
    this.#live.delete(stream.id)
    this.#claims.forget(stream.id) // the store knows its name
  }

  /** Streams that are not ours any more, or shall end; and those that are read. */
  #obey ({ lost, deleted, followed }: Ownership): void {
    for (const id of followed) this.#live.get(id)?.followed()
    for (const [ids, areDeleted] of [[lost, false], [deleted, true]] as const) {
      for (const id of ids) {
        const stream = this.#live.get(id)
        if (stream === undefined) continue
        stream.disown(areDeleted)
        if (stream.whose === 'elsewhere') this.#live.delete(id) // who asks from now on is told by the store
        this.#dropIfDone(stream)
      }
    }
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
