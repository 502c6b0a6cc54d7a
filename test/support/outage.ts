/**
 * A fleet whose database goes through something: gateways as processes, in front of one upstream that is well and one that
 * always fails, and behind them a PostgreSQL of the test's own.
 */
import postgres from 'postgres'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import { configFile, fileOf } from './build-gateway.ts'
import { json } from './chat-client.ts'
import { readiness, spawnGateway, until } from './gateway-process.ts'
import type { GatewayProcess, Variables } from './gateway-process.ts'
import { scriptedUpstream, status } from './scripted-upstream.ts'
import type { ScriptedUpstream } from './scripted-upstream.ts'

/** Waiting for what takes a second or two, on a machine that does much else. */
export const TRIES = 6_000

export interface Upstreams {
  readonly bad: ScriptedUpstream
  readonly good: ScriptedUpstream
}

/** Two upstreams, and the variables of gateways that try the one that fails first. */
export async function upstreams (t: Test): Promise<Upstreams & { readonly env: Variables }> {
  const both = { bad: await scriptedUpstream(t), good: await scriptedUpstream(t) }
  both.bad.otherwise = status(500)
  return { ...both, env: { GATEWAY_CONFIG: await configFile(t, fileOf(both)) } }
}

/** All requests that came to them, each an attempt. */
export function attemptsAt ({ bad, good }: Upstreams): number {
  return bad.requests.length + good.requests.length
}

/** Starts gateways, and waits until they listen, whatever becomes of the database. */
export async function startGateways (t: Test, count: number, env: Variables): Promise<GatewayProcess[]> {
  return await Promise.all(Array.from({ length: count }, async () => {
    const gateway = await spawnGateway(t, env)
    await gateway.listening()
    return gateway
  }))
}

/** Waits until all gateways say that they are ready, and this of their database. */
export async function untilDatabase (is: 'ok' | 'unavailable', gateways: readonly GatewayProcess[]): Promise<void> {
  for (const gateway of gateways) {
    await until(`the database is ${is}`, async () => await readiness(gateway) === `ready, database ${is}`, TRIES)
  }
}

/** Ends them, and asserts that nothing was wrong with any. */
export async function stopGateways (t: Test, gateways: readonly GatewayProcess[]): Promise<void> {
  t.same(await Promise.all(gateways.map(async gateway => await gateway.stop())), gateways.map(() => ({ code: 0, signal: null })))
  for (const { errors, logs } of gateways) {
    t.same(errors, [])
    t.same(logs.filter(({ level }) => Number(level) >= 50), [], 'nothing to look after')
  }
}

/** What the audit log has of attempts. */
export async function auditIn (databaseUrl: string): Promise<{ readonly rows: number, readonly lost: number, readonly gaps: number }> {
  const client = postgres(databaseUrl, { max: 1 })
  const [counted] = await client<Array<{ rows: number, lost: number, gaps: number }>>`
    select (select count(*)::int from attempt) as rows, coalesce(sum(lost), 0)::int as lost, count(*)::int as gaps from audit_gap`
  await client.end()
  if (counted === undefined) throw new Error('there is always a count')
  return counted
}

/** State and epoch of a target's breaker, as a gateway tells them. */
export async function breakerAt ({ url }: GatewayProcess, name: string): Promise<string> {
  const { data } = await json(await fetch(`${url}/v1/targets`))
  const target = Array.isArray(data) ? data.filter(isJsonObject).find(target => target['name'] === name) : undefined
  const breaker = isJsonObject(target?.['breaker']) ? target['breaker'] : {}
  return `${String(breaker['state'])} ${String(breaker['epoch'])}`
}
