import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { insertAttempts, listAudit } from '../../db/audit.ts'
import { PostgresBreakerStore } from '../../db/breaker-store.ts'
import { openPglite } from '../../db/pglite.ts'
import { attemptRow } from '../support/attempts.ts'
import { testBreakerStore } from '../support/breaker-store-contract.ts'
import { rewind } from '../support/rewind.ts'

const script = fileURLToPath(new URL('../fixtures/write-transitions.ts', import.meta.url))
const parent = await mkdtemp(join(tmpdir(), 'llm-gateway-pglite-'))
t.teardown(async () => await rm(parent, { recursive: true, force: true }))

t.test('on PGlite the store fulfils the same contract, and the audit log reads the same', async t => {
  const database = await openPglite('memory://')
  t.teardown(async () => await database.close())
  await testBreakerStore(t, { store: new PostgresBreakerStore(database), elapse: async ms => await rewind(database, ms) })
  await insertAttempts(database, [attemptRow({ target: 'pglite', model: 'with \0 and \ud800' })])
  const { entries } = await listAudit(database, { target: 'pglite' }, undefined, 10)
  t.match(entries, [{ kind: 'attempt', target: 'pglite', model: 'with  and \ufffd', at: /^\d{4}-.*\.\d{6}Z$/ }])
})

/** Starts a writer and kills it once it has stored `count` transitions; gives the last epoch it was sure of. */
async function killAfter (dataDir: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = new Promise(resolve => { child.once('exit', resolve) })
  let last = 0
  let left = count
  for await (const line of createInterface(child.stdout)) {
    last = Number(line)
    if (--left === 0) child.kill('SIGKILL')
  }
  await exited
  return last
}

t.test('PGlite survives kill -9: nothing stored is lost, nothing is half there', async t => {
  const dataDir = join(parent, 'data')
  let known = 0
  for (const count of [1, 15, 40]) {
    const last = await killAfter(dataDir, count)
    t.ok(last > known, `written up to ${last}`)
    known = last
  }
  const database = await openPglite(dataDir)
  t.teardown(async () => await database.close())
  const [row] = await new PostgresBreakerStore(database).load()
  t.ok(row !== undefined && row.epoch >= known, `epoch ${row?.epoch} is there after ${known} was acknowledged`)
  const rows = await database.execute<{ epoch: number }>(sql`select epoch from breaker_transition order by epoch`)
  t.same(rows.map(each => each.epoch), Array.from({ length: row?.epoch ?? 0 }, (_, n) => n + 1), 'the epochs have no gap')
})
