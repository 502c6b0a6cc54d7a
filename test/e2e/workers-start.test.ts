/**
 * What keeps several processes on one port from starting: it is said once, and nothing stays behind.
 */
import t from 'tap'
import { spawnGateway, startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'

const DATABASE_URL = await testDatabase(t)
const TARGET = { OPENAI_MODEL: 'any', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
const EXITED_WITH_1 = { code: 1, signal: null }
/** Kills a worker, and no other process, before its program begins. */
const DIES_AS_WORKER = encodeURIComponent('if (/cluster.worker/.test(process.argv[1])) process.kill(process.pid, "SIGKILL")')

t.test('wrong variables are named once, in the lines that one process has for them', async t => {
  const wrong = { PORT: 'x', OPENAI_BASE_URL: 'nowhere', GATEWAY_API_KEYS: 'short' }
  const [one, several, unusable] = await Promise.all([
    spawnGateway(t, wrong), spawnGateway(t, { ...wrong, WORKERS: '3' }), spawnGateway(t, { ...TARGET, WORKERS: 'many' })
  ])
  t.same(await Promise.all([one.exited, several.exited, unusable.exited]), [EXITED_WITH_1, EXITED_WITH_1, EXITED_WITH_1])
  t.ok(one.errors.length >= 3)
  t.same(several.errors, one.errors)
  t.same(several.logs, [], 'no worker was started')
  t.match(unusable.errors, [/^WORKERS: /])
})

t.test('what only a worker can find out is said once too: a taken port, a database that refuses', async t => {
  const first = await startGateway(t, { ...TARGET, DATABASE_URL })
  const cases = [
    { env: { DATABASE_URL, PORT: new URL(first.url).port }, line: /^PORT: another process listens there already$/ },
    { env: { DATABASE_URL: withPassword(DATABASE_URL, 's3cr3t') }, line: /DATABASE_URL.*28P01/ },
    { env: { DATA_DIR: '/dev/null/data' }, line: /DATA_DIR/ }
  ]
  await Promise.all(cases.map(async ({ env, line }) => {
    const gateway = await spawnGateway(t, { ...TARGET, ...env, WORKERS: '3' })
    t.same(await gateway.exited, EXITED_WITH_1)
    t.equal(gateway.errors.length, 1, gateway.errors.join('\n'))
    t.match(gateway.errors[0], line)
    t.notMatch(gateway.output, /s3cr3t/)
  }))
})

t.test('workers that die before they serve are given up after some tries', async t => {
  const gateway = await spawnGateway(t, { ...TARGET, DATABASE_URL, WORKERS: '2', NODE_OPTIONS: `--import=data:text/javascript,${DIES_AS_WORKER}` })
  t.same(await gateway.exited, EXITED_WITH_1)
  t.same(gateway.linesOf('worker ended: another takes its place').map(({ nextInMs }) => nextInMs), [100, 200, 400, 800])
  t.equal(gateway.linesOf('worker ended before it served: giving up').length, 1)
})

function withPassword (database: string, password: string): string {
  const url = new URL(database)
  url.password = password
  return url.href
}
