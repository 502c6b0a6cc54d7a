/**
 * `kill -9` at any moment, with PostgreSQL: no breaker state is lost, and the database stays usable.
 */
import t from 'tap'
import { killAgainAndAgain } from '../support/kill-again.ts'
import { testDatabase } from '../support/postgres.ts'

t.test('with PostgreSQL', async t => {
  await killAgainAndAgain(t, { DATABASE_URL: await testDatabase(t) }, [
    'when it is reported', 'while it is written', 'while it is closed again', 'while it is written', 'when it is reported'
  ])
})
