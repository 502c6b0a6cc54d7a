/**
 * How the process ends: running answers are given, new requests refused, and the exit code says whether all went well.
 */
import t from 'tap'
import type { Test } from 'tap'
import { openaiAt } from '../support/build-gateway.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { DONE, after, completion, finish, role, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

const DATABASE_URL = await testDatabase(t)
const EXITED_WITH_1 = { code: 1, signal: null }

async function ask (gateway: GatewayProcess, stream = true): Promise<Response> {
  return await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stream, messages: [{ role: 'user', content: 'Hello' }] })
  })
}

interface Draining {
  readonly gateway: GatewayProcess
  readonly response: Response
  /** Lets the upstream go on with its answer. */
  readonly more: () => void
}

/** A gateway with a stream in the middle, that was just asked to stop. */
async function draining (t: Test, env: Readonly<Record<string, string>> = {}): Promise<Draining> {
  const upstream = await scriptedUpstream(t)
  const gateway = await startGateway(t, { DATABASE_URL, ...openaiAt(upstream), ...env })
  const more = Promise.withResolvers<void>()
  upstream.next(streaming(role(), text('Hel'), more.promise, text('lo'), finish('stop'), DONE))
  const response = await ask(gateway)
  gateway.child.kill('SIGTERM')
  await gateway.logged('draining', { running: 1 })
  return { gateway, response, more: () => more.resolve() }
}

t.test('SIGTERM: the running stream ends in order, new requests get 503, and the exit code is 0', async t => {
  const { gateway, response, more } = await draining(t)
  const ready = await fetch(`${gateway.url}/readyz`)
  t.equal(ready.status, 503)
  t.match(await ready.json(), { status: 'draining' })
  t.equal((await fetch(`${gateway.url}/healthz`)).status, 200, 'alive all the same')
  for (const stream of [true, false]) {
    const refused = await ask(gateway, stream)
    t.equal(refused.status, 503)
    t.match(refused.headers.get('retry-after'), /^[1-9]/)
    t.equal(refused.headers.get('connection'), 'close')
    t.match(await refused.json(), { error: { type: 'server_error', code: 'draining', message: String, param: null } })
  }
  t.equal(gateway.child.exitCode, null, 'it still waits')
  more()
  const body = await response.text()
  t.match(body, /"content":"Hel"[^]*"content":"lo"[^]*data: \[DONE\]\n\n$/)
  t.same(await gateway.exited, { code: 0, signal: null })
  t.same(gateway.errors, [])
})

t.test('SIGINT: a whole answer under way is given, and idle connections do not keep it', async t => {
  const upstream = await scriptedUpstream(t)
  const gateway = await startGateway(t, { DATABASE_URL, ...openaiAt(upstream) })
  const more = Promise.withResolvers<void>()
  upstream.next(after(more.promise, status(200, completion('Hello'))))
  const asked = ask(gateway, false)
  await upstream.request(1)
  await (await ask(gateway)).text() // both sides of the gateway now have a connection that is kept alive
  gateway.child.kill('SIGINT')
  await gateway.logged('draining', { running: 1 })
  more.resolve()
  t.match(await (await asked).json(), { choices: [{ message: { content: 'Hello' } }] })
  t.same(await gateway.exited, { code: 0, signal: null })
  await until('the upstream is let go', () => upstream.openSockets === 0)
})

t.test('a second SIGTERM ends it at once', async t => {
  const { gateway, response } = await draining(t)
  gateway.child.kill('SIGTERM')
  t.same(await gateway.exited, EXITED_WITH_1)
  await t.rejects(response.text(), 'the stream is cut')
})

t.test('when the grace has passed the rest is cut, and looks like it', async t => {
  const { gateway, response } = await draining(t, { SHUTDOWN_GRACE_MS: '300' })
  const body = await response.text().catch(() => 'cut')
  t.notMatch(body, /\[DONE\]/)
  t.same(await gateway.exited, { code: 0, signal: null })
  t.equal(gateway.linesOf('the grace has passed: the rest is cut').length, 1)
})
