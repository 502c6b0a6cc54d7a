import fastify from 'fastify'
import t from 'tap'
import type { RescueEvent } from '../../failover/rescue.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import failover from '../../plugins/failover.ts'
import openai from '../../providers/openai.ts'
import { collected } from '../support/collected-stream.ts'
import { CUT, answering, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

t.test('a host is told of streams that were carried on, and of those that were not', async t => {
  const a = await scriptedUpstream(t)
  const b = await scriptedUpstream(t)
  const events: RescueEvent[] = []
  const app = fastify()
  await app.register(circuitBreaker, { targets: ['a', 'b'] })
  for (const [name, { baseURL }] of Object.entries({ a, b })) await app.register(openai, { name, baseURL, model: 'm' })
  await app.register(failover, { onRescue: event => { events.push(event) } })
  await app.ready()
  t.teardown(async () => await app.close())
  const ask = async () => await app.failover.stream({
    request: { messages: [{ role: 'user', content: 'Hi' }] },
    route: { targets: [{ name: 'a', model: undefined }, { name: 'b', model: undefined }], firstTokenTimeoutMs: 60_000, idleTimeoutMs: 60_000, requestTimeoutMs: 60_000, midstreamFailover: 'continue', balancing: { kind: 'order' }, hedging: false, resumable: false },
    requestId: 'r1',
    signal: new AbortController().signal
  })
  a.next(streaming(text('Hel'), CUT))
  b.next(answering('Hello'))
  t.equal((await collected((await ask()).answer)).text, 'Hello')
  t.same(events, [{ kind: 'rescued', requestId: 'r1', from: 'a', reason: 'reset', to: 'b', how: 'restart' }])
  a.next(streaming(text('Hel'), CUT), status(500))
  b.next(status(500))
  t.match((await collected((await ask()).answer)).error, { reason: 'reset' })
  t.same(events.slice(1), [{ kind: 'failed', requestId: 'r1', from: 'a', reason: 'reset', to: 'a', how: 'restart' }])
})
