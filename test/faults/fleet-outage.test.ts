/**
 * A target dies while three replicas on one database are busy with it: every request is answered, few are sent twice, and
 * the logs of transitions and of attempts tell what happened without a gap, as the servers saw it.
 */
import postgres from 'postgres'
import t from 'tap'
import { countAttempts, faultsInAttempts, strangersInAttempts } from '../support/audit-history.ts'
import { configFile } from '../support/build-gateway.ts'
import { chat, contentOf, framesOf, json } from '../support/chat-client.ts'
import { NO_FAULT, faultProxy } from '../support/fault-proxy.ts'
import type { Fault, FaultProxy } from '../support/fault-proxy.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { answering, scriptedUpstream } from '../support/scripted-upstream.ts'
import { faultsInLog } from '../support/transition-log.ts'

const REPLICAS = 3
/** Requests under way at each replica. */
const AT_ONCE = share(10, 20)
/** At each replica. */
const REQUESTS = share(150, 4_000)
/** Into so many of a replica's requests the first target dies. */
const DIES_AT = 50
const ATTEMPTS_PER_REQUEST = 1.1
const FIRST_TOKEN_TIMEOUT_MS = 5000

const FAULTS: Readonly<Record<string, { readonly fault: Fault, readonly whole: boolean }>> = {
  reset: { fault: { kind: 'reset', after: 0 }, whole: true },
  // Everything that is under way when it falls silent waits there: one attempt each.
  silent: { fault: { kind: 'blackhole', after: 0 }, whole: false }
}

for (const [name, { fault, whole }] of Object.entries(FAULTS)) {
  t.test(`${name}: ${REPLICAS * REQUESTS} requests`, { timeout: 900_000 }, async t => {
    const [first, second] = [await scriptedUpstream(t), await scriptedUpstream(t)]
    first.otherwise = answering('from the first target')
    second.otherwise = answering('from the second target')
    const proxies = { first: await faultProxy(t, first.origin), second: await faultProxy(t, second.origin) }
    const env = {
      DATABASE_URL: await testDatabase(t),
      FIRST_TOKEN_TIMEOUT_MS: String(FIRST_TOKEN_TIMEOUT_MS),
      GATEWAY_CONFIG: await configFile(t, {
        targets: Object.entries(proxies).map(([name, { origin }]) => ({ name, provider: 'openai' as const, options: { baseURL: `${origin}/v1`, apiKey: 'key', model: 'm' } })),
        models: { both: { targets: ['first', 'second'] } },
        default: 'both'
      })
    }
    const fleet = await Promise.all(Array.from({ length: REPLICAS }, async () => await startGateway(t, env)))

    const asked: string[] = []
    const wrong: string[] = []
    let done = 0
    const load = async (gateway: GatewayProcess, replica: number): Promise<void> => {
      let next = 0
      await Promise.all(Array.from({ length: AT_ONCE }, async () => {
        while (next < REQUESTS) {
          const id = `replica-${replica}-request-${next++}`
          asked.push(id)
          if (done++ === DIES_AT * REPLICAS) proxies.first.faultOf = () => fault
          const wrongWith = await faultOfAnswer(gateway, id, !whole || next % 2 === 0)
          if (wrongWith !== undefined) wrong.push(`${id}: ${wrongWith}`)
        }
      }))
    }
    await Promise.all(fleet.map(load))
    t.same(wrong, [], 'every request is answered whole')
    const attempts = attemptsAt(proxies)
    const ratio = attempts / asked.length
    t.comment(`${name}: ${asked.length} requests, ${attempts} attempts (${ratio.toFixed(3)} each), ${proxies.first.requests} at the target that died`)
    t.ok(ratio <= ATTEMPTS_PER_REQUEST, `${ratio.toFixed(3)} attempts per request`)
    t.ok(proxies.first.requests > DIES_AT, 'the first target was in use before')

    proxies.first.faultOf = () => NO_FAULT
    await until('the first target is used again', async () => {
      const id = `after-${asked.length}`
      asked.push(id)
      return (await chat(fleet[0]?.url ?? '', BODY, { headers: { 'x-request-id': id } })).headers.get('x-gateway-target') === 'first'
    }, 5_000)

    // What waits to be written is written at the end.
    for (const gateway of fleet) t.same(await gateway.stop(), { code: 0, signal: null })
    const sql = postgres(env.DATABASE_URL, { max: 1 })
    t.teardown(async () => await sql.end())
    t.same(await faultsInLog(sql), [], 'the log of transitions is whole')
    t.same(await faultsInAttempts(sql), [], 'the log of attempts is whole')
    t.same(await strangersInAttempts(sql, asked), [], 'of these requests, and of all of them')
    const counts = await countAttempts(sql)
    t.comment(JSON.stringify(counts))
    for (const target of ['first', 'second'] as const) {
      t.equal(Object.values(counts[target] ?? {}).reduce((sum, count) => sum + count, 0), proxies[target].requests, `as many attempts as ${target} has seen`)
    }
    t.same(await sql`select * from audit_gap`, [], 'nothing was dropped')
  })
}

const BODY = { messages: [{ role: 'user', content: 'Hello' }] }

/** What is wrong with the answer to one more request. */
async function faultOfAnswer (gateway: GatewayProcess, id: string, stream: boolean): Promise<string | undefined> {
  const response = await chat(gateway.url, { ...BODY, stream }, { headers: { 'x-request-id': id } })
  const said = `from the ${response.headers.get('x-gateway-target') ?? ''} target`
  if (response.status !== 200) return `${response.status} ${await response.text()}`
  if (!stream) return JSON.stringify(await json(response)).includes(`"${said}"`) ? undefined : 'not whole'
  const frames = await framesOf(response)
  return frames.at(-1)?.data === '[DONE]' && contentOf(frames) === said ? undefined : JSON.stringify(frames)
}

function attemptsAt (proxies: Readonly<Record<string, FaultProxy>>): number {
  return Object.values(proxies).reduce((sum, { requests }) => sum + requests, 0)
}
