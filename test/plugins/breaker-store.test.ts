import fastify from 'fastify'
import t from 'tap'
import type { Outcome } from '../../breaker/outcome.ts'
import breakerStore from '../../plugins/breaker-store.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import database from '../../plugins/database.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

const FAILURE: Outcome = { class: 'failure', reason: 'connect' }

t.test('breakers of two servers share their states, and a new server starts with them', async t => {
  const url = await testDatabase(t)
  const build = async () => {
    const app = fastify()
    app.register(database, { url, poolSize: 2, ...PATIENT })
    app.register(breakerStore)
    app.register(circuitBreaker, { targets: ['a'] })
    await app.ready()
    t.teardown(async () => await app.close())
    return app
  }
  const [first, second] = await Promise.all([build(), build()])
  for (let n = 0; n < 3; n++) {
    const admission = first.breakers.admit('a')
    if (admission.kind === 'permit') admission.permit.record(FAILURE)
  }
  t.match(await first.breakers.list(), [{ state: 'open', epoch: 1 }], 'and it is stored')
  await second.breakers.refresh()
  t.match(second.breakers.admit('a'), { kind: 'refused', why: 'open' })
  await second.breakers.override('a', 'force_open', { by: 'ada', reason: 'maintenance' })
  const third = await build()
  t.match(await third.breakers.list(), [{ state: 'forced_open', epoch: 2, manual: { by: 'ada', reason: 'maintenance' } }])
})

t.test('needs the database plugin', async t => {
  const app = fastify()
  app.register(breakerStore)
  await t.rejects(async () => await app.ready(), /'database'/)
})
