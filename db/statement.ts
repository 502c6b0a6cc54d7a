/**
 * SQL that one process has another one run: PGlite belongs to one process, and to one thread of it.
 */

/** One statement by itself; there are no transactions over several. */
export interface Statement {
  readonly text: string
  readonly params: readonly unknown[]
  /** How a row comes back: by its columns' names, or in their order. */
  readonly rowMode: 'object' | 'array'
}

/** What became of a statement. All of it survives a structured clone. */
export type StatementAnswer =
  | { readonly rows: unknown[] }
  /** `code` is PostgreSQL's SQLSTATE, if the database refused the statement. */
  | { readonly error: string, readonly code?: string | undefined }

/** Has the owner of the database run a statement. Never rejects. */
export type AskOwner = (statement: Statement) => Promise<StatementAnswer>

/** Statements on their way, each waiting for the answer with its number. */
export class UnansweredStatements {
  readonly #waiting = new Map<number, (answer: StatementAnswer) => void>()
  #count = 0
  #lost: StatementAnswer | undefined

  /** Sends a statement by its number; resolves with its answer. */
  async ask (send: (id: number) => void): Promise<StatementAnswer> {
    if (this.#lost !== undefined) return this.#lost
    const id = this.#count++
    return await new Promise(resolve => {
      this.#waiting.set(id, resolve)
      send(id)
    })
  }

  /** The answer to the statement with this number. */
  answer (id: number, answer: StatementAnswer): void {
    this.#waiting.get(id)?.(answer)
    this.#waiting.delete(id)
  }

  /** No answers come any more: this one is for all that wait, and for all that are still to be asked. */
  lose (error: string): void {
    this.#lost = { error }
    for (const resolve of this.#waiting.values()) resolve(this.#lost)
    this.#waiting.clear()
  }
}
