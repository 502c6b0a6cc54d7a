#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

/** The process: reads the environment, listens, and ends in order; or, with WORKERS above 1, has others do so. */

// Before everything that is worth caching, so nothing else is imported statically. It is in NODE_COMPILE_CACHE, or else in
// the system's folder for temporary files; where that cannot be written, a start takes longer, and that is all.
enableCompileCache()
const { addGateway, configuredServer } = await import('./build-server.ts')
const { exitDrained, exitUnstarted } = await import('./exit.ts')
const { releaseIdleMemory } = await import('./idle-memory.ts')

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
    releaseIdleMemory()
  }
} catch (error) {
  exitUnstarted(error)
}
