/**
 * The `config` plugin by itself.
 */
import fastify from 'fastify'
import { parseGatewayConfigFile } from '../../config/file.ts'
import { ConfigurationError } from '../../config/gateway-config.ts'
import type { GatewayConfig } from '../../config/gateway-config.ts'
import config from '../../plugins/config.ts'

/** The least that a start needs. */
export const ONE_TARGET = { OPENAI_API_KEY: 'hunter2-openai', OPENAI_MODEL: 'gpt-4o' }

/** What the plugin makes of these variables. */
export async function configure (env: Readonly<Record<string, string>>, envFile?: string): Promise<GatewayConfig> {
  const app = fastify()
  try {
    await app.register(config, { env, ...(envFile === undefined ? {} : { envFile }) })
    return app.config
  } finally {
    await app.close()
  }
}

/** The lines that stop a start with these variables; none if it does not stop. */
export async function complaints (env: Readonly<Record<string, string>>, envFile?: string): Promise<readonly string[]> {
  try {
    await configure(env, envFile)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines
    throw error
  }
}

/** The lines, without the variable's name, that a configuration file with this content stops a start with. */
export function fileComplaints (content: unknown, env: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    parseGatewayConfigFile(typeof content === 'string' ? content : JSON.stringify(content), env)
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.lines.map(line => line.replace(/^GATEWAY_CONFIG: /, ''))
    throw error
  }
}
