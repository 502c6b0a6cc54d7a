/**
 * Runs once after all test files (`after` in .taprc): stops the PostgreSQL that they shared.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { isAlive, readKept } from './postgres.ts'

const kept = await readKept(process.ppid)
if (kept !== undefined) {
  process.kill(kept.keeper, 'SIGTERM')
  while (isAlive(kept.keeper)) await delay(20)
}
