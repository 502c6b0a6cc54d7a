/**
 * PGlite in a thread of its own, as the primary runs it, asked as its workers ask.
 */
import { sql } from 'drizzle-orm'
import t from 'tap'
import { insertAttempts, listAudit } from '../../db/audit.ts'
import { PostgresBreakerStore } from '../../db/breaker-store.ts'
import { DatabaseUnavailableError, errorCode } from '../../db/unavailable.ts'
import { openPgliteOwner } from '../../db/pglite-owner.ts'
import { remotePglite } from '../../db/remote-pglite.ts'
import { attempt } from '../../db/schema.ts'
import { attemptRow } from '../support/attempts.ts'
import { testBreakerStore } from '../support/breaker-store-contract.ts'
import { rewind } from '../support/rewind.ts'

const lost: unknown[] = []
const owner = await openPgliteOwner('memory://', error => { lost.push(error) })

t.test('the store fulfils the same contract, and the audit log reads the same', async t => {
  const database = await remotePglite(owner.ask)
  await testBreakerStore(t, { store: new PostgresBreakerStore(database), elapse: async ms => await rewind(database, ms) })
  await insertAttempts(database, [attemptRow({ target: 'remote', model: 'with \0 and \ud800' })])
  const { entries } = await listAudit(database, { target: 'remote' }, undefined, 10)
  t.match(entries, [{ kind: 'attempt', target: 'remote', model: 'with  and \ufffd', at: /^\d{4}-.*\.\d{6}Z$/ }])
})

t.test('drizzle\'s query builder reads what raw SQL wrote, dates included', async t => {
  const database = await remotePglite(owner.ask)
  await insertAttempts(database, [attemptRow({ target: 'built' })])
  const rows = await database.db.select({ target: attempt.target, at: attempt.at, stream: attempt.stream }).from(attempt).where(sql`target = 'built'`)
  t.match(rows, [{ target: 'built', at: Date, stream: Boolean }])
  await t.rejects(database.db.transaction(async () => {}), /not supported/)
})

t.test('statements of several askers never get into each other\'s', async t => {
  const askers = await Promise.all([1, 2, 3, 4].map(async () => await remotePglite(owner.ask)))
  const numbers = Array.from({ length: 200 }, (_, number) => number)
  const rows = await Promise.all(numbers.map(async number => {
    const database = askers[number % askers.length] ?? askers[0]
    return number % 2 === 0
      ? await database?.execute(sql`select ${number}::int as number`)
      : await database?.execute(sql`select ${String(number)}::text as text, ${number}::int as number`)
  }))
  t.same(rows, numbers.map(number => [number % 2 === 0 ? { number } : { number, text: String(number) }]))
})

t.test('what the database refuses keeps its code, and hands on neither statement nor parameters', async t => {
  const database = await remotePglite(owner.ask)
  const refused: unknown = await database.execute(sql`insert into breaker (target, state, epoch) values (${'t'}::text, ${'hunter2'}::text, 1)`).catch((error: unknown) => error)
  t.equal(errorCode(refused), '23514')
  const cause = refused instanceof Error ? refused.cause : undefined
  t.match(cause, { name: 'StatementError', message: /breaker_state/ })
  t.notMatch(JSON.stringify(cause), /hunter2|insert/)
  t.same(await database.execute(sql`select 1 as one`), [{ one: 1 }], 'and it goes on')
})

t.test('one that is closed is closed for itself', async t => {
  const [first, second] = [await remotePglite(owner.ask), await remotePglite(owner.ask)]
  t.equal(first.separate(2), first)
  await first.close()
  await t.rejects(first.execute(sql`select 1`))
  t.same(await second.execute(sql`select 1 as one`), [{ one: 1 }])
})

t.test('when the owner has closed the database, statements fail at once', async t => {
  const database = await remotePglite(owner.ask)
  await owner.close()
  const failed: unknown = await database.execute(sql`select 1`).catch((error: unknown) => error)
  t.match(failed, { name: 'DatabaseUnavailableError' })
  t.same(lost, [], 'an end that was asked for is no breakdown')
})

t.test('a directory that cannot be used', async t => {
  const error: unknown = await openPgliteOwner('/dev/null/data', () => t.fail('it was never open')).catch((error: unknown) => error)
  t.type(error, DatabaseUnavailableError)
  t.match(error, { message: /^the embedded database in DATA_DIR cannot be used: [A-Z]+$/ })
})
