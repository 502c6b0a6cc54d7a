/**
 * Several processes with one embedded database, which none of them owns.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { ADMIN_KEY, digestOf, openaiAt } from '../support/build-gateway.ts'
import { bearer, chat, HELLO } from '../support/chat-client.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { askApart, startWorkers, untilEach, untilGone } from '../support/workers.ts'
import type { Answer } from '../support/workers.ts'

const headers = bearer(ADMIN_KEY)
const EXITED_WITH_0 = { code: 0, signal: null }

/** Of the only target. */
function breakerOf ({ body }: Answer): JsonObject {
  const [target]: unknown[] = Array.isArray(body['data']) ? body['data'] : []
  return isJsonObject(target) && isJsonObject(target['breaker']) ? target['breaker'] : {}
}

function requestIdsOf (body: unknown): unknown[] {
  return isJsonObject(body) && Array.isArray(body['data']) ? body['data'].filter(isJsonObject).map(entry => entry['request_id']) : []
}

t.test('two workers with PGlite', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-pglite-'))
  t.teardown(async () => await rm(directory, { recursive: true }))
  const upstream = await scriptedUpstream(t)
  const env = { DATA_DIR: join(directory, 'data'), ADMIN_API_KEYS: digestOf(ADMIN_KEY), ...openaiAt(upstream) }
  const { gateway, workers } = await startWorkers(t, 2, env)
  const targets = async () => await askApart(gateway, '/v1/targets')
  const override = async (action: string) => await askApart(gateway, '/v1/targets/openai/breaker', { headers, body: { action, reason: 'test' } })
  const requestIds: unknown[] = []

  await t.test('a breaker forced open through one worker is seen by the other', async t => {
    t.equal((await override('force_open')).status, 200)
    await untilEach('its breaker is open', workers, targets, answer => breakerOf(answer)['state'] === 'forced_open')
    t.equal((await override('reset')).status, 200)
    await untilEach('its breaker is closed', workers, targets, answer => breakerOf(answer)['state'] === 'closed')
  })

  await t.test('attempts of both are in one audit log', async t => {
    const answered = new Set<unknown>()
    await until('both have answered', async () => {
      const response = await chat(gateway.url, HELLO, { headers: { connection: 'close' } })
      t.equal(response.status, 200)
      await response.text()
      const id = response.headers.get('x-request-id') ?? ''
      requestIds.push(id)
      answered.add((await gateway.logged('request ended', { reqId: id }))['pid'])
      return answered.size === 2
    })
    await until('all are in the log', async () => {
      const logged = requestIdsOf((await askApart(gateway, '/v1/audit?kind=attempt', { headers })).body)
      return requestIds.every(id => logged.includes(id))
    })
  })

  await t.test('kill -9 of a worker leaves the database to the other and to the next', async t => {
    const [killed = 0] = workers
    process.kill(killed, 'SIGKILL')
    await gateway.logged('worker ended: another takes its place', { worker: killed })
    t.equal((await override('force_open')).status, 200)
  })

  await t.test('what the last requests left is written before it ends', async t => {
    t.equal((await override('reset')).status, 200)
    const response = await chat(gateway.url)
    await response.text()
    requestIds.push(response.headers.get('x-request-id'))
    t.equal((await override('force_closed')).status, 200)
    t.same(await gateway.stop(), EXITED_WITH_0)
    t.same(gateway.errors, [])
  })

  await t.test('one process by itself finds it all', async t => {
    const next = await startGateway(t, env)
    t.match(breakerOf(await askApart(next, '/v1/targets')), { state: 'forced_closed' })
    const logged = requestIdsOf((await askApart(next, '/v1/audit?kind=attempt', { headers })).body)
    t.same(requestIds.filter(id => !logged.includes(id)), [])
    t.same(await next.stop(), EXITED_WITH_0)
  })

  await t.test('kill -9 of the primary, and with it of the database, ends the workers; the files stay usable', async t => {
    const { gateway, workers } = await startWorkers(t, 2, env)
    t.same(await gateway.kill(), { code: null, signal: 'SIGKILL' })
    await untilGone(workers)
    const next = await startWorkers(t, 2, env)
    t.match(breakerOf(await askApart(next.gateway, '/v1/targets')), { state: 'forced_closed' })
    t.same(await next.gateway.stop(), EXITED_WITH_0)
  })
})
