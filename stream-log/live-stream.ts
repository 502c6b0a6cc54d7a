import type { BatchPump, BatchSink } from '../streams/batch-pump.ts'
import { FrameLog } from './frame-log.ts'
import type { FrameReader } from './frame-log.ts'
import { lastIdOf } from './frame-text.ts'
import type { FrameSource } from './frame-source.ts'
import { FramesGoneError } from './frame-source.ts'
import type { Schedule } from './in-time.ts'
import type { NewStream } from './stream-store.ts'

export interface LiveStreamOptions {
  readonly begun: NewStream
  readonly maxBytes: number
  /** How long it goes on while nobody reads it, in ms. */
  readonly ttlMs: number
  readonly schedule: Schedule
  /** Ends its upstream request. */
  readonly onAbandon: () => void
  /** Whether the store takes nothing at present. */
  readonly storeFails: () => boolean
  /** Something is to be stored. */
  readonly onDirty: (stream: LiveStream) => void
  /** Nobody reads it any more, and it has ended. */
  readonly onIdle: (stream: LiveStream) => void
  /** Frames from the store, for a reader who is behind what is here. */
  readonly stored: (afterId: number) => FrameSource
}

/** A resumable stream of this replica: takes what the encoder writes, and gives it to whoever reads. */
export class LiveStream implements BatchSink {
  readonly begun: NewStream
  readonly log: FrameLog
  readonly #options: LiveStreamOptions
  #pump: Pick<BatchPump<string>, 'pull' | 'stop'> | undefined
  #callOff: (() => void) | undefined
  /** The store has heard of it. */
  isStored = false
  /** It was declared lost, or deleted: the store takes nothing of it any more. */
  #disowned = false

  constructor (options: LiveStreamOptions) {
    this.#options = options
    this.begun = options.begun
    this.log = new FrameLog({
      maxBytes: options.maxBytes,
      maySkip: () => options.storeFails() && this.log.readers > 0,
      onRoom: () => this.#pump?.pull()
    })
    this.#awaitReader()
  }

  get id (): string { return this.begun.id }

  /** Whether it is to be stored (any more). */
  get isKept (): boolean { return !this.#disowned && !this.log.hasGap }

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
    return new LiveFrames(this.log, reader, this.#options.stored, () => {
      if (this.log.readers > 0) return
      if (this.log.ended) this.#options.onIdle(this)
      else this.#awaitReader()
    })
  }

  /** It belongs to this replica no longer: its upstream request ends, and its readers are told. */
  disown (): void {
    if (this.#disowned) return
    this.#disowned = true
    this.#options.onAbandon()
  }

  /** The replica ends: nobody is waited for any more. */
  close (): void { this.#callOff?.() }

  #awaitReader (): void {
    this.#callOff = this.#options.schedule(this.#options.ttlMs, () => this.#options.onAbandon())
  }
}

/** Frames from memory; from the store where they are no longer there. */
class LiveFrames implements FrameSource {
  readonly #log: FrameLog
  readonly #reader: FrameReader
  readonly #stored: (afterId: number) => FrameSource
  readonly #onClose: () => void
  #catchingUp: FrameSource | undefined

  constructor (log: FrameLog, reader: FrameReader, stored: (afterId: number) => FrameSource, onClose: () => void) {
    this.#log = log
    this.#reader = reader
    this.#stored = stored
    this.#onClose = onClose
  }

  async next (): Promise<string | undefined> {
    if (this.#reader.position > this.#log.lastId) throw new FramesGoneError(this.#log.firstId, this.#log.lastId)
    while (!this.#reader.closed) {
      const found = this.#reader.take()
      switch (found.kind) {
        case 'frames': return found.text
        case 'end': return undefined
        case 'none':
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
    this.#catchingUp ??= this.#stored(this.#reader.position)
    const text = await this.#catchingUp.next()
    if (text !== undefined) this.#reader.skipTo(lastIdOf(text))
    if (this.#log.find(this.#reader.position).kind !== 'left_out') {
      this.#catchingUp.close()
      this.#catchingUp = undefined
    }
    return text
  }
}
