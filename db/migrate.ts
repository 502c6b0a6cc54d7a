/**
 * Brings the tables up to date, also when several replicas start at once.
 */
import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'
import type postgres from 'postgres'
import { loadMigrationReader, loadPglite, loadPgliteMigrator } from './drizzle.ts'
import journal from './migrations/meta/_journal.json' with { type: 'json' }
import { errorCode } from './unavailable.ts'

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url))

/** The advisory lock of whoever migrates. Any number, as long as it is ours. */
export const MIGRATION_LOCK = 727_401_883

/** How long to wait while other replicas migrate. */
const LOCK_TIMEOUT = '60s'

/** When the newest migration was made, in ms since 1970. */
export const NEWEST_MIGRATION = Math.max(...journal.entries.map(({ when }) => when))
/** SQLSTATE of a table that does not exist. */
const UNDEFINED_TABLE = '42P01'
/** SQLSTATE of a transaction that has to be tried again. */
const SERIALIZATION_FAILURE = '40001'

/**
 * When the newest migration that has run was made, in ms since 1970, by what drizzle writes down; 0 if none has. It is
 * written down in one transaction with the tables, so another replica that migrates right now is seen either before its first
 * change or after its last.
 * @throws the driver's errors.
 */
export async function newestMigrationIn (client: postgres.Sql): Promise<number> {
  try {
    const [row] = await client<Array<{ newest: string | null }>>`select max(created_at) as newest from drizzle.__drizzle_migrations`
    return Number(row?.newest ?? 0)
  } catch (error) {
    if (errorCode(error) === UNDEFINED_TABLE) return 0
    throw error
  }
}

/**
 * Runs the migrations that are missing, and writes them down as drizzle does. All of it is one query of the simple protocol, which
 * is one transaction: postgres.js ends the process when a connection breaks within one of its own
 * (https://github.com/porsager/postgres/issues/1208), and an advisory lock that lasts as long as the transaction also holds
 * behind a pooler.
 * @throws the driver's errors.
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
 */
export async function migratePostgres (client: postgres.Sql): Promise<void> {
  const { readMigrationFiles } = loadMigrationReader()
  const all = readMigrationFiles({ migrationsFolder })
  while (true) {
    const newest = await newestMigrationIn(client)
    const missing = all.filter(({ folderMillis }) => folderMillis > newest)
    if (missing.length === 0) return
    try {
      await client.unsafe([
        `select set_config('lock_timeout', '${LOCK_TIMEOUT}', true)`,
        `select pg_advisory_xact_lock(${MIGRATION_LOCK})`,
        'create schema if not exists drizzle',
        'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
        // What was read above may be out of date by the time that the lock is there.
        `do $$ begin
          if (select coalesce(max(created_at), 0) from drizzle.__drizzle_migrations) <> ${newest} then
            raise exception 'somebody else has migrated' using errcode = '${SERIALIZATION_FAILURE}';
          end if;
        end $$`,
        ...missing.flatMap(({ sql, hash, folderMillis }) => [
          ...sql,
          `insert into drizzle.__drizzle_migrations (hash, created_at) values ('${hash}', ${folderMillis})`
        ])
      ].join(';\n'))
    } catch (error) {
      if (errorCode(error) !== SERIALIZATION_FAILURE) throw error
    }
  }
}

/** Migrates an embedded database; it has one connection, so nobody can be faster. Rejects with PGlite's errors. */
export async function migratePglite (client: PGlite): Promise<void> {
  const { drizzle } = loadPglite()
  const { migrate } = loadPgliteMigrator()
  await migrate(drizzle({ client }), { migrationsFolder })
}
