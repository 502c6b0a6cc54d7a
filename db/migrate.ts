/**
 * Brings the tables up to date, also when several replicas start at once.
 */
import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import type postgres from 'postgres'
import { loadPglite, loadPgliteMigrator, loadPostgres, loadPostgresMigrator } from './drizzle.ts'
import journal from './migrations/meta/_journal.json' with { type: 'json' }

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))

/** The advisory lock of whoever migrates. Any number, as long as it is ours. */
export const MIGRATION_LOCK = 727_401_883

/** How long to wait while other replicas migrate. */
const LOCK_TIMEOUT = '60s'

/** When the newest migration was made, in ms since 1970. */
const NEWEST = Math.max(...journal.entries.map(({ when }) => when))
/** SQLSTATE of a table that does not exist. */
const UNDEFINED_TABLE = '42P01'

/**
 * Whether the newest migration has run, by what drizzle has written down: then there is nothing for the migrator to do. A
 * transaction writes it down together with the tables, so another replica that migrates right now is seen either before
 * its first change or after its last.
 * @throws the driver's errors.
 */
export async function isMigrated (client: postgres.Sql): Promise<boolean> {
  try {
    const [row] = await client<Array<{ newest: string | null }>>`select max(created_at) as newest from drizzle.__drizzle_migrations`
    return Number(row?.newest ?? 0) >= NEWEST
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === UNDEFINED_TABLE) return false
    throw error
  }
}

/**
 * Migrates over two connections of its own: drizzle takes no lock, so one connection holds an advisory lock while the
 * other migrates. The lock belongs to a transaction, not to a session, which a pooler in transaction mode respects.
 * @param connect the postgres.js driver, loaded by the caller only when it is needed.
 * @throws the driver's errors.
 */
export async function migratePostgres (connect: typeof postgres, url: string, connectTimeoutS: number): Promise<void> {
  const { drizzle } = loadPostgres()
  const { migrate } = loadPostgresMigrator()
  const client = connect(url, { max: 2, prepare: false, connect_timeout: connectTimeoutS, onnotice: () => {} })
  try {
    const db = drizzle({ client })
    await client.begin(async transaction => {
      await transaction`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
      await transaction`select pg_advisory_xact_lock(${MIGRATION_LOCK})`
      await migrate(db, { migrationsFolder })
    })
  } finally {
    await client.end({ timeout: connectTimeoutS })
  }
}

/** Migrates an embedded database; it has one connection, so nobody can be faster. Rejects with PGlite's errors. */
export async function migratePglite (client: PGlite): Promise<void> {
  const { drizzle } = loadPglite()
  const { migrate } = loadPgliteMigrator()
  await migrate(drizzle({ client }), { migrationsFolder })
}
