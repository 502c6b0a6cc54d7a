/**
 * One way to run SQL, whether PostgreSQL answers over a socket, or PGlite inside this process or another.
 */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { Sql } from 'postgres'
import { loadPglite, loadPostgres } from './drizzle.ts'
import { listenTo } from './listen.ts'
import { isMigrated, migratePglite, migratePostgres } from './migrate.ts'

/** Who listens to a channel. */
export interface ChannelListener {
  readonly onNotification: (payload: string) => void
  /** It listens, for the first time or again: what was told before that is missed. */
  readonly onListening: () => void
}

/** A migrated database. Closing is the business of whoever opened it. */
export interface Database {
  readonly dialect: 'postgres' | 'pglite'
  /** Drizzle's query builder. For raw SQL use `execute`, whose rows look the same from both drivers. */
  readonly db: PgDatabase<PgQueryResultHKT>
  /** Runs one statement and gives its rows, with columns named as in the SQL. Rejects with drizzle's error; its `cause` is the driver's. */
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

/** The database cannot be opened. The message is one line, names the setting, and holds nothing of its value. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError'
}

/** What codes of the operating system, of postgres.js and of PostgreSQL mean to an operator. */
const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its host is unknown',
  CONNECT_TIMEOUT: 'it does not answer',
  '28P01': 'it refuses the password',
  28000: 'it refuses the user',
  '3D000': 'it does not exist',
  42501: 'the user may not create the tables',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'it is not a directory'
}

const CONNECT_TIMEOUT_S = 10
const CLOSE_TIMEOUT_S = 5

/**
 * Connects to PostgreSQL and brings its tables up to date.
 * @param poolSize connections at most.
 * @throws DatabaseUnavailableError
 */
export async function openPostgres (url: string, poolSize: number): Promise<Database> {
  // Checked here, as the error of a URL parser would quote the URL with its password.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new DatabaseUnavailableError('DATABASE_URL is not a URL that begins with postgres:// or postgresql://')
  }
  const { postgres, drizzle } = loadPostgres()
  const opened: Sql[] = []
  // Prepared statements are out, as they break behind a pooler that hands connections on between transactions. So is the look
  // at the database's types: nobody handles its rejection when the connection breaks just then.
  const newClient = (max: number): Sql => postgres(url, { max, prepare: false, fetch_types: false, connect_timeout: CONNECT_TIMEOUT_S, onnotice: () => {} })
  const connect = (max: number): Sql => {
    const client = newClient(max)
    opened.push(client)
    return client
  }
  const databaseOver = (client: Sql): Database => {
    const db = drizzle({ client })
    return {
      dialect: 'postgres',
      db,
      execute: async <T>(query: SQL): Promise<T[]> => [...await db._.session.all<T>(query)],
      separate: connections => databaseOver(connect(connections)),
      listen: (channel, listener) => listenTo(() => newClient(1), channel, listener),
      close: async () => {
        await Promise.all(opened.splice(0).map(async each => await each.end({ timeout: CLOSE_TIMEOUT_S })))
      }
    }
  }
  const client = connect(poolSize)
  const database = databaseOver(client)
  try {
    if (!await isMigrated(client)) await migratePostgres(postgres, url, CONNECT_TIMEOUT_S)
    return database
  } catch (error) {
    await database.close()
    throw unavailable('the database that DATABASE_URL names cannot be used', error)
  }
}

/**
 * Opens PGlite and brings its tables up to date. The first start in a directory takes 2 to 9 s.
 * @param dataDir a directory, made if it is missing; `memory://` keeps nothing. One process at a time may use it.
 * @throws DatabaseUnavailableError
 */
export async function openPglite (dataDir: string): Promise<Database> {
  const { drizzle } = loadPglite()
  const client = await openPgliteClient(dataDir)
  const db = drizzle({ client })
  const database: Database = {
    dialect: 'pglite',
    db,
    execute: async <T>(query: SQL): Promise<T[]> => await db._.session.all<T>(query),
    separate: () => database,
    close: async () => { if (!client.closed) await client.close() }
  }
  return database
}

/** The same without drizzle around it, for whoever runs the statements of others. @throws DatabaseUnavailableError */
export async function openPgliteClient (dataDir: string): Promise<PGlite> {
  try {
    const { PGlite } = loadPglite()
    if (!dataDir.includes('://')) await mkdir(dirname(dataDir), { recursive: true })
    const client = await PGlite.create(dataDir)
    await migratePglite(client)
    return client
  } catch (error) {
    throw unavailable('the embedded database in DATA_DIR cannot be used', error)
  }
}

function unavailable (what: string, error: unknown): DatabaseUnavailableError {
  const code = errorCode(error)
  const meaning = code === undefined ? undefined : MEANING[code]
  const why = meaning === undefined ? code ?? 'unknown error' : `${meaning} (${code})`
  // The original error is left out on purpose: drivers keep their options, and with them the password, in reach of it.
  return new DatabaseUnavailableError(`${what}: ${why}`)
}

/** The code of an error or of the error behind it (drizzle wraps the driver's), if there is one. */
export function errorCode (error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code
  }
  return undefined
}
