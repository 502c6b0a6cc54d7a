/**
 * The database: PostgreSQL where a URL is given, else PGlite, inside this process or in another one that owns it.
 * Migrated before the server is ready.
 */
import fp from 'fastify-plugin'
import { openPglite, openPostgres } from '../db/database.ts'
import type { Database } from '../db/database.ts'
import { remotePglite } from '../db/remote-pglite.ts'
import type { AskOwner } from '../db/statement.ts'

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
  /** Where another process owns PGlite: the way to it. */
  readonly pglite?: AskOwner | undefined
  /** Connections to PostgreSQL at most. Default 10. */
  readonly poolSize?: number | undefined
}

/**
 * Decorates `fastify.database`. The start fails with a DatabaseUnavailableError if it cannot be opened. PGlite's first
 * start can take 9 s: set Fastify's `pluginTimeout` above that.
 */
export default fp<DatabaseOptions>(async (fastify, options) => {
  const database = await open(options)
  fastify.decorate('database', database)
  fastify.addHook('onClose', async () => await database.close())
}, { name: 'database', fastify: '5.x' })

async function open ({ url, dataDir = '.data', pglite, poolSize = 10 }: DatabaseOptions): Promise<Database> {
  if (url !== undefined) return await openPostgres(url, poolSize)
  return pglite === undefined ? await openPglite(dataDir) : await remotePglite(pglite)
}
