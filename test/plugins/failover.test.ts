import fastify from 'fastify'
import t from 'tap'
import type { AttemptRecord } from '../../breaker/attempt.ts'
import type { FailoverCall } from '../../failover/running-call.ts'
import circuitBreaker from '../../plugins/circuit-breaker.ts'
import failover from '../../plugins/failover.ts'
import openai from '../../providers/openai.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { objectOf } from '../support/chat-client.ts'
import { answering, scriptedUpstream, status, streaming, text } from '../support/scripted-upstream.ts'

/** As a service would use it that wants failover and no gateway: no database, no routes of ours. */
async function build (upstreams: Readonly<Record<string, { readonly baseURL: string }>>, queueCapacity?: number) {
  const lines: JsonObject[] = []
  const records: AttemptRecord[] = []
  const app = fastify({ logger: { level: 'trace', stream: { write: line => { lines.push(objectOf(line)) } } } })
  await app.register(circuitBreaker, { targets: Object.keys(upstreams) })
  for (const [name, { baseURL }] of Object.entries(upstreams)) await app.register(openai, { name, baseURL, model: 'm' })
  await app.register(failover, { ...(queueCapacity === undefined ? {} : { queueCapacity }), onAttempt: record => { records.push(record) } })
  await app.ready()
  t.teardown(async () => await app.close())
  return { app, lines, records }
}

function callOf (...targets: readonly string[]): FailoverCall {
  return {
    request: { messages: [{ role: 'user', content: 'words-for-nobody' }] },
    route: { targets: targets.map(name => ({ name, model: undefined })), firstTokenTimeoutMs: 10_000, idleTimeoutMs: 10_000, requestTimeoutMs: 60_000, midstreamFailover: 'off', balancing: { kind: 'order' }, hedging: false, resumable: false },
    requestId: 'r1',
    signal: new AbortController().signal
  }
}

t.test('works in any service with the breakers and some providers; tells and logs each attempt', async t => {
  const a = await scriptedUpstream(t)
  const b = await scriptedUpstream(t)
  a.next(status(503))
  b.next(answering('from b'))
  const { app, lines, records } = await build({ a, b })
  const { target, answer } = await app.failover.complete(callOf('a', 'b'))
  t.equal(target, 'b')
  t.match(objectOf(answer.json), { choices: [{ message: { content: 'from b' } }] })
  t.match(records, [{ target: 'a', attemptNo: 1, class: 'failure', reason: 'upstream_error', status: 503 }, { target: 'b', attemptNo: 2, class: 'success', reason: null }])
  const logged = lines.filter(({ msg }) => msg === 'attempt failed')
  t.match(logged, [{ level: 40, reqId: 'r1', target: 'a', model: 'm', attempt: 1, class: 'failure', reason: 'upstream_error', status: 503, durationMs: Number }])
  t.equal(logged.length, 1, 'what worked is no line')
  t.notMatch(JSON.stringify(lines), /words-for-nobody|from b/)
})

t.test('the queue between provider and client holds what it was told to', async t => {
  const a = await scriptedUpstream(t)
  const never = new Promise<void>(() => {})
  a.next(streaming(Array.from({ length: 50 }, () => `data: ${JSON.stringify(text('x'))}\n\n`).join(''), never))
  const { app } = await build({ a }, 3)
  const { answer } = await app.failover.stream(callOf('a'))
  t.equal(answer.queue.size, 3)
  answer.queue.cancel()
  t.equal(await a.requests[0]?.closed, 'aborted')
})

t.test('a route to a target without a provider is the service\'s mistake', async t => {
  const { app } = await build({})
  app.breakers.add('ghost')
  await t.rejects(app.failover.complete(callOf('ghost')), /without a provider: ghost/)
})

t.test('needs the circuit-breaker plugin', async t => {
  const app = fastify()
  app.register(failover, {})
  await t.rejects(async () => await app.ready(), /'circuit-breaker'/)
})
