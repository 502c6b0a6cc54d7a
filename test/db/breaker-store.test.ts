import { sql } from 'drizzle-orm'
import postgres from 'postgres'
import t from 'tap'
import { BREAKER_CHANNEL, PostgresBreakerStore } from '../../db/breaker-store.ts'
import { openPostgres } from '../../db/postgres.ts'
import { opening, testBreakerStore } from '../support/breaker-store-contract.ts'
import { rewind } from '../support/rewind.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

t.test('the PostgreSQL store fulfils the contract', async t => {
  const database = await openPostgres(await testDatabase(t), 8, PATIENT)
  t.teardown(async () => await database.close())
  const store = new PostgresBreakerStore(database)
  await testBreakerStore(t, { store, elapse: async ms => await rewind(database, ms) })

  await t.test('each transition has its row, and a claim of a lease within the epoch has none', async t => {
    const target = 'audited'
    await store.transition(opening(target, { openForMs: 0 }))
    await store.transition(opening(target, { openForMs: 0 }))
    await store.claimProbe({ target, epoch: 1, owner: 'a', leaseMs: 0, writer: 'replica-a' })
    await store.claimProbe({ target, epoch: 2, owner: 'b', leaseMs: 0, writer: 'replica-b' })
    const rows = await database.execute(sql`
      select epoch, from_state, to_state, cause, status, open_ms, writer from breaker_transition where target = ${target} order by epoch`)
    t.same(rows, [
      { epoch: 1, from_state: 'closed', to_state: 'open', cause: 'upstream_error', status: 503, open_ms: 0, writer: 'replica-a' },
      { epoch: 2, from_state: 'open', to_state: 'half_open', cause: 'upstream_error', status: 503, open_ms: null, writer: 'replica-a' }
    ])
  })
})

t.test('transitions and leases given back are announced, and nothing else', async t => {
  const url = await testDatabase(t)
  const database = await openPostgres(url, 2, PATIENT)
  t.teardown(async () => await database.close())
  const listener = postgres(url, { max: 1 })
  t.teardown(async () => await listener.end())
  const heard: string[] = []
  let woken = () => {}
  const end = new Promise<void>(resolve => { woken = resolve })
  await listener.listen(BREAKER_CHANNEL, target => {
    heard.push(target)
    if (target === 'last') woken()
  })
  const store = new PostgresBreakerStore(database)
  await store.setCooldown({ target: 'a', forMs: 1_000, cause: 'rate_limited', status: null })
  await store.transition(opening('b', { openForMs: 0 }))
  await store.transition(opening('b'))
  await store.claimProbe({ target: 'b', epoch: 1, owner: 'x', leaseMs: 1_000, writer: 'replica-a' })
  await store.releaseProbe({ target: 'b', epoch: 2, owner: 'x' })
  await store.transition(opening('last'))
  await end
  t.same(heard, ['b', 'b', 'b', 'last'])
})
