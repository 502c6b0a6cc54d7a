/**
 * A service that guards a call which has nothing to do with models, by a circuit breaker alone: no database, no provider.
 * Its process ends by itself when its servers are closed, so nothing is left open.
 */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import circuitBreaker, { SUCCESS } from 'llm-stream-gateway/plugins/circuit-breaker'
import { BoundedQueue } from 'llm-stream-gateway/streams/bounded-queue'

interface Weather {
  readonly url: string
  asked: number
  status: number
}

async function weather (t: TestContext): Promise<Weather> {
  const server = createServer((_, response) => {
    made.asked++
    response.writeHead(made.status).end('{"celsius": 7}')
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.after(() => server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const made: Weather = { url: `http://127.0.0.1:${address.port}`, asked: 0, status: 200 }
  return made
}

async function service (t: TestContext, { url }: Weather): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(circuitBreaker, { targets: ['weather'] })
  app.get('/weather', async (_, reply) => {
    const admission = app.breakers.admit('weather')
    if (admission.kind === 'refused') return await reply.code(503).header('retry-after', Math.ceil(admission.retryAfterMs / 1000)).send({ why: admission.why })
    const { permit } = admission
    try {
      const response = await fetch(url, { headers: { connection: 'close' } })
      permit.record(response.ok ? SUCCESS : { class: 'failure', reason: 'upstream_error' }, { status: response.status })
      return await reply.code(response.ok ? 200 : 502).send(await response.json())
    } catch (error) {
      permit.record({ class: 'failure', reason: 'connect' })
      throw error
    }
  })
  t.after(async () => await app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

test('what fails is not called any more', async t => {
  const fake = await weather(t)
  const url = await service(t, fake)
  const ask = async () => await fetch(`${url}/weather`, { headers: { connection: 'close' } })
  assert.deepEqual(await (await ask()).json(), { celsius: 7 })
  fake.status = 500
  let refused: Response | undefined
  for (let n = 0; n < 50 && refused === undefined; n++) {
    const response = await ask()
    if (response.status === 503) refused = response
  }
  assert.deepEqual(await refused?.json(), { why: 'open' })
  assert.match(refused?.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
  const asked = fake.asked
  for (let n = 0; n < 5; n++) await ask()
  assert.ok(fake.asked <= asked + 1)
})

test('the bounded queue by itself', async () => {
  const queue = new BoundedQueue<string>({ capacity: 1 })
  assert.equal(queue.offer('a'), 'accepted')
  assert.equal(queue.offer('b'), 'full')
  const taken: string[] = []
  queue.close()
  for await (const item of queue) taken.push(item)
  assert.deepEqual(taken, ['a'])
})
