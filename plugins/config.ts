import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import fastifyEnv from '@fastify/env'
import type { FastifyPluginAsync } from 'fastify'
import fp from 'fastify-plugin'
import { ConfigurationError, NothingConfiguredError } from '../config/gateway-config.ts'
import type { GatewayConfig } from '../config/gateway-config.ts'
import { loadConfig } from '../config/load.ts'
import { Environment } from '../schemas/environment.ts'
import { isJsonObject } from '../schemas/json-object.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The gateway's configuration. Holds secrets: never log it. */
    config: GatewayConfig
  }
}

export interface ConfigOptions {
  /** The variables, as in `process.env`. An empty value counts as not set. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** A file of further variables, which those in `env` override; need not exist. */
  readonly envFile?: string
}

/**
 * Reads and checks the configuration: `fastify.config`.
 * The plugin throws {@link ConfigurationError} with a line for each mistake.
 */
const config: FastifyPluginAsync<ConfigOptions> = async (fastify, { env, envFile }) => {
  const variables = { ...(envFile === undefined ? {} : withoutBlanks(await variablesOf(envFile))), ...withoutBlanks(env) }
  try {
    // `env: false`: only what was handed over, not the process's own environment.
    await fastify.register(fastifyEnv, { schema: Environment, data: { ...variables }, env: false, confKey: 'environment' })
  } catch (error) {
    throw new ConfigurationError(await allFaults(faultsOf(error), variables))
  }
  fastify.decorate('config', await loadConfig(fastify.getEnvs<Environment>(), variables))
}

/** Variables of targets that can be wrong by themselves. */
const TARGET_URLS = ['AZURE_APIM_ENDPOINT', 'AZURE_OPENAI_ENDPOINT', 'OPENAI_BASE_URL', 'GEMINI_BASE_URL', 'AWS_ENDPOINT_URL_BEDROCK_RUNTIME']

/** The faults of single variables, and those that the rest would have had without them: all at once. */
async function allFaults (faults: ReadonlyMap<string, string>, variables: Record<string, string>): Promise<string[]> {
  const { Value } = await import('typebox/value') // 300 files, for a start that fails
  const rest = Object.fromEntries(Object.entries(variables).filter(([name]) => !faults.has(name)))
  const lines = [...faults.values()]
  try {
    const parsed = Value.Parse(Environment, Value.Convert(Environment, Value.Default(Environment, Value.Clean(Environment, rest))))
    // A wrong URL says all the same that its target is wanted, and so what else that needs.
    const wanted = Object.fromEntries(TARGET_URLS.filter(name => faults.has(name)).map(name => [name, '']))
    await loadConfig({ ...parsed, ...wanted }, variables)
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    if (!(error instanceof NothingConfiguredError)) lines.push(...error.lines.filter(line => !faults.has(line.slice(0, line.indexOf(':')))))
  }
  return lines
}

async function variablesOf (path: string): Promise<Record<string, string | undefined>> {
  try {
    return { ...parseEnv(await readFile(path, 'utf8')) }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw error
  }
}

function withoutBlanks (variables: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set: Record<string, string> = {}
  for (const [name, value] of Object.entries(variables)) if (value !== undefined && value.trim() !== '') set[name] = value
  return set
}

/** One line for each variable, by its name; its value, which may be a secret, is not in it. */
function faultsOf (error: unknown): Map<string, string> {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) throw error
  const lines = new Map<string, string>()
  for (const fault of error.errors) {
    if (!isJsonObject(fault) || typeof fault['instancePath'] !== 'string') continue
    const name = fault['instancePath'].slice(1)
    lines.set(name, `${name}: ${explain(name, fault['message'])}`)
  }
  return lines
}

function explain (name: string, message: unknown): string {
  const schema: unknown = Object.entries(Environment.properties).find(([key]) => key === name)?.[1]
  if (!isJsonObject(schema)) return String(message)
  if (Array.isArray(schema['anyOf'])) return `must be one of ${schema['anyOf'].filter(isJsonObject).map(branch => branch['const']).join(', ')}`
  if (schema['pattern'] !== undefined) return `must be ${String(schema['description'])}`
  return String(message)
}

export default fp(config, { name: 'config', fastify: '5.x' })
