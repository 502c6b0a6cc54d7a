import { addGateway, configuredServer } from './build-server.ts'
import { exitDrained, exitUnstarted } from './exit.ts'

/** The process: reads the environment, listens, and ends in order; or, with WORKERS above 1, has others do so. */

try {
  const server = await configuredServer({ env: process.env, envFile: '.env' })
  const { host, port, workers } = server.config
  if (workers > 1) {
    const { runWorkers } = await import('./cluster/primary.ts')
    await runWorkers(server)
  } else {
    await addGateway(server)
    let stopping = false
    const stop = (signal: NodeJS.Signals) => {
      if (stopping) process.exit(1)
      stopping = true
      server.log.info({ signal }, 'shutting down')
      void exitDrained(server)
    }
    process.on('SIGTERM', stop)
    process.on('SIGINT', stop)
    await server.listen({ host, port })
  }
} catch (error) {
  exitUnstarted(error)
}
