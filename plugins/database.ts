/**
 * The database: PostgreSQL where a URL is given, else PGlite inside this process. Migrated before the server is ready.
 */
import fp from 'fastify-plugin'
import { openPglite, openPostgres } from '../db/database.ts'
import type { Database } from '../db/database.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The migrated database; closed with the server. */
    database: Database
  }
}

/** Where the data goes. */
export interface DatabaseOptions {
  /** A PostgreSQL URL. Without it PGlite is used. */
  readonly url?: string | undefined
  /** PGlite's directory; `memory://` keeps nothing. Default `.data`. */
  readonly dataDir?: string | undefined
  /** Connections to PostgreSQL at most. Default 10. */
  readonly poolSize?: number | undefined
}

/**
 * Decorates `fastify.database`. The start fails with a DatabaseUnavailableError if it cannot be opened. PGlite's first
 * start can take 9 s: set Fastify's `pluginTimeout` above that.
 */
export default fp<DatabaseOptions>(async (fastify, { url, dataDir = '.data', poolSize = 10 }) => {
  const database = url === undefined ? await openPglite(dataDir) : await openPostgres(url, poolSize)
  fastify.decorate('database', database)
  fastify.addHook('onClose', async () => await database.close())
}, { name: 'database', fastify: '5.x' })
