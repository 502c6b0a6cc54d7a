/**
 * Guards against a crash: postgres.js asks for the database's array types as soon as it is connected, and nobody handles
 * the rejection of that question if the connection breaks just then. A database that restarts took the process with it.
 */
import { connect, createServer } from 'node:net'
import type { Socket } from 'node:net'
import { sql } from 'drizzle-orm'
import t from 'tap'
import { openPostgres } from '../../db/postgres.ts'
import { PATIENT } from '../support/patient.ts'
import { testDatabase } from '../support/postgres.ts'

/** What PostgreSQL says when a connection is ready. @see https://www.postgresql.org/docs/current/protocol-message-formats.html */
const READY = Buffer.from('Z\0\0\0\x05I', 'latin1')

t.test('a connection that is cut when it has just been made fails the statement, and nothing else', async t => {
  const url = new URL(await testDatabase(t))
  const backend = { host: url.hostname, port: Number(url.port) }
  const open = new Set<Socket>()
  let cutting = false
  const proxy = createServer(client => {
    const server = connect(backend)
    for (const socket of [client, server]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    client.pipe(server)
    server.on('data', (data: Buffer) => {
      client.write(data)
      // Not at once: the client shall have read it.
      if (cutting && data.includes(READY)) setImmediate(() => { client.destroy() })
    })
  })
  await new Promise<void>(resolve => { proxy.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { proxy.close() })
  const address = proxy.address()
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0)

  const database = await openPostgres(url.href, 2, PATIENT)
  t.teardown(async () => await database.close())
  cutting = true
  for (const socket of open) socket.destroy()
  let failed = 0
  for (let round = 0; round < 5; round++) {
    await database.execute(sql`select pg_sleep(0.05)`).catch(() => { failed++ })
  }
  t.ok(failed > 0, 'statements failed')
  cutting = false
  for (const socket of open) socket.destroy()
  await t.resolves(database.execute(sql`select 1`).catch(async () => await database.execute(sql`select 1`)), 'and then they work again')
})
