/**
 * What a start loads: nothing that the configuration has no use for. Packages cost up to a second, and 100 MB for as long as the
 * process runs.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import { startGateway } from '../support/gateway-process.ts'
import type { Variables } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'

const HOOK = new URL('../fixtures/loaded-files.ts', import.meta.url).href
const ROOT = new URL('../../', import.meta.url).href
const NOWHERE = 'http://127.0.0.1:9'
const OPENAI = { OPENAI_BASE_URL: `${NOWHERE}/v1`, OPENAI_MODEL: 'm' }

/** For each kind of provider, what configures it, and which of the vendors' packages are its own. */
const KINDS: ReadonlyArray<{ readonly kind: string, readonly env: Variables, readonly own: RegExp | undefined }> = [
  { kind: 'azure-apim', env: { AZURE_APIM_ENDPOINT: NOWHERE, AZURE_APIM_DEPLOYMENT: 'd', AZURE_APIM_API_VERSION: 'v', AZURE_APIM_KEY: 'k' }, own: undefined },
  { kind: 'azure-openai', env: { AZURE_OPENAI_ENDPOINT: NOWHERE, AZURE_OPENAI_DEPLOYMENT: 'd', AZURE_OPENAI_API_VERSION: 'v', AZURE_OPENAI_API_KEY: 'k' }, own: /^openai$/ },
  { kind: 'openai', env: OPENAI, own: /^openai$/ },
  { kind: 'gemini', env: { GEMINI_BASE_URL: NOWHERE, GEMINI_API_KEY: 'k', GEMINI_MODEL: 'm' }, own: /^@google\// },
  { kind: 'bedrock', env: { BEDROCK_MODEL_ID: 'm', AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_BEDROCK_RUNTIME: NOWHERE }, own: /^@(aws|smithy)/ }
]
const VENDORS = /^(openai|@google\/.*|@(aws|smithy).*)$/
const MIGRATOR = /\/drizzle-orm\/.*\bmigrator\b/

/** The files that a process has loaded from its start until it was stopped. */
async function loadedFiles (t: Test, env: Variables): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-loaded-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  const list = join(directory, 'list')
  const gateway = await startGateway(t, { ...env, NODE_OPTIONS: `--import=${HOOK}`, LOADED_FILES: list })
  await gateway.stop()
  return (await readFile(list, 'utf8')).split('\n')
}

function packagesOf (files: readonly string[]): Set<string> {
  return new Set(files.flatMap(file => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []))
}

// What is asserted of a provider with PostgreSQL is asserted of the same start: it is the first one on its database.
const DATABASE_URL = await testDatabase(t)
const files = await loadedFiles(t, { ...OPENAI, DATABASE_URL })
const packages = packagesOf(files)

t.test('each kind of provider loads no other vendor\'s packages', async t => {
  for (const { kind, env, own } of KINDS) {
    const packages = packagesOf(env === OPENAI ? files : await loadedFiles(t, { ...env, DATABASE_URL }))
    t.same([...packages].filter(name => VENDORS.test(name) && own?.test(name) !== true), [], kind)
    if (kind.endsWith('openai')) t.ok(packages.has('openai'), `${kind} has its own`)
  }
})

t.test('with PostgreSQL there is no PGlite, and drizzle is not loaded as ES modules, which would be ten times as slow', async t => {
  t.ok(packages.has('postgres'))
  t.notOk(packages.has('@electric-sql/pglite'))
  t.same([...packages].filter(name => /opentelemetry|^@fastify\/otel$/.test(name)), [], 'nor OpenTelemetry, as traces go nowhere')
  const drizzle = files.filter(file => file.includes('/node_modules/drizzle-orm/'))
  t.not(drizzle.length, 0)
  t.same(drizzle.filter(file => !file.endsWith('.cjs')), [])
})

t.test('without PostgreSQL there is PGlite alone', async t => {
  const packages = packagesOf(await loadedFiles(t, { ...OPENAI, DATA_DIR: 'memory://' }))
  t.ok(packages.has('@electric-sql/pglite'))
  t.notOk(packages.has('postgres'))
})

t.test('what explains mistakes, and reads configuration files, is not loaded where there are none', async t => {
  t.ok(files.some(file => file.includes('/node_modules/typebox/build/type/')))
  t.same(files.filter(file => /\/node_modules\/typebox\/build\/(value|schema)\//.test(file)), [])
})

t.test('what describes the API is not loaded before somebody asks for it', async t => {
  const own = files.filter(file => file.startsWith(ROOT)).map(file => file.slice(ROOT.length))
  t.ok(own.includes('plugins/openapi.ts'))
  t.same(own.filter(file => file.startsWith('openapi/')), [])
  t.notOk(own.includes('schemas/chat-completion.ts'), 'its schemas are for the description alone')
  t.same(['@fastify/swagger', '@fastify/swagger-ui', '@fastify/static', 'yaml'].filter(name => packages.has(name)), [])
})

t.test('OpenTelemetry is loaded where traces go somewhere; and the migrator is not where the database is up to date', async t => {
  t.ok(files.some(file => MIGRATOR.test(file)), 'it is for a fresh one')
  const next = await loadedFiles(t, { ...OPENAI, DATABASE_URL, OTEL_EXPORTER_OTLP_ENDPOINT: NOWHERE })
  const packages = packagesOf(next)
  for (const name of ['@fastify/otel', '@opentelemetry/api', '@opentelemetry/sdk-trace', '@opentelemetry/exporter-trace-otlp-proto']) t.ok(packages.has(name), name)
  t.notOk(next.some(file => MIGRATOR.test(file)))
})
