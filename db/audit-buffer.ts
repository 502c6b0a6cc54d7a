/**
 * Attempts on their way to the audit log: nobody waits for the write, and memory stays bounded while the database is away.
 */
import type { AttemptRecord } from '../breaker/attempt.ts'
import type { AttemptRow } from './audit.ts'
import { uuidv7 } from './uuid.ts'

/** How many rows wait at most; beyond it the oldest is dropped and counted. */
export const AUDIT_CAPACITY = 10_000
/** How many rows one statement writes at most. */
export const AUDIT_BATCH = 500
/** How long one write may take, in ms: a frozen database answers never, not late. */
export const AUDIT_WRITE_TIMEOUT_MS = 5_000

const FIRST_PAUSE_MS = 1_000
const LONGEST_PAUSE_MS = 30_000

/** What a buffer needs. Clock and timer come in, so that tests can rule them. */
export interface AuditBufferOptions {
  /** Writes rows; may be given the same rows again when an earlier try failed or took too long. */
  readonly write: (rows: readonly AttemptRow[]) => Promise<void>
  /** Notes that `lost` rows are missing, the first of them dropped `sinceMs` ago. */
  readonly writeGap: (lost: number, sinceMs: number) => Promise<void>
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
  readonly id: string
  readonly record: AttemptRecord
  readonly at: number
}

/** A bounded queue of attempts with one writer. */
export class AuditBuffer {
  readonly #options: AuditBufferOptions
  #waiting: Waiting[] = []
  /** Rows dropped and not yet on record as a gap. */
  #lost: { count: number, readonly since: number } | undefined
  #dropped = 0
  #flushing: Promise<void> | undefined
  #failures = 0
  #pausedUntil = -Infinity

  constructor (options: AuditBufferOptions) {
    this.#options = options
  }

  /** Rows that wait. */
  get size (): number { return this.#waiting.length }

  /** Rows dropped since the start. */
  get dropped (): number { return this.#dropped }

  /** Adds a row. Never waits, never throws. */
  add (record: AttemptRecord): void {
    this.#waiting.push({ id: uuidv7(), record, at: this.#options.now() })
    this.#trim()
  }

  /** Writes what waits, unless a failure was too recent. Never rejects. */
  async flushUnlessPaused (): Promise<void> {
    if (this.#options.now() >= this.#pausedUntil) await this.flush()
  }

  /** Writes what waits, and the gap if rows were dropped. Stops at the first failure; never rejects. */
  async flush (): Promise<void> {
    // A batch under way has left the waiting rows, and is not written yet.
    if (this.#flushing === undefined && this.#waiting.length === 0 && this.#lost === undefined) return
    this.#flushing ??= this.#writeAll().finally(() => { this.#flushing = undefined })
    await this.#flushing
  }

  async #writeAll (): Promise<void> {
    const { now, onLost, onBack } = this.#options
    try {
      while (this.#waiting.length > 0) await this.#writeBatch()
      await this.#writeGap()
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
    const batch = this.#waiting.splice(0, AUDIT_BATCH)
    try {
      await this.#inTime(write(batch.map(({ id, record, at }) => ({ ...record, id, agoMs: now() - at }))))
    } catch (error) {
      if (isRejection(error)) {
        this.#drop(batch.length)
      } else {
        this.#waiting.unshift(...batch)
        this.#trim()
      }
      throw error
    }
  }

  async #writeGap (): Promise<void> {
    const lost = this.#lost
    if (lost === undefined) return
    this.#lost = undefined
    try {
      await this.#inTime(this.#options.writeGap(lost.count, this.#options.now() - lost.since))
    } catch (error) {
      this.#lose(lost.count, lost.since)
      throw error
    }
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
    const excess = this.#waiting.length - AUDIT_CAPACITY
    if (excess <= 0) return
    this.#waiting.splice(0, excess)
    this.#drop(excess)
  }

  #drop (count: number): void {
    this.#dropped += count
    this.#lose(count, this.#options.now())
  }

  #lose (count: number, since: number): void {
    this.#lost = { count: count + (this.#lost?.count ?? 0), since: Math.min(since, this.#lost?.since ?? since) }
  }
}
