/**
 * A service with a route of its own, which streams what one provider says.
 * Its process ends by itself when its servers are closed, so nothing is left open.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import Fastify from 'fastify'
import openai from 'llm-stream-gateway/providers/openai'
import { UpstreamError } from 'llm-stream-gateway/providers'
import { QueueReadable } from 'llm-stream-gateway/streams/queue-readable'
import { ChunkFrames } from 'llm-stream-gateway/streams/sse-frames'
import { upstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

async function service (t: TestContext, { baseURL }: Upstream): Promise<string> {
  const app = Fastify({ forceCloseConnections: true })
  await app.register(openai, { name: 'writer', baseURL, apiKey: 'key', model: 'gpt' })
  app.get<{ Querystring: { about: string } }>('/poem', async (request, reply) => {
    const provider = app.providers.get('writer')
    if (provider === undefined) throw new Error('it was registered')
    try {
      const { queue } = await provider.stream({
        request: { messages: [{ role: 'user', content: `A poem about ${request.query.about}` }] },
        signal: request.signal
      })
      return await reply.type('text/event-stream').send(new QueueReadable(queue, new ChunkFrames(error => JSON.stringify({ error: { message: error.message } }))))
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      return await reply.code(503).send({ reason: error.reason })
    }
  })
  t.after(async () => await app.close())
  return await app.listen({ host: '127.0.0.1', port: 0 })
}

test('the host\'s route streams, and is told what went wrong', async t => {
  const fake = await upstream(t)
  const url = await service(t, fake)
  const text = await (await fetch(`${url}/poem?about=rain`)).text()
  assert.match(text, /^id: 1\ndata: \{/)
  assert.match(text, /"content":"Hello"/)
  assert.match(text, /data: \[DONE\]\n\n$/)
  fake.status = 500
  const failed = await fetch(`${url}/poem?about=rain`)
  assert.equal(failed.status, 503)
  assert.deepEqual(await failed.json(), { reason: 'upstream_error' })
})
