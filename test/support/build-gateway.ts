/**
 * The gateway as `server.ts` runs it, inside the test's process, on a PostgreSQL database and a port of its own.
 *
 *     const upstream = await scriptedUpstream(t)
 *     const { url, server } = await buildGateway(t, { env: openaiAt(upstream), keys: true })
 *     const response = await fetch(`${url}/v1/models`)
 */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import type { Test } from 'tap'
import { buildServer } from '../../build-server.ts'
import type { GatewayConfig } from '../../config/gateway-config.ts'
import type { GatewayConfigFile, ModelConfig, TargetConfig } from '../../schemas/gateway-config.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { until } from './gateway-process.ts'
import { testDatabase } from './postgres.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

/** What callers and admins send where `keys` is set. */
export const CALLER_KEY = 'caller-key-of-the-tests'
export const ADMIN_KEY = 'admin-key-of-the-tests'
/** The key that `openaiAt` and `targetAt` configure. */
export const UPSTREAM_KEY = 'upstream-key-of-the-tests'

export interface GatewayUnderTest {
  /** Variables beside `DATABASE_URL`, which is a new database unless it is named here. */
  readonly env?: Readonly<Record<string, string>>
  /** A configuration file instead of a provider's variables. */
  readonly file?: GatewayConfigFile
  /** Whether callers need CALLER_KEY, and admins ADMIN_KEY. */
  readonly keys?: boolean
  readonly logLevel?: string
}

export interface RunningGateway {
  /** Without a slash at its end. */
  readonly url: string
  readonly server: FastifyInstance
  /** Every line that was logged so far, as text. */
  readonly log: readonly string[]
  /** Those with this message, parsed. */
  logged (message: string): JsonObject[]
}

/** Builds it and listens; closed at the end of the test. */
export async function buildGateway (t: Test, { env = {}, file, keys = false, logLevel = 'trace' }: GatewayUnderTest = {}): Promise<RunningGateway> {
  const log: string[] = []
  const server = await buildServer({
    env: {
      DATABASE_URL: env['DATABASE_URL'] ?? await testDatabase(t),
      // The event loop is the test's, too, which may have kept it long on a busy machine.
      MAX_EVENT_LOOP_DELAY_MS: '0',
      ...(keys ? { GATEWAY_API_KEYS: digestOf(CALLER_KEY), ADMIN_API_KEYS: digestOf(ADMIN_KEY) } : {}),
      ...(file === undefined ? {} : { GATEWAY_CONFIG: await configFile(t, file) }),
      ...env
    },
    logger: { level: logLevel, stream: { write: line => { log.push(line) } } }
  })
  t.teardown(async () => await server.close())
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  // Not waited for by the start on a machine that is too busy to answer in time.
  await until('the database is open', () => server.database.state.kind === 'open')
  const logged = (message: string) => log.map(line => parsed(line)).filter(line => line['msg'] === message)
  return { url, server, log, logged }
}

/** The variables of the target `openai` at an upstream. */
export function openaiAt (upstream: ScriptedUpstream): Record<string, string> {
  return { OPENAI_BASE_URL: upstream.baseURL, OPENAI_API_KEY: UPSTREAM_KEY, OPENAI_MODEL: 'scripted' }
}

/** A target of a configuration file at an upstream. */
export function targetAt (upstream: ScriptedUpstream, name: string): TargetConfig {
  return { name, provider: 'openai', options: { baseURL: upstream.baseURL, apiKey: UPSTREAM_KEY, model: `${name}-model` } }
}

/** A configuration file whose one alias, the default, tries these targets in turn. */
export function fileOf (upstreams: Readonly<Record<string, ScriptedUpstream>>, model: Omit<ModelConfig, 'targets'> = {}): GatewayConfigFile {
  return {
    targets: Object.entries(upstreams).map(([name, upstream]) => targetAt(upstream, name)),
    models: { chat: { targets: Object.keys(upstreams), ...model } },
    default: 'chat'
  }
}

/** The options of the gateway as a plugin: one target `a`, and a database of its own. */
export async function configAt (t: Test, upstream: ScriptedUpstream): Promise<GatewayConfig> {
  return {
    host: '127.0.0.1',
    port: 0,
    workers: 1,
    logLevel: 'silent',
    database: { url: await testDatabase(t), dataDir: 'memory://' },
    targets: [targetAt(upstream, 'a')],
    models: {},
    defaultModel: undefined,
    strictModels: true,
    queueCapacity: 100,
    timeouts: { firstTokenMs: 10_000, idleMs: 10_000, requestMs: 60_000 },
    midstreamFailover: 'off',
    resumeTtlMs: 60_000,
    overload: { maxRunning: 5_000, maxWaiting: 500, maxWaitMs: 5_000, maxEventLoopDelayMs: 0 },
    streamLogKeys: [],
    keepAliveTimeoutMs: 72_000,
    slowClientTimeoutMs: 60_000,
    apiKeys: [],
    adminApiKeys: [],
    shutdownGraceMs: 10_000,
    tracing: undefined
  }
}

/** Writes a configuration file for as long as the test runs; gives its path. */
export async function configFile (t: Test, content: GatewayConfigFile | string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-config-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  const path = join(directory, 'gateway.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** As the variables for keys want it. */
export function digestOf (key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function parsed (line: string): JsonObject {
  const value: unknown = JSON.parse(line)
  return isJsonObject(value) ? value : {}
}
