/**
 * A gateway of several processes, as its users run it: which worker answered is in its log.
 *
 *     const { gateway, workers } = await startWorkers(t, 2, env)
 *     const { status, worker } = await askApart(gateway, '/v1/models')   // `worker` is a process id
 */
import { randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { openaiAt } from './build-gateway.ts'
import { chat, HELLO } from './chat-client.ts'
import { startGateway, until } from './gateway-process.ts'
import type { GatewayProcess, Variables } from './gateway-process.ts'
import { isAlive, testDatabase } from './postgres.ts'
import { DONE, finish, role, scriptedUpstream, streaming, text } from './scripted-upstream.ts'

/** Workers start one after another, on a machine that does much else. */
const TRIES = 3000

/** The process ids of the workers that have begun to listen, and are alive. */
export function workersOf (gateway: GatewayProcess): number[] {
  const pids = gateway.logs.filter(({ msg }) => String(msg).startsWith('Server listening at')).map(({ pid }) => Number(pid))
  return [...new Set(pids)].filter(isAlive)
}

/** Starts a gateway and waits until so many workers listen. */
export async function startWorkers (t: Test, count: number, env: Variables): Promise<{ readonly gateway: GatewayProcess, readonly workers: readonly number[] }> {
  const gateway = await startGateway(t, { WORKERS: String(count), ...env })
  await untilWorkers(gateway, count)
  return { gateway, workers: workersOf(gateway) }
}

/** Waits until so many workers listen. */
export async function untilWorkers (gateway: GatewayProcess, count: number): Promise<void> {
  await until(`${count} workers listen`, () => workersOf(gateway).length === count, TRIES)
}

/** Waits until none of these processes is left. */
export async function untilGone (pids: readonly number[]): Promise<void> {
  await until('the workers are gone', () => !pids.some(isAlive), TRIES)
}

export interface Answer {
  readonly status: number
  readonly body: JsonObject
  /** The process id of the worker that gave it. */
  readonly worker: number
}

/** A request over a connection of its own: the primary hands each connection to the next worker. */
export async function askApart (gateway: GatewayProcess, path: string, { headers = {}, body }: { headers?: Record<string, string>, body?: JsonObject } = {}): Promise<Answer> {
  const id = randomUUID()
  const { status, received } = await new Promise<{ status: number, received: string }>((resolve, reject) => {
    const request = httpRequest(`${gateway.url}${path}`, {
      agent: false,
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'x-request-id': id, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }
    }, response => {
      let received = ''
      response.setEncoding('utf8').on('data', (part: string) => { received += part })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, received }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
  const line = await gateway.logged('request ended', { reqId: id })
  const parsed: unknown = JSON.parse(received)
  return { status, body: isJsonObject(parsed) ? parsed : {}, worker: Number(line['pid']) }
}

/** Asks again and again until each of these workers has given an answer that is right. */
export async function untilEach (what: string, workers: readonly number[], ask: () => Promise<Answer>, isRight: (answer: Answer) => boolean): Promise<void> {
  const missing = new Set(workers)
  await until(`each worker: ${what}`, async () => {
    const answer = await ask()
    if (isRight(answer)) missing.delete(answer.worker)
    return missing.size === 0
  }, TRIES)
}

/** Workers in the middle of streams. */
export interface Streaming {
  readonly gateway: GatewayProcess
  readonly workers: readonly number[]
  /** One in each worker at least, in the middle. */
  readonly responses: readonly Response[]
  /** Lets the upstream go on with its answers. */
  readonly more: () => void
}

/** Two workers with streams in both of them, on a database of their own. */
export async function startStreaming (t: Test, env: Variables = {}): Promise<Streaming> {
  const upstream = await scriptedUpstream(t)
  const { gateway, workers } = await startWorkers(t, 2, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream), ...env })
  const more = Promise.withResolvers<void>()
  upstream.otherwise = streaming(role(), text('Hel'), more.promise, text('lo'), finish('stop'), DONE)
  // Each has a connection of its own, and connections are dealt out in turn.
  const responses = await Promise.all([1, 2, 3, 4].map(async () => await chat(gateway.url, { ...HELLO, stream: true })))
  return { gateway, workers, responses, more: () => more.resolve() }
}

/** Waits until both workers have begun to drain. */
export async function untilDraining ({ gateway, workers }: Streaming): Promise<void> {
  for (const pid of workers) await gateway.logged('draining', { pid })
}

/** Each stream came to its end, and nothing of it is missing. */
export async function assertWhole (t: Test, responses: readonly Response[]): Promise<void> {
  for (const body of await Promise.all(responses.map(async response => await response.text()))) {
    t.match(body, /"content":"Hel"[^]*"content":"lo"[^]*data: \[DONE\]\n\n$/)
  }
}
