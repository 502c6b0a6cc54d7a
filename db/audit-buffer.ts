/**
 * Attempts on their way to the audit log: nobody waits for the write, and memory stays bounded while the database is away.
 */
import type { AttemptRecord } from '../breaker/attempt.ts'
import { uuidv7 } from '../breaker/uuid.ts'
import type { AttemptRow, GapRow } from './audit.ts'

/** How many rows wait at most, unless the options say otherwise. */
export const AUDIT_CAPACITY = 10_000
/** How many rows one statement writes at most. */
export const AUDIT_BATCH = 500
/** How long one write may take, in ms: a frozen database answers never, not late. */
export const AUDIT_WRITE_TIMEOUT_MS = 5_000

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 5_000

/** What a buffer needs. Clock and timer come in, so that tests can rule them. */
export interface AuditBufferOptions {
  /** Writes rows; may be given the same rows again when an earlier try failed or took too long. */
  readonly write: (rows: readonly AttemptRow[]) => Promise<void>
  /** Notes that rows are missing; may be given the same gap again likewise. */
  readonly writeGap: (gap: GapRow) => Promise<void>
  /** How many rows wait at most; beyond it the oldest is dropped and counted. Default 10,000. */
  readonly capacity?: number | undefined
  /** Whether the rows themselves are why a write failed, so that trying again is useless. */
  readonly isRejection: (error: unknown) => boolean
  /** Monotonic clock, ms. */
  readonly now: () => number
  /** Runs `callback` after `ms`; gives a function that calls it off. */
  readonly schedule: (ms: number, callback: () => void) => () => void
  /** Told once when writing begins to fail. */
  readonly onLost: (error: unknown) => void
  /** Told once when it works again. */
  readonly onBack: () => void
}

interface Waiting {
  readonly record: AttemptRecord
  readonly at: number
}

/** Rows that were dropped. */
interface Lost {
  readonly count: number
  readonly since: number
}

/**
 * A bounded queue of attempts with one writer. Each attempt ends either as a row or in the count of a gap, and in one of them
 * only: a write that has failed here may take effect all the same, when a frozen database goes on. So its rows are kept
 * until they are known to be written, and a gap that was tried once stays as it is.
 */
export class AuditBuffer {
  readonly #options: AuditBufferOptions
  readonly #capacity: number
  #waiting: Waiting[] = []
  /** Rows that a write was begun for. */
  #underWay: readonly Waiting[] = []
  /** Rows dropped and not yet part of a gap. */
  #lost: Lost | undefined
  /** A gap that a write was begun for. */
  #gap: Lost & { readonly id: string } | undefined
  #dropped = 0
  #flushing: Promise<void> | undefined
  #failures = 0
  #pausedUntil = -Infinity

  constructor (options: AuditBufferOptions) {
    this.#options = options
    this.#capacity = options.capacity ?? AUDIT_CAPACITY
  }

  /** Rows that wait or are being written. */
  get size (): number { return this.#underWay.length + this.#waiting.length }

  /** Rows dropped since the start. */
  get dropped (): number { return this.#dropped }

  /** Whether the last write failed. */
  get isFailing (): boolean { return this.#failures > 0 }

  /** Adds a row. Never waits, never throws. */
  add (record: AttemptRecord): void {
    this.#waiting.push({ record, at: this.#options.now() })
    this.#trim()
  }

  /** Writes what waits, unless a failure was too recent. Never rejects. */
  async flushUnlessPaused (): Promise<void> {
    if (this.#options.now() >= this.#pausedUntil) await this.flush()
  }

  /** Writes what waits, and the gap if rows were dropped. Stops at the first failure; never rejects. */
  async flush (): Promise<void> {
    if (this.#flushing === undefined && this.size === 0 && this.#lost === undefined && this.#gap === undefined) return
    this.#flushing ??= this.#writeAll().finally(() => { this.#flushing = undefined })
    await this.#flushing
  }

  async #writeAll (): Promise<void> {
    const { now, onLost, onBack } = this.#options
    try {
      while (this.size > 0) await this.#writeBatch()
      while (this.#gap !== undefined || this.#lost !== undefined) await this.#writeGap()
      this.#pausedUntil = -Infinity
      if (this.#failures > 0) onBack()
      this.#failures = 0
    } catch (error) {
      this.#pausedUntil = now() + Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, LONGEST_PAUSE_MS)
      if (this.#failures++ === 0) onLost(error)
    }
  }

  async #writeBatch (): Promise<void> {
    const { now, write, isRejection } = this.#options
    if (this.#underWay.length === 0) this.#underWay = this.#waiting.splice(0, AUDIT_BATCH)
    const batch = this.#underWay
    try {
      await this.#inTime(write(batch.map(({ record, at }) => ({ ...record, agoMs: now() - at }))))
    } catch (error) {
      if (!isRejection(error)) throw error
      this.#underWay = []
      this.#drop(batch.length)
      throw error
    }
    this.#underWay = []
  }

  async #writeGap (): Promise<void> {
    if (this.#gap === undefined) {
      if (this.#lost === undefined) return
      this.#gap = { ...this.#lost, id: uuidv7() }
      this.#lost = undefined
    }
    const { id, count, since } = this.#gap
    await this.#inTime(this.#options.writeGap({ id, lost: count, sinceMs: this.#options.now() - since }))
    this.#gap = undefined
  }

  async #inTime (written: Promise<void>): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const cancel = this.#options.schedule(AUDIT_WRITE_TIMEOUT_MS, () => {
        reject(new Error(`the audit log was not written within ${AUDIT_WRITE_TIMEOUT_MS} ms`))
      })
      written.finally(cancel).then(resolve, reject)
    })
  }

  #trim (): void {
    const excess = Math.min(this.size - this.#capacity, this.#waiting.length)
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.#drop(excess)
  }

  #drop (count: number): void {
    const lost = this.#lost ?? { count: 0, since: this.#options.now() }
    this.#lost = { count: lost.count + count, since: lost.since }
    this.#dropped += count
  }
}
