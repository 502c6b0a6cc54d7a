/**
 * `kill -9` at any moment, with the embedded database: no breaker state is lost, and its files stay usable.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { spawnGateway, until } from '../support/gateway-process.ts'
import { killAgainAndAgain } from '../support/kill-again.ts'

t.test('with PGlite', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-pglite-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  const dataDir = join(directory, 'data')

  // What it left is the database of all that follow.
  await t.test('killed in its first start, while it makes its files', async t => {
    const gateway = await spawnGateway(t, { DATA_DIR: dataDir, OPENAI_MODEL: 'any', OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' })
    await until('there are files', () => existsSync(join(dataDir, 'base')), 3000)
    t.same(await gateway.kill(), { code: null, signal: 'SIGKILL' })
    t.comment(gateway.logs.length === 0 ? 'before it was ready' : 'just after it was ready: this machine is too slow to see more')
  })

  await killAgainAndAgain(t, { DATA_DIR: dataDir }, ['when it is reported', 'while it is written'])
})
