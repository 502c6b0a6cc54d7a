import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import type { SQL } from 'drizzle-orm'
import { MissingPackageError } from '../errors/missing-package.ts'
import type { Database } from './database.ts'
import { loadPglite } from './drizzle.ts'
import { migratePglite } from './migrate.ts'
import { errorCode, unavailable } from './unavailable.ts'

/**
 * Opens PGlite and brings its tables up to date. The first start in a directory takes 2 to 9 s.
 * @param dataDir a directory, made if it is missing; `memory://` keeps nothing. One process at a time may use it.
 * @throws DatabaseUnavailableError
 * @throws MissingPackageError PGlite is not installed
 */
export async function openPglite (dataDir: string): Promise<Database> {
  const { drizzle } = loadPglite()
  const client = await openPgliteClient(dataDir)
  const db = drizzle({ client })
  const database: Database = {
    dialect: 'pglite',
    state: { kind: 'open' },
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
    if (error instanceof MissingPackageError) throw error
    throw unavailable('the embedded database in DATA_DIR cannot be used', errorCode(error))
  }
}
