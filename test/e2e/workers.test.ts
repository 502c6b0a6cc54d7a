/**
 * Several processes on one port: who answers, and what becomes of one that dies.
 */
import t from 'tap'
import { startGateway } from '../support/gateway-process.ts'
import { isAlive, testDatabase } from '../support/postgres.ts'
import { askApart, startWorkers, untilEach, untilGone, untilWorkers, workersOf } from '../support/workers.ts'

const DATABASE_URL = await testDatabase(t)
const TARGET = { OPENAI_MODEL: 'any', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
const EXITED_WITH_0 = { code: 0, signal: null }

t.test('two workers', async t => {
  const { gateway, workers } = await startWorkers(t, 2, { ...TARGET, DATABASE_URL })
  const untilEachAnswers = async () => await untilEach('it answers', workersOf(gateway), async () => await askApart(gateway, '/v1/models'), ({ status }) => status === 200)

  await t.test('both answer on one port, and neither is the process that was started', async t => {
    t.equal(new Set([...workers, gateway.child.pid]).size, 3)
    await untilEachAnswers()
  })

  await t.test('kill -9 of one: the other answers on, and a new one takes its place', async t => {
    const [killed = 0, other] = workers
    process.kill(killed, 'SIGKILL')
    await gateway.logged('worker ended: another takes its place', { worker: killed, signal: 'SIGKILL', served: true })
    t.match(await askApart(gateway, '/v1/models'), { status: 200, worker: other })
    await untilWorkers(gateway, 2)
    t.notOk(workersOf(gateway).includes(killed))
    await untilEachAnswers()
  })

  await t.test('kill -9 of both: both are replaced', async t => {
    const killed = workersOf(gateway)
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await untilGone(killed)
    await untilWorkers(gateway, 2)
    t.same(workersOf(gateway).filter(pid => killed.includes(pid)), [])
  })

  await t.test('SIGTERM ends all of them, and it is logged once', async t => {
    const last = workersOf(gateway)
    t.same(await gateway.stop(), EXITED_WITH_0)
    t.same(last.filter(isAlive), [])
    t.same(gateway.errors, [])
    t.equal(gateway.linesOf('shutting down').length, 1)
  })
})

t.test('one process, as by default, starts no other', async t => {
  const gateway = await startGateway(t, { ...TARGET, DATABASE_URL, WORKERS: '1' })
  t.same(workersOf(gateway), [gateway.child.pid])
  t.same(await gateway.stop(), EXITED_WITH_0)
})
