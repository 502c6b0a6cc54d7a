/**
 * Runs once before all test files (`before` in .taprc): starts the PostgreSQL that they share.
 */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fileOf, readKept } from './postgres.ts'

const START_TIMEOUT_MS = 30_000

// tap, the parent of this process, is also the parent of every test file.
const runPid = process.ppid
// Left by a crashed run whose process id came round again.
await rm(fileOf(runPid), { force: true })

const keeper = spawn(process.execPath, [
  fileURLToPath(new URL('./postgres-keeper.ts', import.meta.url)), String(runPid), fileOf(runPid)
], { detached: true, stdio: ['ignore', 'ignore', 'inherit'] })
keeper.unref()

const deadline = Date.now() + START_TIMEOUT_MS
while (await readKept(runPid) === undefined) {
  if (keeper.exitCode !== null || Date.now() > deadline) throw new Error('PostgreSQL for the tests did not start')
  await delay(20)
}
// What goes wrong from here on is the tests' business; an inherited stderr would keep tap waiting.
process.exit(0)
