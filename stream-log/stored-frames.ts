import type { FrameSource } from './frame-source.ts'
import { FramesGoneError, StreamMovedError } from './frame-source.ts'
import { framesAfter } from './frame-text.ts'
import { inTime } from './in-time.ts'
import type { Schedule } from './in-time.ts'
import type { StoredStream, StreamStore } from './stream-store.ts'

export interface StoredFramesOptions {
  readonly store: StreamStore
  readonly id: string
  /** The last frame that the reader has. */
  readonly afterId: number
  /** Monotonic clock, ms. */
  readonly now: () => number
  readonly schedule: Schedule
  /**
   * Its replica is silent since this sign of life, or has handed it over: somebody has to take it over, or to end it. Resolves
   * to whether to look again at once; never rejects.
   */
  readonly onSilent: (beat: string) => Promise<boolean>
  /** Told when the source is closed. */
  readonly onClose: () => void
}

/** How long to wait for an announcement before looking all the same, in ms. */
const POLL_MS = 500
/** A replica that gave no sign of life for so long, while the store answered, is dead. */
const SILENT_MS = 4_000
/** Two looks that are further apart than this say nothing of what was between them, in ms. */
const UNBROKEN_MS = 2_000
/** How long one look may take, in ms. */
export const READ_TIMEOUT_MS = 1_000
/** How long the store may fail before a reader is told, in ms. */
const PATIENCE_MS = 5_000

/** The frames of a stream that another replica runs, or ran: read from the store. */
export class StoredFrames implements FrameSource {
  readonly #options: StoredFramesOptions
  #position: number
  #closed = false
  #moved = false
  #wake: (() => void) | undefined
  /** The sign of life seen last, since when, and when the store was last asked with success. */
  #beat: { readonly value: string, since: number, seenAt: number } | undefined
  #failingSince: number | undefined

  constructor (options: StoredFramesOptions) {
    this.#options = options
    this.#position = options.afterId
  }

  async next (): Promise<string | undefined> {
    while (!this.#closed) {
      const stored = await this.#look()
      if (this.#closed) break
      if (stored !== undefined) {
        if (stored === null || stored.state === 'deleted') throw new FramesGoneError(1, 0)
        const text = this.#textOf(stored)
        if (text !== '') return text
        if (stored.state !== 'running') return undefined
        if (this.#moved) throw new StreamMovedError()
        if ((stored.handedOver || this.#isSilent(stored)) && await this.#options.onSilent(stored.beat)) continue
      }
      await this.#changed()
    }
    return undefined
  }

  close (): void {
    if (this.#closed) return
    this.#closed = true
    this.wake()
    this.#options.onClose()
  }

  /** The replica ends: who reads here has to go on at another one. */
  moved (): void {
    this.#moved = true
    this.wake()
  }

  /** There may be something new. */
  wake (): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  /** What the store says; null: there is no such stream; undefined: it does not answer, which is borne for a while. */
  async #look (): Promise<StoredStream | null | undefined> {
    const { store, id, now, schedule } = this.#options
    try {
      const stored = await inTime(store.read(id, this.#position), READ_TIMEOUT_MS, schedule)
      this.#failingSince = undefined
      return stored ?? null
    } catch (error) {
      this.#failingSince ??= now()
      if (now() - this.#failingSince >= PATIENCE_MS) throw error
      return undefined
    }
  }

  /** The stored frames after the position, which moves on; empty where there are none yet. */
  #textOf ({ state, segments, lastId }: StoredStream): string {
    // What a reader has got need not be stored yet; but when nothing will be any more, it was of another end.
    if (this.#position > lastId && state !== 'running') throw new FramesGoneError(1, lastId)
    let text = ''
    for (const segment of segments) {
      if (segment.lastId <= this.#position) continue
      if (segment.firstId > this.#position + 1) {
        if (text !== '') break
        throw new FramesGoneError(segment.firstId, lastId)
      }
      text += segment.firstId === this.#position + 1 ? segment.text : framesAfter(segment.text, this.#position)
      this.#position = segment.lastId
    }
    return text
  }

  /** Whether its replica gave no sign of life for too long, in a time in which we would have seen it. */
  #isSilent ({ beat }: StoredStream): boolean {
    const now = this.#options.now()
    if (this.#beat?.value !== beat || now - this.#beat.seenAt > UNBROKEN_MS) this.#beat = { value: beat, since: now, seenAt: now }
    this.#beat.seenAt = now
    return now - this.#beat.since >= SILENT_MS
  }

  async #changed (): Promise<void> {
    await new Promise<void>(resolve => {
      const cancel = this.#options.schedule(POLL_MS, () => this.wake())
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
