import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { buildServer } from '../build-server.ts'
import { ConfigurationError } from '../config/gateway-config.ts'
import { DatabaseUnavailableError } from '../db/unavailable.ts'
import { ADMIN_KEY, buildGateway, digestOf, openaiAt } from './support/build-gateway.ts'
import { chat, errorOf, HELLO, json } from './support/chat-client.ts'
import { until } from './support/gateway-process.ts'
import { testDatabase } from './support/postgres.ts'
import { scriptedUpstream } from './support/scripted-upstream.ts'

const TARGET = { OPENAI_API_KEY: 'hunter2', OPENAI_MODEL: 'gpt-4o' }

t.test('wrong variables: all lines at once, and nothing is opened', async t => {
  const error = await buildServer({ env: { ...TARGET, DATABASE_URL: 'postgres://127.0.0.1:1/x', PORT: 'x', LOG_LEVEL: 'x' }, logger: false }).then(() => undefined, (error: unknown) => error)
  t.type(error, ConfigurationError)
  t.match(error, { lines: ['PORT: must be integer', /^LOG_LEVEL: /] })
})

t.test('a database that refuses stops the start', async t => {
  const url = new URL(await testDatabase(t))
  url.password = 'hunter2'
  const error = await buildServer({ env: { ...TARGET, DATABASE_URL: url.href }, logger: false }).then(() => undefined, (error: unknown) => error)
  t.type(error, DatabaseUnavailableError)
  t.notMatch(error instanceof Error ? error.message : '', /hunter2/)
})

t.test('one that cannot be reached does not', async t => {
  const upstream = await scriptedUpstream(t)
  const lines: string[] = []
  const server = await buildServer({
    env: { ...openaiAt(upstream), DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/x', ADMIN_API_KEYS: digestOf(ADMIN_KEY) },
    logger: { level: 'warn', stream: { write: line => { lines.push(line) } } }
  })
  t.teardown(async () => await server.close())
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  t.equal((await chat(url)).status, 200)
  t.match(await json(await fetch(`${url}/readyz`)), { status: 'ready', database: 'unavailable' })
  t.equal((await fetch(`${url}/v1/targets`)).status, 200)
  const audit = await fetch(`${url}/v1/audit`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } })
  t.equal(audit.status, 503)
  t.ok(Number(audit.headers.get('retry-after')) > 0)
  t.match(errorOf(await json(audit)), { type: 'server_error', code: 'database_unavailable' })
  t.match(lines.filter(line => line.includes('DATABASE_URL')).map(line => JSON.parse(line)), [{ level: 40, code: 'ECONNREFUSED', msg: /cannot be used: nothing listens there/ }], 'one line')
  t.notMatch(lines.join(''), /hunter2|"level":50/)
})

t.test('without DATABASE_URL it runs on the embedded database', async t => {
  const upstream = await scriptedUpstream(t)
  const server = await buildServer({ env: { ...openaiAt(upstream), DATA_DIR: 'memory://' }, logger: false })
  t.teardown(async () => await server.close())
  const url = await server.listen({ host: '127.0.0.1', port: 0 })
  t.equal((await chat(url)).headers.get('x-gateway-target'), 'openai')
  t.match(await json(await fetch(`${url}/readyz`)), { status: 'ready' })
})

t.test('two replicas on one database learn of each other\'s breakers; two on their own do not', async t => {
  const upstream = await scriptedUpstream(t)
  const DATABASE_URL = await testDatabase(t)
  const first = await buildGateway(t, { env: { ...openaiAt(upstream), DATABASE_URL } })
  const other = await buildGateway(t, { env: openaiAt(upstream) })
  await first.server.breakers.override('openai', 'force_open', { by: 'test', reason: 'test' })
  const second = await buildGateway(t, { env: { ...openaiAt(upstream), DATABASE_URL } })
  // On a slow machine the store is asked, or told, again.
  while ((await second.server.breakers.list())[0]?.state !== 'forced_open') await second.server.breakers.refresh()
  t.same([(await chat(first.url)).status, (await chat(second.url)).status, (await chat(other.url)).status], [503, 503, 200])
  void first.server.drain.begin()
  t.same([(await fetch(`${first.url}/readyz`)).status, (await fetch(`${other.url}/readyz`)).status], [503, 200])
})

t.test('close closes it all: the client\'s idle connection and the upstream\'s', async t => {
  const upstream = await scriptedUpstream(t)
  const { url, server } = await buildGateway(t, { env: openaiAt(upstream) })
  await (await chat(url, HELLO)).text()
  const idle = connect(Number(new URL(url).port), '127.0.0.1')
  await new Promise(resolve => { idle.once('connect', resolve) })
  const idleClosed = new Promise(resolve => { idle.once('close', resolve) })
  t.equal(upstream.openSockets, 1)
  await server.close()
  await idleClosed
  while (upstream.openSockets > 0) await new Promise(resolve => { setImmediate(resolve) })
  await t.rejects(server.breakers.list().then(async () => await server.auditLog.list({})), 'and the database')
})

t.test('an idle connection is kept for KEEP_ALIVE_TIMEOUT_MS, which its client is told', async t => {
  const upstream = await scriptedUpstream(t)
  const { url } = await buildGateway(t, { env: { ...openaiAt(upstream), KEEP_ALIVE_TIMEOUT_MS: '635000' } })
  t.equal((await fetch(`${url}/healthz`)).headers.get('keep-alive'), 'timeout=635')
})

t.test('one of several workers takes its share of the connections to PostgreSQL, and at least two, and one to listen', async t => {
  const upstream = await scriptedUpstream(t)
  for (const [workers, share] of [[1, 13], [2, 7], [5, 4], [64, 3]]) {
    const { server } = await buildGateway(t, { env: { ...openaiAt(upstream), WORKERS: String(workers) } })
    // More statements at once than there are connections, so that all of them are opened.
    await Promise.all(Array.from({ length: 40 }, async (_, index) => {
      await (index % 2 === 0 ? server.database.execute(sql`select 1`) : server.breakerStore.load())
    }))
    await until('it listens', async () => (await server.database.execute(sql`select 1 from pg_stat_activity where datname = current_database() and query like 'listen %'`)).length === 1)
    t.same(await server.database.execute(sql`select count(*)::int as share from pg_stat_activity where datname = current_database()`), [{ share }], `${workers} workers`)
  }
})

t.test('the log is at LOG_LEVEL', async t => {
  const upstream = await scriptedUpstream(t)
  const server = await buildServer({ env: { ...openaiAt(upstream), DATABASE_URL: await testDatabase(t), LOG_LEVEL: 'fatal' } })
  t.teardown(async () => await server.close())
  t.equal(server.log.level, 'fatal')
})

t.test('a connection takes 16 KiB before its writer has to wait, and a client that is silent is probed', async t => {
  const { url, server } = await buildGateway(t, { env: TARGET })
  const accepted = once(server.server, 'connection')
  const client = connect(Number(new URL(url).port), '127.0.0.1')
  t.teardown(() => client.destroy())
  const [socket] = await accepted
  t.equal(socket.writableHighWaterMark, 16 * 1024)
  if (process.platform !== 'linux') return
  const address = (port: number | undefined) => `0100007F:${Number(port).toString(16).toUpperCase().padStart(4, '0')}`
  const line = (await readFile('/proc/net/tcp', 'utf8')).split('\n').find(text => text.includes(`${address(socket.localPort)} ${address(socket.remotePort)}`))
  // Its sixth field is the timer that runs: 2 is that of the probes. @see https://docs.kernel.org/networking/proc_net_tcp.html
  t.match(line?.trim().split(/\s+/)[5], /^02:/)
})
