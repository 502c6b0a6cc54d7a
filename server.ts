import { ConfigurationError } from './config/gateway-config.ts'
import { DatabaseUnavailableError } from './db/database.ts'
import { buildServer } from './build-server.ts'

/**
 * The process: reads the environment, listens, and ends in order.
 * Exit codes: 0 after a drain, 1 when it could not start (each reason on a line of its own) or on a second signal.
 */

try {
  const server = await buildServer({ env: process.env, envFile: '.env' })
  let stopping = false
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    server.log.info({ signal }, 'shutting down')
    server.close().then(() => process.exit(0), error => {
      server.log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'shutdown failed')
      process.exit(1)
    })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  const { host, port } = server.config
  await server.listen({ host, port })
} catch (error) {
  if (error instanceof ConfigurationError) console.error(error.lines.join('\n'))
  else if (error instanceof DatabaseUnavailableError) console.error(error.message)
  else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') console.error('PORT: another process listens there already')
  else console.error(error)
  process.exit(1)
}
