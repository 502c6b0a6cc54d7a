/**
 * The database: PostgreSQL where a URL is given, else PGlite, inside this process or in another one that owns it.
 * Migrated before the server is ready, unless PostgreSQL is away then.
 */
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import type { Database } from '../db/database.ts'
import type { DatabaseEvent } from '../db/opening.ts'
import { openPglite } from '../db/pglite.ts'
import { openPostgres } from '../db/postgres.ts'
import type { PostgresOptions } from '../db/postgres.ts'
import { remotePglite } from '../db/remote-pglite.ts'
import type { AskOwner } from '../db/statement.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The database; closed with the server. While its `state` is not open, statements are refused. */
    database: Database
  }
}

/** Where the data goes. */
export interface DatabaseOptions extends Omit<PostgresOptions, 'onEvent'> {
  /** A PostgreSQL URL. Without it PGlite is used. */
  readonly url?: string | undefined
  /** PGlite's directory; `memory://` keeps nothing. Default `.data`. */
  readonly dataDir?: string | undefined
  /** Where another process owns PGlite: the way to it. */
  readonly pglite?: AskOwner | undefined
  /** Connections to PostgreSQL at most. Default 10. */
  readonly poolSize?: number | undefined
}

/**
 * Decorates `fastify.database`. A PostgreSQL that is away does not stop the start: it is looked for each second, and migrated
 * when it is there. The start fails with a DatabaseUnavailableError for what waiting does not mend: a wrong URL or password, a
 * database that does not exist, a missing permission; and if PGlite cannot be opened. Its first start can take 9 s: set
 * Fastify's `pluginTimeout` above that.
 */
export default fp<DatabaseOptions>(async (fastify, options) => {
  const database = await open(options, event => logEvent(fastify.log, event))
  fastify.decorate('database', database)
  fastify.addHook('onClose', async () => await database.close())
}, { name: 'database', fastify: '5.x' })

async function open ({ url, dataDir = '.data', pglite, poolSize = 10, ...options }: DatabaseOptions, onEvent: (event: DatabaseEvent) => void): Promise<Database> {
  if (url !== undefined) return await openPostgres(url, poolSize, { ...options, onEvent })
  return pglite === undefined ? await openPglite(dataDir) : await remotePglite(pglite)
}

function logEvent (log: FastifyBaseLogger, event: DatabaseEvent): void {
  if (event.kind === 'opened') log.info('the database is there')
  // Nobody need look after the former.
  else if (event.away) log.warn({ code: event.error.code }, `${event.error.message}: going on without it until it is there`)
  else log.error({ code: event.error.code }, `${event.error.message}: going on without it; somebody has to look`)
}
