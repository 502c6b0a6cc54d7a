/**
 * The gateway as users run it: `server.ts` in a process of its own, with nothing in its environment but what the test
 * says, and with an empty directory to work in.
 *
 *     const gateway = await startGateway(t, { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) })
 *     await fetch(`${gateway.url}/v1/models`)
 *     await gateway.logged('breaker opened')    // waits for the line
 *     t.same(await gateway.stop(), { code: 0, signal: null })
 */
import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

const SERVER = fileURLToPath(new URL('../../server.ts', import.meta.url))
/** PGlite's first start on a busy machine is the slowest there is. */
const START_TIMEOUT_MS = 60_000
const POLL_MS = 20

export type Variables = Readonly<Record<string, string>>

/** How the process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Waiting {
  readonly matches: (line: JsonObject) => boolean
  readonly resolve: (line: JsonObject) => void
  readonly reject: (error: Error) => void
}

/** A process that was started, whether it serves or not. Killed at the end of the test if it is still there. */
export class GatewayProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>
  /** Standard output so far, each line parsed; one that is no JSON object is `{ text }`. */
  readonly logs: JsonObject[] = []
  /** Lines of standard error so far. */
  readonly errors: string[] = []
  /** Resolves when it has ended and all that it wrote is here. */
  readonly exited: Promise<Exit>
  readonly #waiting = new Set<Waiting>()
  #url = ''

  constructor (env: Variables, directory: string) {
    this.child = spawn(process.execPath, [SERVER], {
      cwd: directory,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    createInterface({ input: this.child.stdout }).on('line', line => this.#take(line))
    createInterface({ input: this.child.stderr }).on('line', line => this.errors.push(line))
    this.exited = new Promise(resolve => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal })
        for (const { reject } of this.#waiting) reject(new Error(`the gateway ended (${code ?? signal}): ${this.errors.join('\n')}`))
      })
    })
  }

  /** Where it listens, without a slash at the end; empty before. */
  get url (): string { return this.#url }

  /** Everything that it wrote so far, for looking for what must not be there. */
  get output (): string { return [...this.logs.map(line => JSON.stringify(line)), ...this.errors].join('\n') }

  /** The lines with this message so far. */
  linesOf (message: string): JsonObject[] {
    return this.logs.filter(line => line['msg'] === message)
  }

  /**
   * The first line with this message and these fields; waits for it.
   * @throws it ended, and never said so
   */
  async logged (message: string, fields: JsonObject = {}): Promise<JsonObject> {
    const matches = (line: JsonObject) => line['msg'] === message && Object.entries(fields).every(([name, value]) => line[name] === value)
    const found = this.logs.find(matches)
    if (found !== undefined) return found
    return await new Promise((resolve, reject) => { this.#waiting.add({ matches, resolve, reject }) })
  }

  /** Waits until it listens. */
  async listening (): Promise<void> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), START_TIMEOUT_MS)
    try {
      const listens = /^Server listening at (http:\/\/\S+)$/
      const line = await new Promise<JsonObject>((resolve, reject) => {
        const matches = ({ msg }: JsonObject) => listens.test(String(msg))
        const found = this.logs.find(matches)
        if (found === undefined) this.#waiting.add({ matches, resolve, reject })
        else resolve(found)
      })
      this.#url = listens.exec(String(line['msg']))?.[1] ?? ''
    } finally {
      clearTimeout(timer)
    }
  }

  /** Asks it to end, as Kubernetes does. */
  async stop (): Promise<Exit> {
    this.child.kill('SIGTERM')
    return await this.exited
  }

  /** `kill -9`. */
  async kill (): Promise<Exit> {
    this.child.kill('SIGKILL')
    return await this.exited
  }

  #take (text: string): void {
    const line = objectOf(text)
    this.logs.push(line)
    for (const waiting of this.#waiting) {
      if (!waiting.matches(line)) continue
      this.#waiting.delete(waiting)
      waiting.resolve(line)
    }
  }
}

/** Starts the process and waits for nothing. HOST and PORT are loopback and a free port unless they are given. */
export async function spawnGateway (t: Test, env: Variables = {}): Promise<GatewayProcess> {
  const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-process-'))
  const gateway = new GatewayProcess({ HOST: '127.0.0.1', PORT: '0', ...env }, directory)
  t.teardown(async () => {
    await gateway.kill()
    await rm(directory, { recursive: true })
  })
  return gateway
}

/** Starts it and waits until `GET /readyz` answers 200, and that the database is there. */
export async function startGateway (t: Test, env: Variables): Promise<GatewayProcess> {
  const gateway = await spawnGateway(t, env)
  await gateway.listening()
  await until('the gateway is ready', async () => await readiness(gateway) === 'ready, database ok')
  return gateway
}

/** What `GET /readyz` says: `ready, database unavailable`, for example. */
export async function readiness ({ url }: Pick<GatewayProcess, 'url'>): Promise<string> {
  const response = await fetch(`${url}/readyz`)
  const body: unknown = await response.json()
  const { status, database } = isJsonObject(body) ? body : {}
  if ((response.status === 200) !== (status === 'ready')) throw new Error(`/readyz says ${String(status)} with ${response.status}`)
  return `${String(status)}, database ${String(database)}`
}

/** Asks again and again until it is so. @throws it is not so after all tries */
export async function until (what: string, isSo: () => Promise<boolean> | boolean, tries = 500): Promise<void> {
  for (let left = tries; left > 0; left--) {
    if (await isSo()) return
    await delay(POLL_MS)
  }
  throw new Error(`never came true: ${what}`)
}

function objectOf (text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : { text }
  } catch {
    return { text }
  }
}
