import { sql } from 'drizzle-orm'
import type { Database } from '../../db/database.ts'

/** Makes all stored breakers `ms` older: the database's clock cannot be set, but its times can. */
export async function rewind (database: Database, ms: number): Promise<void> {
  const by = sql`${ms}::float8 * interval '1 millisecond'`
  await database.execute(sql`
    update breaker set open_until = open_until - ${by}, lease_until = lease_until - ${by}, cooldown_until = cooldown_until - ${by}`)
}
