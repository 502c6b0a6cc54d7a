import type { BatchEncoder } from '../streams/batch-pump.ts'
import type { ErrorOf } from './dialect.ts'
import { errorFrame } from './error-frame.ts'
import type { Place } from './error-frame.ts'

/** The writer of a stream that nobody can carry on: all that it writes is the frame that says so. */
export class LastWords implements BatchEncoder<string> {
  readonly #dialect: string
  readonly #place: Omit<Place, 'ofStream'>
  readonly #errorOf: ErrorOf

  /** @param dialect as it was stored */
  constructor (dialect: string, place: Omit<Place, 'ofStream'>, errorOf: ErrorOf) {
    this.#dialect = dialect
    this.#place = place
    this.#errorOf = errorOf
  }

  encode (): string { return '' }

  /** Never the end of a whole answer. */
  end (): string { return this.fail(new Error('a stream that nobody can carry on has ended in order')) }

  fail (error: Error): string { return errorFrame(this.#dialect, this.#errorOf(error), { ...this.#place, ofStream: true }) }
}
