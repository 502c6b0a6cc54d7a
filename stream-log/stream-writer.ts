import { inTime } from './in-time.ts'
import type { Schedule } from './in-time.ts'
import type { LiveStream } from './live-stream.ts'
import type { Ownership, StreamStore, StreamWrite } from './stream-store.ts'

export interface StreamWriterOptions {
  readonly store: StreamStore
  /** This replica's name. */
  readonly owner: string
  /** How long what is written is kept, in ms. */
  readonly ttlMs: number
  /** Monotonic clock, ms. */
  readonly now: () => number
  readonly schedule: Schedule
  /** Streams to give signs of life for. */
  readonly alive: () => readonly string[]
  /** All that the store is given of a stream, up to and with its end, it has. */
  readonly onSaved: (stream: LiveStream) => void
  readonly onOwnership: (ownership: Ownership) => void
  /** Told once when the store begins to fail, and once when it is well again. */
  readonly onStore: (event: StoreEvent) => void
  /** Told each time that it fails, and when it is not waited for any more. */
  readonly onUnwell: () => void
}

/** What becomes of the store. */
export type StoreEvent = { readonly kind: 'lost', readonly error: unknown } | { readonly kind: 'back' }

/** What is new waits so long for company, in ms; not where readers wait for it. */
const FLUSH_MS = 20
/** A write that takes longer than this has failed, in ms. */
const WRITE_TIMEOUT_MS = 5_000
/** After a failure the store is left alone for so long, in ms. */
const RETRY_MS = 1_000
/** How often a replica says that it lives, in ms. */
const BEAT_MS = 1_000
/** What one write holds at most, in characters of frames; one stream's may be more. */
const WRITE_SIZE = 512 * 1024
/** How long the store may fail before those who wait for it are told, in ms. */
const PATIENCE_MS = 30_000

/** Brings streams to the store: several in one write, one write at a time, and signs of life between them. */
export class StreamWriter {
  readonly #options: StreamWriterOptions
  readonly #dirty = new Set<LiveStream>()
  #flushing: Promise<void> | undefined
  #callOffFlush: (() => void) | undefined
  /** Whether the flush that is called off so will come as soon as can be. */
  #soon = false
  #callOffBeat: (() => void) | undefined
  #callOffPatience: (() => void) | undefined
  #failing = false
  #givenUp = false
  /** When the store answered last. */
  #wellAt = 0
  #closed = false

  constructor (options: StreamWriterOptions) {
    this.#options = options
  }

  /** Whether the store takes nothing at present. */
  get failing (): boolean { return this.#failing }

  /** Whether it has taken nothing for so long that it is not waited for. */
  get givenUp (): boolean { return this.#givenUp }

  /** Something of this stream is to be stored. */
  add (stream: LiveStream): void {
    this.#dirty.add(stream)
    this.#flushLater(stream.savedFirst ? 0 : FLUSH_MS)
  }

  /** There is something to give signs of life for. */
  beatLater (): void {
    if (this.#callOffBeat !== undefined || this.#closed) return
    this.#callOffBeat = this.#options.schedule(BEAT_MS, () => {
      void this.#beat().finally(() => {
        this.#callOffBeat = undefined
        if (this.#options.alive().length > 0) this.beatLater()
      })
    })
  }

  /** Writes all that waits, unless the store fails, for at most `ms`. Never rejects. */
  async drain (ms: number): Promise<void> {
    this.#callOffFlush?.()
    this.#callOffFlush = undefined
    await inTime((async () => {
      await this.#flushing
      do await this.#flush() // also where it has just failed
      while (this.#dirty.size > 0 && !this.#failing)
    })(), ms, this.#options.schedule).catch(() => {})
  }

  /** Writes what waits, for at most `ms`, and nothing from then on. Never rejects. */
  async close (ms: number): Promise<void> {
    this.#closed = true
    this.#callOffBeat?.()
    this.#callOffPatience?.()
    await this.drain(ms)
  }

  #flushLater (ms: number): void {
    if (this.#flushing !== undefined || this.#closed) return
    if (this.#callOffFlush !== undefined) {
      if (ms > 0 || this.#soon) return
      this.#callOffFlush()
    }
    this.#soon = ms === 0
    this.#callOffFlush = this.#options.schedule(ms, () => {
      this.#callOffFlush = undefined
      this.#flushing = this.#flush().finally(() => {
        this.#flushing = undefined
        if (this.#dirty.size > 0) this.#flushLater(this.#failing ? RETRY_MS : this.#isUrgent() ? 0 : FLUSH_MS)
      })
    })
  }

  #isUrgent (): boolean {
    for (const { savedFirst } of this.#dirty) if (savedFirst) return true
    return false
  }

  /** Writes once; what was not written stays dirty. Never rejects. */
  async #flush (): Promise<void> {
    const { store, owner, ttlMs, schedule, now, onSaved, onOwnership } = this.#options
    const askedAt = now()
    const batch = new Map<LiveStream, StreamWrite>()
    let size = 0
    for (const stream of this.#dirty) {
      if (size >= WRITE_SIZE) break
      this.#dirty.delete(stream)
      if (!stream.isKept) continue
      const segment = stream.log.unsaved()
      size += segment?.text.length ?? 0
      batch.set(stream, { id: stream.id, begun: stream.isStored ? undefined : stream.begun, segment, ended: stream.log.ended })
    }
    if (batch.size === 0) return
    try {
      const ownership = await inTime(store.write(owner, [...batch.values()], ttlMs), WRITE_TIMEOUT_MS, schedule)
      this.#recovered()
      const lost = new Set(ownership.lost)
      for (const [stream, { id, segment, ended }] of batch) {
        if (lost.has(id)) continue // it was not taken
        stream.isStored = true
        stream.log.savedThrough(segment?.lastId ?? 0)
        if (ended) onSaved(stream)
      }
      onOwnership(ownership)
    } catch (error) {
      for (const stream of batch.keys()) this.#dirty.add(stream)
      this.#failed(error, askedAt)
    }
  }

  async #beat (): Promise<void> {
    const { store, owner, ttlMs, schedule, now, alive, onOwnership } = this.#options
    const askedAt = now()
    const ids = alive()
    if (ids.length === 0) return
    try {
      onOwnership(await inTime(store.beat(owner, ids, ttlMs), WRITE_TIMEOUT_MS, schedule))
      this.#recovered()
    } catch (error) {
      this.#failed(error, askedAt)
    }
  }

  #failed (error: unknown, askedAt: number): void {
    if (askedAt < this.#wellAt) return // what was asked before it froze says nothing any more
    const { onStore, onUnwell, schedule } = this.#options
    if (!this.#failing) {
      this.#failing = true
      if (!this.#closed) {
        this.#callOffPatience = schedule(PATIENCE_MS, () => {
          this.#givenUp = true
          onUnwell()
        })
      }
      onStore({ kind: 'lost', error })
    }
    onUnwell()
  }

  #recovered (): void {
    this.#wellAt = this.#options.now()
    if (!this.#failing) return
    this.#failing = this.#givenUp = false
    this.#callOffPatience?.()
    this.#options.onStore({ kind: 'back' })
  }
}
