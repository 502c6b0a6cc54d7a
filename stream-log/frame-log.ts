/**
 * The frames of one running stream in the memory of the replica that runs it: a window on the newest of them.
 *
 *     producer ──append──► [ saved │ saved │ not saved yet ] ──► readers, each at a place of its own
 *                            ▲                └─ unsaved() ──► store, `savedThrough`
 *                            └── left out when the window is full; who is behind reads it from the store
 *
 * It is bounded: when it holds `maxBytes` that are not saved, the producer has to wait. Only while the store takes nothing, and
 * everybody here has read it, something is left out that is not saved: then the stream goes on, and cannot be joined elsewhere.
 *
 * Of a stream that another replica may take over, readers are shown what is saved, and nothing else: it is all that the other
 * replica would know of, and what a client has got must not be said a second time in other words.
 */
import { framesAfter, lastIdOf } from './frame-text.ts'

/** Some whole frames in a row. */
export interface Segment {
  readonly firstId: number
  readonly lastId: number
  readonly text: string
}

/** What a reader finds after its position. */
export type FramesFound =
  | { readonly kind: 'frames', readonly text: string }
  /** Nothing yet. */
  | { readonly kind: 'none' }
  /** Nothing any more. */
  | { readonly kind: 'end' }
  /** They are no longer here. */
  | { readonly kind: 'left_out' }

export interface FrameLogOptions {
  /** Bytes that the window may hold; one text that is larger is taken all the same. */
  readonly maxBytes: number
  /** Whether what is not saved may be left out, since the store does not take it and somebody here waits for more. */
  readonly maySkip: () => boolean
  /** There is room again for the producer. */
  readonly onRoom: () => void
  /** Whether readers have to wait until a frame is saved. Default: they get it at once. */
  readonly savedFirst?: boolean | undefined
  /** The number of the last frame that was there before, all of it saved: of a stream that was taken over. Default 0. */
  readonly after?: number | undefined
}

/** What V8 takes for a character at the most. */
const BYTES_PER_CHARACTER = 2

/** One stream's frames. */
export class FrameLog {
  readonly #options: FrameLogOptions
  readonly #segments: Segment[] = []
  readonly #readers = new Set<FrameReader>()
  #bytes = 0
  #lastId: number
  #savedId: number
  #skippedId = 0
  #savedFirst: boolean
  #ended = false
  #full = false

  constructor (options: FrameLogOptions) {
    this.#options = options
    this.#lastId = this.#savedId = options.after ?? 0
    this.#savedFirst = options.savedFirst ?? false
  }

  /** The number of the newest frame. */
  get lastId (): number { return this.#lastId }

  /** The number of the oldest frame that is still here; one more than the newest where none is. */
  get firstId (): number { return this.#segments[0]?.firstId ?? this.#lastId + 1 }

  /** Whether no frame will follow. */
  get ended (): boolean { return this.#ended }

  get bytes (): number { return this.#bytes }

  get readers (): number { return this.#readers.size }

  /** Whether frames were left out that the store never got: then it can tell the stream to nobody. */
  get hasGap (): boolean { return this.#skippedId > 0 }

  /** Whether the store has all of it. */
  get isSaved (): boolean { return this.#ended && this.#savedId === this.#lastId }

  /** The newest frame that readers may see. */
  get #shownId (): number { return this.#savedFirst ? this.#savedId : this.#lastId }

  /** Adds whole frames; false: there is no room for more until `onRoom`. */
  append (text: string): boolean {
    const lastId = lastIdOf(text)
    if (lastId > this.#lastId) {
      this.#segments.push({ firstId: this.#lastId + 1, lastId, text })
      this.#lastId = lastId
      this.#bytes += text.length * BYTES_PER_CHARACTER
      if (!this.#savedFirst) this.wakeReaders()
      this.#trim()
    }
    this.#full = this.#bytes >= this.#options.maxBytes
    return !this.#full
  }

  /** No frame will follow. */
  end (): void {
    this.#ended = true
    this.wakeReaders()
  }

  /** Frames that the store has not got, as one segment; undefined where there are none. */
  unsaved (): Segment | undefined {
    const waiting = this.#newerThan(this.#savedId)
    const first = waiting[0]
    return first === undefined ? undefined : { firstId: first.firstId, lastId: this.#lastId, text: joined(waiting) }
  }

  /** The store has everything up to this frame. */
  savedThrough (id: number): void {
    this.#savedId = Math.max(this.#savedId, id)
    if (this.#savedFirst) this.wakeReaders()
    this.#makeRoom()
  }

  /** Nobody will take the stream over any more: readers are shown what is not saved, too. */
  showAll (): void {
    this.#savedFirst = false
    this.wakeReaders()
  }

  /** Looks again whether something may be left out, as a reader went on or the store became well or unwell. */
  review (): void { this.#makeRoom() }

  /** Has all readers look again. */
  wakeReaders (): void {
    for (const reader of this.#readers) reader.wake()
  }

  /** A reader of what follows the frame with this number. */
  read (afterId: number): FrameReader {
    const reader: FrameReader = new FrameReader(this, afterId, () => {
      this.#readers.delete(reader)
      this.#makeRoom()
    })
    this.#readers.add(reader)
    return reader
  }

  /** What there is after the frame with this number. */
  find (afterId: number): FramesFound {
    const shownId = this.#shownId
    if (afterId >= shownId) return { kind: this.#ended && shownId === this.#lastId ? 'end' : 'none' }
    if (afterId + 1 < this.firstId) return { kind: 'left_out' }
    const newer = this.#newerThan(afterId)
    const shown = shownId === this.#lastId ? newer : newer.filter(({ lastId }) => lastId <= shownId)
    return { kind: 'frames', text: framesAfter(joined(shown), afterId) }
  }

  /** Segments with frames after this one. From the end, as mostly it is the newest that are asked for. */
  #newerThan (id: number): readonly Segment[] {
    let first = this.#segments.length
    while (first > 0 && (this.#segments[first - 1]?.lastId ?? 0) > id) first--
    return this.#segments.slice(first)
  }

  #makeRoom (): void {
    this.#trim()
    if (!this.#full || this.#bytes >= this.#options.maxBytes) return
    this.#full = false
    this.#options.onRoom()
  }

  #trim (): void {
    while (this.#bytes >= this.#options.maxBytes) {
      const oldest = this.#segments[0]
      if (oldest === undefined || !this.#isDispensable(oldest)) return
      this.#segments.shift()
      this.#bytes -= oldest.text.length * BYTES_PER_CHARACTER
    }
  }

  #isDispensable ({ lastId }: Segment): boolean {
    if (lastId <= this.#savedId) return true // a reader who is behind gets it from the store
    for (const { position } of this.#readers) if (position < lastId) return false
    if (this.#savedFirst || !this.#options.maySkip()) return false
    this.#skippedId = lastId
    return true
  }
}

function joined (segments: readonly Segment[]): string {
  return segments.length === 1 ? segments[0]?.text ?? '' : segments.map(({ text }) => text).join('')
}

/** One reader of a log, at its own place. */
export class FrameReader {
  readonly #log: FrameLog
  readonly #onClose: () => void
  #position: number
  #wake: (() => void) | undefined
  #closed = false

  constructor (log: FrameLog, afterId: number, onClose: () => void) {
    this.#log = log
    this.#position = afterId
    this.#onClose = onClose
  }

  /** The number of the last frame that it has read. */
  get position (): number { return this.#position }

  /** What follows, without waiting. It has read it then. */
  take (): FramesFound {
    const found = this.#log.find(this.#position)
    if (found.kind === 'frames') {
      this.#position = lastIdOf(found.text)
      this.#log.review()
    }
    return found
  }

  /** Frames were read from somewhere else, as they are no longer here. */
  skipTo (id: number): void { this.#position = Math.max(this.#position, id) }

  /** Resolves when there may be more, or when the reader was closed. */
  async changed (): Promise<void> {
    if (this.#closed || this.#log.find(this.#position).kind !== 'none') return
    await new Promise<void>(resolve => { this.#wake = resolve })
  }

  /** For the log: there is something new. */
  wake (): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  get closed (): boolean { return this.#closed }

  /** Reads no more. */
  close (): void {
    if (this.#closed) return
    this.#closed = true
    this.wake()
    this.#onClose()
  }
}
