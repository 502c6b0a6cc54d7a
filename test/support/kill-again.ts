/**
 * Lives of the gateway's process, each ended by `kill -9`: as soon as it has reported a state, in the middle of changing
 * it, and always in the middle of running streams. The next one looks at what it left in the database.
 */
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { ADMIN_KEY, configFile, digestOf, targetAt } from './build-gateway.ts'
import { startGateway, until } from './gateway-process.ts'
import type { GatewayProcess, Variables } from './gateway-process.ts'
import { role, scriptedUpstream, status, streaming, text } from './scripted-upstream.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

/** When a round's process is killed. */
export type Moment = 'when it is reported' | 'while it is written' | 'while it is closed again'

const STREAMS = 5
const admin = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' }

async function ask ({ url }: GatewayProcess, model: string, stream = false): Promise<Response> {
  return await fetch(`${url}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'Hello' }] })
  })
}

async function dataOf (url: string): Promise<JsonObject[]> {
  const response = await fetch(url, { headers: admin })
  const body: unknown = await response.json()
  if (response.status !== 200 || !isJsonObject(body) || !Array.isArray(body['data'])) throw new Error(`${url}: ${JSON.stringify(body)}`)
  return body['data'].filter(isJsonObject)
}

async function breakerOf (gateway: GatewayProcess, name: string): Promise<JsonObject> {
  const target = (await dataOf(`${gateway.url}/v1/targets`)).find(target => target['name'] === name)
  if (!isJsonObject(target?.['breaker'])) throw new Error(`no target ${name}`)
  return target['breaker']
}

async function reset (gateway: GatewayProcess): Promise<Response> {
  return await fetch(`${gateway.url}/v1/targets/dead/breaker`, { method: 'POST', headers: admin, body: JSON.stringify({ action: 'reset', reason: 'next round' }) })
}

/** Three failures, which open the breaker. Rejects when the gateway is killed meanwhile. */
async function fail (gateway: GatewayProcess): Promise<void> {
  for (let i = 0; i < 3; i++) await (await ask(gateway, 'dead')).text()
}

/** What the audit log tells of the breaker agrees with its state: no epoch is missing, each transition begins where the last one ended. */
async function assertContiguous (t: Test, gateway: GatewayProcess): Promise<void> {
  const { epoch, state } = await breakerOf(gateway, 'dead')
  const transitions = (await dataOf(`${gateway.url}/v1/audit?kind=transition&target=dead&limit=1000`)).reverse()
  t.same(transitions.map(({ epoch }) => epoch), Array.from({ length: Number(epoch) }, (_, index) => index + 1), 'no epoch is missing')
  t.same(transitions.map(({ from }) => from), ['closed', ...transitions.map(({ to }) => to)].slice(0, -1), 'each begins where the last one ended')
  t.equal(transitions.at(-1)?.['to'] ?? 'closed', state)
}

/** One life after another over the same database, and in each of them the test that the last kill lost and broke nothing. */
export async function killAgainAndAgain (parent: Test, database: Variables, moments: readonly Moment[]): Promise<void> {
  const dead = await scriptedUpstream(parent)
  const well = await scriptedUpstream(parent)
  dead.otherwise = status(500)
  const env = {
    ...database,
    ADMIN_API_KEYS: digestOf(ADMIN_KEY),
    GATEWAY_CONFIG: await configFile(parent, { targets: [targetAt(dead, 'dead'), targetAt(well, 'well')], models: { chat: { targets: ['dead', 'well'] } } })
  }
  let gateway = await startGateway(parent, env)
  for (const [round, moment] of moments.entries()) {
    await parent.test(`kill ${round + 1}: ${moment}`, async t => {
      if ((await breakerOf(gateway, 'dead'))['state'] !== 'closed') t.equal((await reset(gateway)).status, 200)
      const before = await breakerOf(gateway, 'dead')
      t.match(before, { state: 'closed' })
      const streams = await runningStreams(gateway, well)
      const expected = await killAt(moment, gateway, dead)
      t.same(await streams.bodies, Array.from({ length: STREAMS }, () => 'broken'), 'no stream looks complete')

      const startedAt = performance.now()
      gateway = await startGateway(parent, env)
      t.comment(`up again after ${Math.round(performance.now() - startedAt)} ms`)
      const after = await breakerOf(gateway, 'dead')
      if (expected === undefined) {
        // It was killed on the way: either it had got there, or it had not begun.
        t.match(after['state'], /^(?:open|closed)$/)
        t.ok(Number(after['epoch']) - Number(before['epoch']) <= 2, `${before['epoch']} to ${after['epoch']}`)
        t.ok(Number(after['epoch']) >= Number(before['epoch']))
      } else {
        // Nothing probes it but requests, and there were none.
        t.match(after, { state: 'open', epoch: expected['epoch'], cause: 'upstream_error', status: 500 })
        t.ok(Number(after['open_for_ms']) <= Number(expected['open_for_ms']), 'the time that it was away counts')
      }
      await assertContiguous(t, gateway)
      t.match(await (await ask(gateway, 'chat')).json(), { choices: [{ message: { content: 'Hello, world' } }] }, 'it serves')
    })
  }
  parent.ok((await dataOf(`${gateway.url}/v1/audit?kind=attempt&limit=1000`)).length > 0, 'attempts can be read')
  parent.same(gateway.linesOf('internal error'), [])
}

/** Begins streams that never end; what their clients got is known once they are broken. */
async function runningStreams (gateway: GatewayProcess, well: ScriptedUpstream): Promise<{ readonly bodies: Promise<string[]> }> {
  const bodies: Array<Promise<string>> = []
  for (let i = 0; i < STREAMS; i++) {
    well.next(streaming(role(), text('Hel'), new Promise(() => {})))
    const response = await ask(gateway, 'well', true)
    bodies.push(response.text().catch(() => 'broken'))
  }
  return { bodies: Promise.all(bodies) }
}

/** Opens the breaker and kills the process at that moment; gives the state that was reported, if one was. */
async function killAt (moment: Moment, gateway: GatewayProcess, dead: ScriptedUpstream): Promise<JsonObject | undefined> {
  if (moment === 'while it is written') {
    const third = dead.request(dead.requests.length + 3)
    const failing = fail(gateway).catch(() => {})
    await third
    await gateway.kill()
    await failing
    return undefined
  }
  await fail(gateway)
  let reported: JsonObject = {}
  await until('the breaker is open', async () => {
    reported = await breakerOf(gateway, 'dead')
    return reported['state'] === 'open'
  })
  if (moment === 'when it is reported') {
    await gateway.kill()
    return reported
  }
  const closing = reset(gateway).catch(() => {})
  await gateway.kill()
  await closing
  return undefined
}
