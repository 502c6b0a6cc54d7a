import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { complaints, configure, ONE_TARGET } from '../support/configure.ts'
import { configFile } from '../support/build-gateway.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)

async function envFile (t: Test, content: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-env-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  await writeFile(join(directory, '.env'), content)
  return join(directory, '.env')
}

t.test('the defaults are the contract\'s', async t => {
  t.same(await configure(ONE_TARGET), {
    host: '0.0.0.0',
    port: 3000,
    workers: 1,
    logLevel: 'info',
    database: { url: undefined, dataDir: '.data' },
    targets: [{ name: 'openai', provider: 'openai', options: { apiKey: 'hunter2-openai', model: 'gpt-4o' } }],
    models: {},
    defaultModel: undefined,
    strictModels: false,
    queueCapacity: 100,
    timeouts: { firstTokenMs: 10_000, idleMs: 10_000, requestMs: 600_000 },
    midstreamFailover: 'off',
    resumeTtlMs: 60_000,
    keepAliveTimeoutMs: 72_000,
    slowClientTimeoutMs: 60_000,
    overload: { maxRunning: 5_000, maxWaiting: 500, maxWaitMs: 5_000, maxEventLoopDelayMs: 1_000 },
    streamLogKeys: [],
    apiKeys: [],
    adminApiKeys: [],
    shutdownGraceMs: 120_000,
    tracing: undefined
  })
})

t.test('every variable arrives where it belongs', async t => {
  t.match(await configure({
    ...ONE_TARGET,
    HOST: '127.0.0.1',
    PORT: '0',
    WORKERS: '256',
    LOG_LEVEL: 'debug',
    DATABASE_URL: 'postgresql://u:p@h:5432/d?sslmode=require',
    DATA_DIR: 'memory://',
    STREAM_QUEUE_CAPACITY: '1',
    FIRST_TOKEN_TIMEOUT_MS: '1',
    IDLE_TIMEOUT_MS: '2',
    REQUEST_TIMEOUT_MS: '3',
    MIDSTREAM_FAILOVER: 'continue',
    RESUME_TTL_MS: '4',
    KEEP_ALIVE_TIMEOUT_MS: '6',
    GATEWAY_API_KEYS: `${A.toUpperCase()} , ${B}`,
    ADMIN_API_KEYS: B,
    SHUTDOWN_GRACE_MS: '5'
  }), {
    host: '127.0.0.1',
    port: 0,
    workers: 256,
    logLevel: 'debug',
    database: { url: 'postgresql://u:p@h:5432/d?sslmode=require', dataDir: 'memory://' },
    queueCapacity: 1,
    timeouts: { firstTokenMs: 1, idleMs: 2, requestMs: 3 },
    midstreamFailover: 'continue',
    resumeTtlMs: 4,
    keepAliveTimeoutMs: 6,
    apiKeys: [A, B],
    adminApiKeys: [B],
    shutdownGraceMs: 5,
    tracing: undefined
  })
})

t.test('a wrong value of any variable is one line that names it and does not repeat it', async t => {
  const wrong: Record<string, readonly string[]> = {
    PORT: ['-1', '65536', '80.5', 'http', '3000x'],
    WORKERS: ['0', '-1', '1.5', '257', 'auto'],
    LOG_LEVEL: ['INFO', 'verbose'],
    DATABASE_URL: ['mysql://hunter2@h/d', 'hunter2', 'postgres://h unter2'],
    STREAM_QUEUE_CAPACITY: ['0', '-5', '1.5', 'many', '100001'],
    FIRST_TOKEN_TIMEOUT_MS: ['0', '10s', '2147483648'],
    IDLE_TIMEOUT_MS: ['0', '10s', '2147483648'],
    REQUEST_TIMEOUT_MS: ['0', '10s', '2147483648'],
    RESUME_TTL_MS: ['0', '10s', '2147483648'],
    SHUTDOWN_GRACE_MS: ['0', '10s', '2147483648'],
    MIDSTREAM_FAILOVER: ['always', 'OFF', 'restart'],
    GATEWAY_API_KEYS: ['hunter2', A.slice(1), `${A},`, `${A};${B}`],
    ADMIN_API_KEYS: ['hunter2', `${A}a`],
    AZURE_APIM_ENDPOINT: ['apim.example', 'ftp://hunter2'],
    AZURE_OPENAI_ENDPOINT: ['azure.example'],
    OPENAI_BASE_URL: ['localhost:8000', 'http://'],
    GEMINI_BASE_URL: ['gemini.example'],
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: ['bedrock.example'],
    AZURE_APIM_KEY: ['hunter2\u2013'],
    AZURE_OPENAI_API_KEY: ['hunter2\u2013'],
    OPENAI_API_KEY: ['hunter2\u2013', 'hunter2\nhunter2'],
    GEMINI_API_KEY: ['hunter2\u2013']
  }
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) {
      const lines = await complaints({ ...ONE_TARGET, [name]: value })
      const own = lines.filter(line => line.startsWith(`${name}: `))
      t.equal(own.length, 1, `${name}=${value}`)
      t.notOk(lines.some(line => line.includes(value) || line.includes('hunter2') || line.includes('\n')), 'without the value')
    }
  }
})

t.test('all mistakes at once: single variables, incomplete targets, unknown providers', async t => {
  const lines = await complaints({
    PORT: 'x', LOG_LEVEL: 'x', OPENAI_BASE_URL: 'hunter2', PROVIDERS: 'openai,hunter2,gemini', GATEWAY_API_KEYS: 'hunter2', IDLE_TIMEOUT_MS: '0'
  })
  t.same(lines.map(line => line.slice(0, line.indexOf(':'))).sort(), [
    'GATEWAY_API_KEYS', 'GEMINI_API_KEY', 'GEMINI_MODEL', 'IDLE_TIMEOUT_MS', 'LOG_LEVEL', 'OPENAI_BASE_URL', 'OPENAI_MODEL', 'PORT', 'PROVIDERS'
  ])
  t.notMatch(lines.join(), /hunter2/)
})

t.test('mistakes in the file and in the variables come together', async t => {
  const lines = await complaints({ GATEWAY_CONFIG: await configFile(t, '{"targets": []}'), PORT: 'x' })
  t.same(lines, ['PORT: must be integer', 'GATEWAY_CONFIG: targets: must not have fewer than 1 items'])
})

t.test('blank is not set', async t => {
  t.same(await configure({ ...ONE_TARGET, PORT: '', LOG_LEVEL: ' ', DATABASE_URL: '', GATEWAY_API_KEYS: '\t', PROVIDERS: '', OPENAI_BASE_URL: '', GEMINI_MODEL: '' }), await configure(ONE_TARGET))
  t.same(await complaints({ ...ONE_TARGET, OPENAI_MODEL: '  ' }), ['OPENAI_MODEL: is missing; the openai target needs it'])
})

t.test('a .env file is read, a variable of the environment overrides it, a blank one does not', async t => {
  const file = await envFile(t, 'OPENAI_API_KEY=hunter2-file\nOPENAI_MODEL="from file"\nPORT=1\n# HOST=no\nLOG_LEVEL=debug\n')
  const config = await configure({ PORT: '2', LOG_LEVEL: '' }, file)
  t.match(config, { port: 2, logLevel: 'debug', host: '0.0.0.0' })
  t.same(config.targets[0]?.options, { apiKey: 'hunter2-file', model: 'from file' })
  t.same(await complaints({}, await envFile(t, 'OPENAI_MODEL=m\nPORT=hunter2')), ['PORT: must be integer', 'OPENAI_API_KEY: is missing; the openai target needs it'])
})

t.test('no .env file is no mistake', async t => {
  t.match(await configure(ONE_TARGET, '/nowhere/at/all/.env'), { port: 3000 })
})

t.test('only what was handed over counts, not the process\'s own environment', async t => {
  process.env['SHUTDOWN_GRACE_MS'] = '77'
  t.teardown(() => { delete process.env['SHUTDOWN_GRACE_MS'] })
  t.equal((await configure(ONE_TARGET)).shutdownGraceMs, 120_000)
})

t.test('GATEWAY_CONFIG takes the place of the single-target variables, and makes unknown models an error', async t => {
  const file = { targets: [{ name: 'local', provider: 'openai' as const, options: { baseURL: 'http://localhost:8000/v1', model: 'm' } }], models: { fast: { targets: ['local'] } }, default: 'fast' }
  const config = await configure({ ...ONE_TARGET, PROVIDERS: 'nobody', GATEWAY_CONFIG: await configFile(t, file) })
  t.match(config, { targets: file.targets, models: file.models, defaultModel: 'fast', strictModels: true })
  t.equal(config.targets.length, 1)
})

t.test('placeholders of the file are filled in from the environment and from .env', async t => {
  const options = { baseURL: `http://localhost:${'$'}{LOCAL_PORT}/v1`, apiKey: `${'$'}{LOCAL_KEY}`, model: 'm' }
  const path = await configFile(t, { targets: [{ name: 'local', provider: 'openai', options }] })
  const config = await configure({ GATEWAY_CONFIG: path, LOCAL_KEY: 'k' }, await envFile(t, 'LOCAL_PORT=8000\nLOCAL_KEY=other'))
  t.match(config.targets[0]?.options, { baseURL: 'http://localhost:8000/v1', apiKey: 'k' })
  t.same(await complaints({ GATEWAY_CONFIG: path, LOCAL_PORT: '1' }), [`GATEWAY_CONFIG: targets[0].options.apiKey: ${'$'}{LOCAL_KEY} is not set`])
})

t.test('a file that cannot be read says why, without its path', async t => {
  t.same(await complaints({ GATEWAY_CONFIG: '/nowhere/hunter2.json' }), ['GATEWAY_CONFIG: the file cannot be read (ENOENT)'])
  t.same(await complaints({ GATEWAY_CONFIG: tmpdir() }), ['GATEWAY_CONFIG: the file cannot be read (EISDIR)'])
})
