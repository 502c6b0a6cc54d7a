import type { SQL } from 'drizzle-orm'
import type { Database } from './database.ts'
import { loadPgProxy } from './drizzle.ts'
import type { AskOwner, Statement } from './statement.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

/** The owner of the database could not run a statement. `code` is PostgreSQL's SQLSTATE, if it was the database that refused. */
class StatementError extends Error {
  override readonly name = 'StatementError'
  readonly code: string | undefined

  constructor (message: string, code: string | undefined) {
    super(message)
    this.code = code
  }
}

/**
 * The PGlite that another process opened and migrated. Statements take effect one by one, whoever sent them; drizzle's
 * transactions throw, as a transaction's statements would have others between them.
 * Closing it closes nothing: that is the owner's business.
 */
export async function remotePglite (ask: AskOwner): Promise<Database> {
  const { drizzle } = loadPgProxy()
  let closed = false
  const run = async (text: string, params: readonly unknown[], rowMode: Statement['rowMode']): Promise<unknown[]> => {
    if (closed) throw new StatementError('the database is closed', undefined)
    const answer = await ask({ text, params, rowMode })
    if ('error' in answer) throw new StatementError(answer.error, answer.code)
    return answer.rows
  }
  const db = drizzle(async (text, params, method) => ({ rows: await run(text, params, method === 'all' ? 'array' : 'object') }))
  const database: Database = {
    dialect: 'pglite',
    state: { kind: 'open' },
    db,
    execute: async <T>(query: SQL): Promise<T[]> => {
      try {
        return await db._.session.execute<T[]>(query)
      } catch (error) {
        throw ownerIsGone(error) ? new DatabaseUnavailableError('the embedded database is gone') : error
      }
    },
    separate: () => database,
    close: async () => { closed = true }
  }
  return database
}

/** What the database refuses has a code. */
function ownerIsGone (error: unknown): boolean {
  return error instanceof Error && error.cause instanceof StatementError && error.cause.code === undefined
}
