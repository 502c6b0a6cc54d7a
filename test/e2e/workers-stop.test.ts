/**
 * How several processes on one port end in order: all of them, with what runs in them.
 */
import t from 'tap'
import { HELLO } from '../support/chat-client.ts'
import { spawnGateway } from '../support/gateway-process.ts'
import { isAlive, testDatabase } from '../support/postgres.ts'
import { askApart, assertWhole, startStreaming, untilDraining, workersOf } from '../support/workers.ts'

const EXITED_WITH_0 = { code: 0, signal: null }

t.test('SIGTERM: every worker refuses what is new and ends its streams in order, then the exit code is 0', async t => {
  const under = await startStreaming(t)
  const { gateway, workers, responses, more } = under
  gateway.child.kill('SIGTERM')
  await untilDraining(under)
  const refused = await askApart(gateway, '/v1/chat/completions', { body: HELLO })
  t.match(refused, { status: 503, body: { error: { code: 'draining' } } })
  t.equal((await fetch(`${gateway.url}/readyz`)).status, 503)
  t.same(workersOf(gateway), workers, 'they still wait')
  more()
  await assertWhole(t, responses)
  t.same(await gateway.exited, EXITED_WITH_0)
  t.same(workers.filter(isAlive), [])
  t.same(gateway.errors, [])
})

t.test('Ctrl-C reaches primary and workers alike, and counts once', async t => {
  const under = await startStreaming(t)
  const { gateway, workers, responses, more } = under
  for (const pid of [...workers, gateway.child.pid ?? 0]) process.kill(pid, 'SIGINT')
  await untilDraining(under)
  more()
  await assertWhole(t, responses)
  t.same(await gateway.exited, EXITED_WITH_0)
})

t.test('SIGTERM while the workers start: nothing is left of them', async t => {
  const gateway = await spawnGateway(t, { DATABASE_URL: await testDatabase(t), OPENAI_MODEL: 'any', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1', WORKERS: '4' })
  await gateway.listening() // the first one; the others have just been started
  t.same(await gateway.stop(), EXITED_WITH_0)
})
