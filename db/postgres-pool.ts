import type { SQL } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import { loadPostgres } from './drizzle.ts'
import { PostgresClient } from './postgres-client.ts'
import { DatabaseUnavailableError, errorCode, isAway, TIMEOUT, unavailable } from './unavailable.ts'

/** How long statements that run have when their connections are given up, in ms. */
const CLOSE_GRACE_MS = 5_000
const AWAY = 'the database is away'

interface Current {
  readonly client: PostgresClient
  readonly db: PostgresJsDatabase
  /** Statements that wait for an answer. */
  running: number
}

/**
 * Connections to one PostgreSQL. When a statement is not answered in time, or a connection breaks, all of them are given up and
 * new ones made: what was asked of a server that is frozen or gone piles up no longer than that, and the next statement
 * looks for the server anew. (Nor would postgres.js always use a connection again that broke while it was written to.)
 */
export class PostgresPool {
  readonly #url: string
  readonly #max: number
  readonly #timeoutMs: number
  #current: Current | undefined
  readonly #retired = new Set<Promise<void>>()
  #closed = false

  /**
   * @param max connections at most.
   * @param timeoutMs how long a statement may take.
   */
  constructor (url: string, max: number, timeoutMs: number) {
    this.#url = url
    this.#max = max
    this.#timeoutMs = timeoutMs
  }

  /** Drizzle over the present connections. */
  get db (): PostgresJsDatabase { return this.#connected().db }

  /**
   * Runs one statement and gives its rows.
   * @throws DatabaseUnavailableError the database is away; else drizzle's error, whose `cause` is the driver's
   */
  async execute<T> (query: SQL): Promise<T[]> {
    return await this.use(async ({ db }) => [...await db._.session.all<T>(query)])
  }

  /** Asks over these connections, and gives them up if the answer is that, or takes so long that, the database is away. */
  async use<T> (ask: (current: Current) => Promise<T>, timeoutMs = this.#timeoutMs): Promise<T> {
    if (this.#closed) throw new DatabaseUnavailableError('the database is closed', 'CONNECTION_ENDED')
    const current = this.#connected()
    const late = Promise.withResolvers<never>()
    const timer = setTimeout(() => late.reject(unavailable(AWAY, TIMEOUT)), timeoutMs)
    current.running++
    try {
      return await Promise.race([ask(current), late.promise])
    } catch (error) {
      const code = errorCode(error)
      if (!isAway(code)) throw error
      this.#retire(current, current.running > 1 ? CLOSE_GRACE_MS : 0)
      throw unavailable(AWAY, code)
    } finally {
      clearTimeout(timer)
      current.running--
    }
  }

  /** Ends all connections; waits up to 5 s for running statements. */
  async close (): Promise<void> {
    this.#closed = true
    if (this.#current !== undefined) this.#retire(this.#current, CLOSE_GRACE_MS)
    await Promise.all(this.#retired)
  }

  #connected (): Current {
    if (this.#current === undefined) {
      const { postgres, drizzle } = loadPostgres()
      const client = new PostgresClient({ connect: postgres, url: this.#url, max: this.#max })
      this.#current = { client, db: drizzle({ client: client.sql }), running: 0 }
    }
    return this.#current
  }

  #retire (current: Current, graceMs: number): void {
    if (this.#current !== current) return
    this.#current = undefined
    const closed = current.client.close(graceMs).finally(() => this.#retired.delete(closed))
    this.#retired.add(closed)
  }
}
