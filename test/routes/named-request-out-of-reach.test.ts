/**
 * Guards against a 500: a request whose name is known, while the frames of its stream cannot be read. Found by letting the machine
 * stand still for seconds.
 */
import postgres from 'postgres'
import t from 'tap'
import { buildGateway, openaiAt } from '../support/build-gateway.ts'
import { HELLO, chat, errorOf, json } from '../support/chat-client.ts'
import { testDatabase } from '../support/postgres.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'

t.test('whoever asks again is told to come again, and has it then', async t => {
  const upstream = await scriptedUpstream(t)
  const env = { DATABASE_URL: await testDatabase(t), ...openaiAt(upstream) }
  const [here, elsewhere] = [await buildGateway(t, { env }), await buildGateway(t, { env })]
  const ask = async (url: string) => await chat(url, { ...HELLO, stream: true }, { headers: { 'idempotency-key': 'k' } })
  const whole = await (await ask(here.url)).text()
  t.equal(await (await ask(elsewhere.url)).text(), whole)

  const sql = postgres(env.DATABASE_URL, { max: 1, onnotice: () => {} })
  t.teardown(async () => await sql.end())
  await sql`begin`
  await sql`lock table stream_segment in access exclusive mode`
  const refused = await ask(elsewhere.url)
  t.equal(refused.status, 503)
  t.equal(refused.headers.get('retry-after'), '1')
  t.match(errorOf(await json(refused)), { type: 'server_error', code: 'stream_log_unavailable' })
  await sql`rollback`
  t.equal(await (await ask(elsewhere.url)).text(), whole)
  t.equal(upstream.requests.length, 1)
})
