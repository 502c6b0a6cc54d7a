import type { FastifyInstance } from 'fastify'
import { ConfigurationError } from './config/gateway-config.ts'
import { DatabaseUnavailableError } from './db/unavailable.ts'
import { MissingPackageError } from './errors/missing-package.ts'
import { ProviderPluginError } from './providers/plugin-error.ts'

/**
 * How a process of the gateway ends.
 * Exit codes: 0 after a drain, 1 when it could not start (each reason on a line of its own) or on a second signal.
 */

/** Says on standard error why it cannot start, and ends the process with 1. */
export function exitUnstarted (error: unknown): never {
  if (error instanceof ConfigurationError) console.error(error.lines.join('\n'))
  else if (error instanceof DatabaseUnavailableError || error instanceof MissingPackageError || error instanceof ProviderPluginError) console.error(error.message)
  else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') console.error('PORT: another process listens there already')
  else console.error(error)
  process.exit(1)
}

/** Drains and closes the server, and ends the process. Never rejects. */
export async function exitDrained (server: FastifyInstance): Promise<never> {
  try {
    await server.close()
    process.exit(0)
  } catch (error) {
    server.log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'shutdown failed')
    process.exit(1)
  }
}
