import fastify from 'fastify'
import t from 'tap'
import drain from '../../plugins/drain.ts'

// A request whose client had left while an earlier hook waited was counted, and never counted off, as its response's
// `close` had been already: the drain then waited for its whole grace.
t.test('a client that left before the guard is not waited for', async t => {
  const app = fastify({ forceCloseConnections: true })
  const arrived = Promise.withResolvers<void>()
  const left = Promise.withResolvers<void>()
  const handled = Promise.withResolvers<void>()
  await app.register(drain, { graceMs: 2 ** 31 - 1 })
  app.addHook('preValidation', async (_request, reply) => {
    reply.raw.once('close', left.resolve)
    arrived.resolve()
    await left.promise
  })
  app.get('/', { preHandler: app.drain.guard }, async () => { handled.resolve() })
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  const aborter = new AbortController()
  fetch(url, { signal: aborter.signal }).catch(() => {})
  await arrived.promise
  aborter.abort()
  await handled.promise
  t.equal(app.drain.running, 0)
  await app.close()
})
