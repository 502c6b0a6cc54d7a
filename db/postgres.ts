import type { Database } from './database.ts'
import { loadPostgres } from './drizzle.ts'
import { listenTo } from './listen.ts'
import { migratePostgres, NEWEST_MIGRATION, newestMigrationIn } from './migrate.ts'
import { Opening } from './opening.ts'
import type { DatabaseEvent } from './opening.ts'
import { PostgresClient } from './postgres-client.ts'
import { PostgresPool } from './postgres-pool.ts'
import { DatabaseUnavailableError } from './unavailable.ts'

export interface PostgresOptions {
  /** How long the opening waits for a first answer, in ms. Default 2000. */
  readonly firstAnswerMs?: number | undefined
  /** How long a statement may take, in ms; then the connections are given up, and new ones made. Default 10,000. */
  readonly statementTimeoutMs?: number | undefined
  /** Told of the search for a database that is away at the start; an opening that succeeds at once is no event. */
  readonly onEvent?: ((event: DatabaseEvent) => void) | undefined
}

const FIRST_ANSWER_MS = 2_000
const STATEMENT_TIMEOUT_MS = 10_000
/** How long migrating may take, in ms: other replicas may be at it. */
const MIGRATE_TIMEOUT_MS = 120_000

/**
 * Connects to PostgreSQL and brings its tables up to date. If it is away, or has not answered within 2 s, it is looked for
 * in the background, each second until it is there or closed; until then the database is `awaited`.
 * @param poolSize connections at most.
 * @throws DatabaseUnavailableError something is wrong that waiting does not mend
 */
export async function openPostgres (url: string, poolSize: number, options: PostgresOptions = {}): Promise<Database> {
  const { firstAnswerMs = FIRST_ANSWER_MS, statementTimeoutMs = STATEMENT_TIMEOUT_MS, onEvent = () => {} } = options
  // Checked here, as the error of a URL parser would quote the URL with its password.
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw new DatabaseUnavailableError('DATABASE_URL is not a URL that begins with postgres:// or postgresql://')
  }
  const pools: PostgresPool[] = []
  const opening = new Opening({
    what: 'the database that DATABASE_URL names cannot be used',
    attempt: async onAnswer => {
      const newest = await pool.use(async ({ client }) => await newestMigrationIn(client.sql))
      onAnswer()
      if (newest < NEWEST_MIGRATION) await pool.use(async ({ client }) => await migratePostgres(client.sql), MIGRATE_TIMEOUT_MS)
    },
    firstAnswerMs,
    onEvent
  })
  const newPool = (max: number): PostgresPool => {
    const pool = new PostgresPool(url, max, statementTimeoutMs)
    pools.push(pool)
    return pool
  }
  const databaseOver = (pool: PostgresPool): Database => ({
    dialect: 'postgres',
    get state () { return opening.state },
    get db () { return pool.db },
    execute: async query => {
      const { state } = opening
      if (state.kind === 'awaited') throw state.error
      return await pool.execute(query)
    },
    separate: connections => databaseOver(newPool(connections)),
    listen: (channel, listener) => listenTo(onGone => new PostgresClient({ connect: loadPostgres().postgres, url, max: 1, onGone }), channel, listener),
    close: async () => {
      const stopped = opening.stop()
      await Promise.all(pools.map(async each => await each.close()))
      await stopped
    }
  })
  const pool = newPool(poolSize)
  const database = databaseOver(pool)
  try {
    await opening.begin()
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}
