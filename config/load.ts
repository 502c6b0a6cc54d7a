import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Environment } from '../schemas/environment.ts'
import { PROVIDER_KINDS } from '../schemas/gateway-config.ts'
import type { GatewayConfigFile } from '../schemas/gateway-config.ts'
import { ConfigurationError, NothingConfiguredError } from './gateway-config.ts'
import type { GatewayConfig } from './gateway-config.ts'
import { tracingOf } from './tracing.ts'
import { targetsOfVariables } from './variables.ts'

/**
 * The configuration that checked variables and, where one is named, the configuration file make together.
 * @param variables for the placeholders of the file
 * @throws {ConfigurationError} with a line for each mistake; also when no target is configured at all
 */
export async function loadConfig (env: Environment, variables: Readonly<Record<string, string | undefined>>): Promise<GatewayConfig> {
  const file = env.GATEWAY_CONFIG === undefined ? undefined : await readConfigFile(env.GATEWAY_CONFIG, variables)
  const { targets, faults } = file === undefined ? targetsOfVariables(env) : { targets: file.targets, faults: [] }
  const { tracing, faults: faultsOfTracing } = tracingOf(env)
  if (faults.length + faultsOfTracing.length > 0) throw new ConfigurationError([...faults, ...faultsOfTracing])
  if (targets.length === 0) throw new NothingConfiguredError(NOTHING_CONFIGURED)
  return {
    host: env.HOST,
    port: env.PORT,
    workers: env.WORKERS,
    logLevel: env.LOG_LEVEL,
    database: { url: env.DATABASE_URL, dataDir: env.DATA_DIR },
    targets,
    models: file?.models ?? {},
    defaultModel: file?.default,
    strictModels: file !== undefined,
    queueCapacity: env.STREAM_QUEUE_CAPACITY,
    timeouts: { firstTokenMs: env.FIRST_TOKEN_TIMEOUT_MS, idleMs: env.IDLE_TIMEOUT_MS, requestMs: env.REQUEST_TIMEOUT_MS },
    midstreamFailover: env.MIDSTREAM_FAILOVER,
    resumeTtlMs: env.RESUME_TTL_MS,
    keepAliveTimeoutMs: env.KEEP_ALIVE_TIMEOUT_MS,
    slowClientTimeoutMs: env.SLOW_CLIENT_TIMEOUT_MS,
    overload: { maxRunning: env.MAX_COMPLETIONS, maxWaiting: env.MAX_WAITING, maxWaitMs: env.MAX_WAIT_MS, maxEventLoopDelayMs: env.MAX_EVENT_LOOP_DELAY_MS },
    streamLogKeys: hexList(env.STREAM_LOG_KEY),
    apiKeys: hexList(env.GATEWAY_API_KEYS),
    adminApiKeys: hexList(env.ADMIN_API_KEYS),
    shutdownGraceMs: env.SHUTDOWN_GRACE_MS,
    tracing
  }
}

const NOTHING_CONFIGURED = [
  `No provider is configured. Set the variables of at least one of ${PROVIDER_KINDS.join(', ')}:`,
  '  AZURE_APIM_ENDPOINT, AZURE_APIM_DEPLOYMENT, AZURE_APIM_API_VERSION, AZURE_APIM_KEY',
  '  AZURE_OPENAI_ENDPOINT, AZURE_OPENAI_DEPLOYMENT, AZURE_OPENAI_API_VERSION, AZURE_OPENAI_API_KEY',
  '  OPENAI_API_KEY, OPENAI_MODEL (and OPENAI_BASE_URL for a compatible server)',
  '  GEMINI_API_KEY, GEMINI_MODEL',
  '  BEDROCK_MODEL_ID, AWS_REGION (and credentials that AWS\'s default chain finds)',
  'or GATEWAY_CONFIG with the path of a configuration file. See .env.example and the README; to try it without any key: npm run demo'
]

async function readConfigFile (path: string, variables: Readonly<Record<string, string | undefined>>): Promise<GatewayConfigFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    throw new ConfigurationError([`GATEWAY_CONFIG: the file cannot be read (${code})`])
  }
  const { parseGatewayConfigFile } = await import('./file.ts') // with a part of TypeBox that only files need
  const file = parseGatewayConfigFile(text, variables)
  return { ...file, targets: file.targets.map(target => 'plugin' in target ? { ...target, plugin: fromFolder(dirname(path), target.plugin) } : target) }
}

/** A path from a folder as what can be imported from anywhere; the name of a package stays as it is. */
function fromFolder (folder: string, specifier: string): string {
  return /^\.{0,2}\//.test(specifier) ? pathToFileURL(resolve(folder, specifier)).href : specifier
}

function hexList (list: string | undefined): string[] {
  return list === undefined ? [] : list.split(',').map(hex => hex.trim().toLowerCase())
}
