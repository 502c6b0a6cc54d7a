import { addGateway, configuredServer } from '../build-server.ts'
import { exitDrained, exitUnstarted } from '../exit.ts'
import { releaseIdleMemory } from '../idle-memory.ts'
import { PrimaryLink } from './primary-link.ts'
import type { EndReason } from './primary-link.ts'

/**
 * One of several processes that answer requests: the same server as by itself, which takes its configuration, its end and,
 * without DATABASE_URL, its database from the primary, and is measured together with the others.
 */

// Only the primary says when to end. A terminal, or systemd, signals it and its workers all at once, which must not count
// twice; and a worker that drained by itself would go on refusing its share of the requests.
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => {})

// Before the server is there, nothing runs.
let end = (_reason: EndReason): void => process.exit(0)
const link = new PrimaryLink(reason => end(reason))

try {
  const server = await configuredServer({ checked: await link.config, sharesOutput: true })
  const { host, port, database } = server.config
  await addGateway(server, { pglite: database.url === undefined ? link.ask : undefined, collectAll: link.collectAll })
  link.measures(server.metrics.collect)
  let ending = false
  end = reason => {
    if (reason === 'orphaned') server.log.error('the primary is gone: shutting down')
    if (!ending) void exitDrained(server)
    ending = true
  }
  await server.listen({ host, port })
  releaseIdleMemory()
} catch (error) {
  exitUnstarted(error)
}
