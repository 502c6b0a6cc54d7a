import type { BatchPump, BatchSink } from '../streams/batch-pump.ts'
import { FrameLog } from './frame-log.ts'
import type { FrameReader } from './frame-log.ts'
import { lastIdOf } from './frame-text.ts'
import type { FrameSource } from './frame-source.ts'
import { FramesGoneError, StreamMovedError, StreamUnsavedError } from './frame-source.ts'
import type { Schedule } from './in-time.ts'
import type { NewStream } from './stream-store.ts'

export interface LiveStreamOptions {
  readonly begun: NewStream
  /** The number of its last frame before it came here, where another replica began it. */
  readonly after?: number | undefined
  readonly maxBytes: number
  /** How long it goes on while nobody reads it, in ms. */
  readonly ttlMs: number
  readonly schedule: Schedule
  /** Ends its upstream request. */
  readonly onAbandon: () => void
  /** How the store is: whether it takes nothing at present, and whether it is not waited for any more. */
  readonly storage: { readonly failing: boolean, readonly givenUp: boolean }
  /** Something is to be stored. */
  readonly onDirty: (stream: LiveStream) => void
  /** Nobody reads it any more, and it has ended. */
  readonly onIdle: (stream: LiveStream) => void
  /** Frames from the store, for a reader who is behind what is here. */
  readonly stored: (afterId: number) => FrameSource
}

/**
 * Whose a stream is.
 *
 * - `here`: this replica's, which runs it.
 * - `elsewhere`: it was taken over; its readers here go on from the store.
 * - `moved`: it was handed over as this replica ends; its readers here have to ask another one.
 * - `nobody`: it was declared lost, or deleted.
 */
type Whose = 'here' | 'elsewhere' | 'moved' | 'nobody'

/** A resumable stream of this replica: takes what the encoder writes, and gives it to whoever reads. */
export class LiveStream implements BatchSink {
  readonly log: FrameLog
  /** Whether readers have to wait until a frame is saved, as somebody may take the stream over. */
  readonly savedFirst: boolean
  readonly #options: LiveStreamOptions
  #begun: NewStream
  #pump: Pick<BatchPump<string>, 'pull' | 'stop'> | undefined
  #callOff: (() => void) | undefined
  /** The store has heard of it. */
  isStored: boolean
  #whose: Whose = 'here'

  constructor (options: LiveStreamOptions) {
    this.#options = options
    const { begun, after, maxBytes, storage } = options
    this.#begun = begun
    this.isStored = after !== undefined
    this.savedFirst = begun.request !== undefined
    this.log = new FrameLog({
      maxBytes,
      after,
      savedFirst: this.savedFirst,
      maySkip: () => storage.failing && this.log.readers > 0,
      onRoom: () => this.#pump?.pull()
    })
    this.#awaitReader()
  }

  get begun (): NewStream { return this.#begun }

  get id (): string { return this.begun.id }

  /** What another replica has to know to carry it on has changed. */
  renew (request: string): void { this.#begun = { ...this.#begun, request } }

  get whose (): Whose { return this.#whose }

  /** Whether it is to be stored (any more). */
  get isKept (): boolean { return this.#whose === 'here' && !this.log.hasGap }

  /** Begins to take frames. */
  run (pump: Pick<BatchPump<string>, 'pull' | 'stop'>): void {
    this.#pump = pump
    pump.pull()
  }

  write (text: string): boolean {
    const room = this.log.append(text)
    this.#options.onDirty(this)
    return room
  }

  end (text: string): void {
    if (text !== '') this.log.append(text)
    this.#ended()
  }

  /** Somebody cancelled the queue, who is told by other means; or the encoder has no words, which ours always have. */
  abort (): void { this.#ended() }

  #ended (): void {
    this.log.end()
    this.#callOff?.()
    this.#options.onDirty(this)
    if (this.log.readers === 0) this.#options.onIdle(this)
  }

  /** The frames after this one, and those to come. */
  read (afterId: number): FrameSource {
    this.#callOff?.()
    const reader = this.log.read(afterId)
    return new LiveFrames(this, reader, this.#options, () => {
      if (this.log.readers > 0) return
      if (this.log.ended || this.#whose !== 'here') this.#options.onIdle(this)
      else this.#awaitReader()
    })
  }

  /** Somebody reads it at another replica. */
  followed (): void {
    if (this.log.readers > 0 || this.log.ended) return
    this.#callOff?.()
    this.#awaitReader()
  }

  /**
   * It belongs to this replica no longer: its upstream request ends.
   * @param deleted whether its readers are to be told so; otherwise they go on elsewhere, where somebody may have taken it over
   */
  disown (deleted: boolean): void {
    if (this.#whose !== 'here') return
    this.#whose = this.savedFirst && !deleted ? 'elsewhere' : 'nobody'
    if (this.#whose === 'elsewhere') this.log.wakeReaders()
    else this.log.showAll()
    this.#options.onAbandon()
  }

  /** Its upstream request ends at once, and nothing more is taken, for another replica to carry it on. */
  suspend (): void { this.#pump?.stop() }

  /** It was handed over. */
  moved (): void {
    this.#callOff?.()
    this.#whose = 'moved'
    this.log.wakeReaders()
  }

  /** The replica ends: nobody is waited for any more. */
  close (): void { this.#callOff?.() }

  #awaitReader (): void {
    this.#callOff = this.#options.schedule(this.#options.ttlMs, () => this.#options.onAbandon())
  }
}

/** Frames from memory; from the store where they are no longer there. */
class LiveFrames implements FrameSource {
  readonly #stream: LiveStream
  readonly #log: FrameLog
  readonly #reader: FrameReader
  readonly #options: Pick<LiveStreamOptions, 'stored' | 'storage'>
  readonly #onClose: () => void
  #catchingUp: FrameSource | undefined

  constructor (stream: LiveStream, reader: FrameReader, options: Pick<LiveStreamOptions, 'stored' | 'storage'>, onClose: () => void) {
    this.#stream = stream
    this.#log = stream.log
    this.#reader = reader
    this.#options = options
    this.#onClose = onClose
  }

  async next (): Promise<string | undefined> {
    if (this.#reader.position > this.#log.lastId) throw new FramesGoneError(this.#log.firstId, this.#log.lastId)
    while (!this.#reader.closed) {
      if (this.#stream.whose === 'elsewhere') return await this.#catchUp()
      const found = this.#reader.take()
      switch (found.kind) {
        case 'frames': return found.text
        case 'end': return undefined
        case 'none':
          if (this.#stream.whose === 'moved') throw new StreamMovedError()
          if (this.#stream.savedFirst && this.#options.storage.givenUp) throw new StreamUnsavedError()
          await this.#reader.changed()
          break
        case 'left_out': {
          if (this.#log.hasGap) throw new FramesGoneError(this.#log.firstId, this.#log.lastId)
          return await this.#catchUp()
        }
      }
    }
    return undefined
  }

  close (): void {
    if (this.#reader.closed) return
    this.#catchingUp?.close()
    this.#reader.close()
    this.#onClose()
  }

  async #catchUp (): Promise<string | undefined> {
    this.#catchingUp ??= this.#options.stored(this.#reader.position)
    const text = await this.#catchingUp.next()
    if (text !== undefined) this.#reader.skipTo(lastIdOf(text))
    if (this.#stream.whose !== 'elsewhere' && this.#log.find(this.#reader.position).kind !== 'left_out') {
      this.#catchingUp.close()
      this.#catchingUp = undefined
    }
    return text
  }
}
