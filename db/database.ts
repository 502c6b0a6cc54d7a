/**
 * One way to run SQL, whether PostgreSQL answers over a socket, or PGlite inside this process or another.
 */
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { DatabaseUnavailableError } from './unavailable.ts'

/** Who listens to a channel. */
export interface ChannelListener {
  readonly onNotification: (payload: string) => void
  /** It listens, for the first time or again: what was told before that is missed. */
  readonly onListening: () => void
}

/** How far the opening of a database has come. */
export type DatabaseState =
  /** It was reached and migrated. It may be away again since: then each statement says so. */
  | { readonly kind: 'open' }
  /** It is looked for, again and again; until then statements are refused at once. */
  | { readonly kind: 'awaited', readonly error: DatabaseUnavailableError }

/** A database. Closing is the business of whoever opened it. */
export interface Database {
  readonly dialect: 'postgres' | 'pglite'
  readonly state: DatabaseState
  /**
   * Drizzle's query builder, over PostgreSQL whatever the state. For raw SQL use `execute`, whose rows look the same from all
   * drivers. Its transactions are not for a process that has to live on: postgres.js throws where nobody can catch it when a
   * connection breaks within one (https://github.com/porsager/postgres/issues/1208).
   */
  readonly db: PgDatabase<PgQueryResultHKT>
  /**
   * Runs one statement and gives its rows, with columns named as in the SQL.
   * @throws DatabaseUnavailableError the database is away, or has not answered within 10 s; whether the statement was or will be
   *   run is not known then. Else drizzle's error; its `cause` is the driver's.
   */
  execute<T> (query: SQL): Promise<T[]>
  /**
   * The same database over connections of its own, so that what is urgent never queues behind what is slow. Closed
   * together with this one. PGlite has but one connection: there it is this database itself.
   */
  separate (connections: number): Database
  /**
   * Listens to a channel over a connection of its own until the returned function is called (`close` does not end it);
   * connects anew by itself. Not there where a single process has the database for itself.
   */
  listen?(channel: string, listener: ChannelListener): () => Promise<void>
  /** Ends all connections; waits up to 5 s for running statements. */
  close (): Promise<void>
}
