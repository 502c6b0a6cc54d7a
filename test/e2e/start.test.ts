/**
 * How the process begins, or does not: exit codes, and lines for the operator.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { spawnGateway, startGateway } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'

const EXITED_WITH_1 = { code: 1, signal: null }
const TARGET = { OPENAI_MODEL: 'any', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }
const DATABASE_URL = await testDatabase(t)

t.test('with nothing configured it says what to set, and exits with 1', async t => {
  const gateway = await spawnGateway(t)
  t.same(await gateway.exited, EXITED_WITH_1)
  t.same(gateway.logs, [])
  for (const name of ['AZURE_APIM_ENDPOINT', 'AZURE_OPENAI_ENDPOINT', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'BEDROCK_MODEL_ID', 'GATEWAY_CONFIG', 'npm run demo']) {
    t.ok(gateway.errors.some(line => line.includes(name)), name)
  }
  t.notOk(gateway.errors.some(line => /^\s+at /.test(line)), 'no stack')
})

t.test('with wrong variables it names every mistake in a line of its own, repeats no value, and exits with 1', async t => {
  const secret = 's3cr3t'
  const gateway = await spawnGateway(t, {
    PORT: `${secret}1`,
    LOG_LEVEL: `${secret}2`,
    DATABASE_URL: `mysql://user:${secret}3@host/db`,
    OPENAI_BASE_URL: `${secret}4`,
    GATEWAY_API_KEYS: `${secret}5`,
    ADMIN_API_KEYS: `${secret}6`,
    IDLE_TIMEOUT_MS: '-5',
    STREAM_QUEUE_CAPACITY: '0',
    MIDSTREAM_FAILOVER: 'maybe',
    AZURE_APIM_KEY: `${secret}7`,
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: 'http://127.0.0.1'
  })
  t.same(await gateway.exited, EXITED_WITH_1)
  const named = gateway.errors.map(line => /^([A-Z_]+): \S/.exec(line)?.[1])
  t.same(named.sort(), [
    'ADMIN_API_KEYS', 'AWS_REGION', 'AZURE_APIM_API_VERSION', 'AZURE_APIM_DEPLOYMENT', 'AZURE_APIM_ENDPOINT', 'BEDROCK_MODEL_ID', 'DATABASE_URL',
    'GATEWAY_API_KEYS', 'IDLE_TIMEOUT_MS', 'LOG_LEVEL', 'MIDSTREAM_FAILOVER', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'PORT', 'STREAM_QUEUE_CAPACITY'
  ])
  t.notOk(gateway.output.includes(secret))
})

t.test('a configuration file that is not there stops it likewise', async t => {
  const gateway = await spawnGateway(t, { GATEWAY_CONFIG: '/nonexistent/gateway.json' })
  t.same(await gateway.exited, EXITED_WITH_1)
  t.equal(gateway.errors.length, 1)
  t.match(gateway.errors[0], /^GATEWAY_CONFIG: .*ENOENT/)
})

t.test('a database that cannot be used stops it with one line, without the password', async t => {
  const wrong = (change: (url: URL) => void): string => {
    const url = new URL(DATABASE_URL)
    url.password = 's3cr3t'
    change(url)
    return url.href
  }
  const cases = [
    { env: { DATABASE_URL: wrong(() => {}) }, line: /DATABASE_URL.*28P01/ },
    { env: { DATABASE_URL: wrong(url => { url.password = new URL(DATABASE_URL).password; url.pathname = '/nonesuch' }) }, line: /DATABASE_URL.*3D000/ },
    { env: { DATA_DIR: '/dev/null/data' }, line: /DATA_DIR/ }
  ]
  await Promise.all(cases.map(async ({ env, line }) => {
    const gateway = await spawnGateway(t, { ...TARGET, ...env })
    t.same(await gateway.exited, EXITED_WITH_1)
    t.equal(gateway.errors.length, 1, gateway.errors.join('\n'))
    t.match(gateway.errors[0], line)
    t.notMatch(gateway.output, new RegExp(`s3cr3t|${new URL(DATABASE_URL).password}`))
  }))
})

t.test('a port that is taken stops it', async t => {
  const first = await startGateway(t, { ...TARGET, DATABASE_URL })
  const second = await spawnGateway(t, { ...TARGET, DATABASE_URL, PORT: new URL(first.url).port })
  t.same(await second.exited, EXITED_WITH_1)
  t.match(second.output, /^PORT: another process listens there already$/m)
  t.equal((await fetch(`${first.url}/readyz`)).status, 200, 'and leaves the other one alone')
})

t.test('two that start at once on a fresh database both get ready', async t => {
  const fresh = await testDatabase(t)
  const both = await Promise.all([1, 2].map(async () => await startGateway(t, { ...TARGET, DATABASE_URL: fresh })))
  for (const { url, errors } of both) {
    t.equal((await fetch(`${url}/v1/targets`)).status, 200)
    t.same(errors, [])
  }
  t.same(await Promise.all(both.map(async each => await each.stop())), [{ code: 0, signal: null }, { code: 0, signal: null }])
})

t.test('what was compiled is kept in the folder for temporary files', async t => {
  const TMPDIR = await mkdtemp(join(tmpdir(), 'llm-gateway-cache-'))
  t.teardown(async () => await rm(TMPDIR, { recursive: true }))
  const gateway = await startGateway(t, { ...TARGET, DATABASE_URL, TMPDIR })
  t.same(await gateway.stop(), { code: 0, signal: null })
  const kept = await readdir(join(TMPDIR, 'node-compile-cache'), { recursive: true })
  t.ok(kept.length > 100, `${kept.length} files`)
})

t.test('where that cannot be kept it starts all the same, and says nothing of it', async t => {
  for (const env of [{ TMPDIR: '/dev/null/below' }, { NODE_COMPILE_CACHE: '/dev/null/below' }]) {
    const gateway = await startGateway(t, { ...TARGET, DATABASE_URL, ...env })
    t.same(await gateway.stop(), { code: 0, signal: null })
    t.same(gateway.errors, [])
  }
})
