/**
 * What is seen of a stream whose replica has died or ended: its trace goes on, and each attempt has its row, one and no more.
 */
import postgres from 'postgres'
import t from 'tap'
import type { Test } from 'tap'
import { until } from '../support/gateway-process.ts'
import type { GatewayProcess, Variables } from '../support/gateway-process.ts'
import { otlpReceiver } from '../support/otlp-receiver.ts'
import type { OtlpReceiver, ReceivedSpan } from '../support/otlp-receiver.ts'
import { STORY, fleet, wholeFrom } from '../support/replicas.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import type { ScriptedUpstream } from '../support/scripted-upstream.ts'
import { heardIn } from '../support/storyteller.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = '00f067aa0ba902b7'
const HEADERS = { traceparent: `00-${TRACE}-${CALLER}-01`, tracestate: 'vendor=value', 'x-request-id': 'seen' }

interface Seen {
  readonly a: GatewayProcess
  readonly b: GatewayProcess
  /** The third one; of two the second. */
  readonly c: GatewayProcess
  readonly upstream: ScriptedUpstream
  readonly receiver: OtlpReceiver
  /** Waits until so many frames are stored, and what is kept of the request is not what it was. Gives what is kept now. */
  readonly stored: (frames: number, before?: string) => Promise<string>
  /** The rows of the request, once all replicas have written what they had to: they end for that. */
  readonly rows: () => Promise<Row[]>
}

interface Row {
  readonly attempt_no: number
  readonly target: string
  readonly model: string
  readonly provider: string
  readonly class: string
  readonly reason: string | null
  readonly chunks: number
  readonly duration_ms: number
  readonly prompt_tokens: number
  readonly completion_tokens: number
  readonly usage_source: string
}

async function build (t: Test, size: 2 | 3, env: Variables = {}): Promise<Seen> {
  const receiver = await otlpReceiver(t)
  const { replicas, databaseUrl, upstream } = await fleet(t, size, { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, ...env })
  const [a, b, c = b] = replicas
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} })
  t.teardown(async () => await sql.end())
  const rows = async () => {
    for (const replica of replicas) await replica.stop()
    t.same(await sql`select * from breaker_transition`, [], 'nothing of it is held against the target')
    return await sql<Row[]>`select * from attempt where request_id = 'seen' order by attempt_no, class`
  }
  const stored = async (frames: number, before = '') => {
    let kept = ''
    await until(`${frames} frames are stored`, async () => {
      const [row] = await sql<Array<{ kept: string, last_id: number }>>`select encode(request, 'hex') as kept, last_id from stream`
      kept = row?.kept ?? ''
      return row !== undefined && row.last_id >= frames && kept !== before
    }, 3_000)
    return kept
  }
  return { a, b, c, upstream, receiver, stored, rows }
}

// Each has replicas of its own, and waits for them most of the time.
t.jobs = 2

const takeoversOf = (spans: readonly ReceivedSpan[]) => spans.filter(({ name }) => name === 'take over stream')

t.test('killed: the takeover is a span of the caller\'s trace, its attempt is below it, and the attempt that died has one row', { timeout: 300_000 }, async t => {
  const { a, b, upstream, receiver, stored, rows } = await build(t, 2)
  const told = wholeFrom(a, [b], () => {}, { headers: HEADERS })
  await stored(10)
  await a.kill()
  t.match(heardIn(await told), { text: STORY, inOrder: true, complete: true })
  const attempts = await rows()
  t.match(attempts, [
    { attempt_no: 1, target: 'a', model: 'm', provider: 'openai', class: 'neutral', reason: 'replica_lost', usage_source: 'estimated' },
    { attempt_no: 2, target: 'a', class: 'success', reason: null }
  ])
  t.equal(attempts.length, 2)
  const [lost, next] = attempts
  t.ok(lost !== undefined && next !== undefined && lost.chunks > 1 && lost.chunks < 150 && lost.completion_tokens > 1 && lost.prompt_tokens > 0 && lost.duration_ms > 0)
  const spans = await receiver.until('both are there', spans => takeoversOf(spans).length === 1 && spans.some(({ attributes }) => attributes['gateway.attempt'] === 2))
  const [takeover] = takeoversOf(spans)
  t.match(takeover, {
    traceId: TRACE,
    parentSpanId: CALLER,
    traceState: 'vendor=value',
    kind: 'internal',
    status: { code: 'unset' },
    links: [{ traceId: TRACE, spanId: /^[0-9a-f]{16}$/ }],
    attributes: { 'gateway.request_id': 'seen', 'gateway.model': 'auto', 'gateway.takeover.from': 'a', 'gateway.takeover.handed_over': false, 'gateway.takeover.frames': Number, 'gateway.outcome': 'ok' }
  })
  t.notOk(takeover?.links.some(({ spanId }) => spanId === CALLER), 'the link is to the request\'s own span')
  const attempt = spans.find(({ attributes }) => attributes['gateway.attempt'] === 2)
  t.match(attempt, { traceId: TRACE, parentSpanId: takeover?.spanId, kind: 'client', attributes: { 'gateway.target': 'a', 'gateway.rescue': true, 'gateway.outcome': 'success' } })
  t.match((await upstream.request(2)).headers, { traceparent: `00-${TRACE}-${attempt?.spanId}-01`, tracestate: 'vendor=value' })
  t.match(b.linesOf('stream taken over'), [{ reqId: 'seen', trace_id: TRACE, span_id: takeover?.spanId }])
  t.notOk(Buffer.concat(receiver.bodies).includes('wörd'), 'nothing of what was said is in a trace')
})

t.test('killed twice, with readers at both who take over: each attempt has one row, with its own number', { timeout: 300_000 }, async t => {
  const { a, b, c, receiver, stored, rows } = await build(t, 3)
  const told = wholeFrom(a, [b, c], () => {}, { headers: HEADERS })
  const kept = await stored(10)
  await a.kill()
  await stored(60, kept)
  await until('who has taken it over has said so', () => [b, c].some(replica => replica.linesOf('stream taken over').length > 0))
  const [second, third] = b.linesOf('stream taken over').length > 0 ? [b, c] : [c, b]
  await second.kill()
  t.match(heardIn(await told), { text: STORY, inOrder: true, complete: true })
  t.equal(third.linesOf('stream taken over').length, 1)
  const attempts = await rows()
  t.same(attempts.map(({ attempt_no: number, reason }) => [number, reason]), [[1, 'replica_lost'], [2, 'replica_lost'], [3, null]])
  t.ok(attempts.every(({ chunks }) => chunks > 1 && chunks < 150), 'each has its own chunks')
  const spans = await receiver.until('the last one is there', spans => takeoversOf(spans).length === 1)
  t.match(takeoversOf(spans), [{ traceId: TRACE, parentSpanId: CALLER }])
})

t.test('frozen, and back: what it has to say of its attempt is said already', { timeout: 300_000 }, async t => {
  const { a, b, c, stored, rows } = await build(t, 3)
  const { id } = await cutAfter(`${a.url}/v1/chat/completions`, 1_000, { headers: HEADERS })
  const staying = joinAfter(a.url, id, 0)
  await stored(10)
  a.child.kill('SIGSTOP')
  const moved = await Promise.all([b, c].map(async ({ url }) => await joinAfter(url, id, 0)))
  a.child.kill('SIGCONT')
  for (const { text } of [...moved, await staying]) t.match(heardIn(text), { text: STORY, inOrder: true, complete: true })
  t.same((await rows()).map(({ attempt_no: number, reason }) => [number, reason]), [[1, 'replica_lost'], [2, null]])
})

t.test('ended in order: it has recorded its attempt itself, and its request\'s span is there to be linked to', { timeout: 300_000 }, async t => {
  const { a, b, receiver, stored, rows } = await build(t, 2, { SHUTDOWN_GRACE_MS: '200' })
  const told = wholeFrom(a, [b], () => {}, { headers: HEADERS })
  await stored(10)
  t.same(await a.stop(), { code: 0, signal: null })
  t.match(heardIn(await told), { text: STORY, complete: true })
  const attempts = await rows()
  t.match(attempts, [{ attempt_no: 1, class: 'neutral' }, { attempt_no: 2, class: 'success' }])
  t.equal(attempts.length, 2)
  t.not(attempts[0]?.reason, 'replica_lost')
  const spans = await receiver.until('all are there', spans => takeoversOf(spans).length === 1 && spans.some(({ name }) => name === 'POST /v1/chat/completions'))
  const server = spans.find(({ name }) => name === 'POST /v1/chat/completions')
  t.match(takeoversOf(spans), [{ traceId: TRACE, parentSpanId: CALLER, links: [{ traceId: TRACE, spanId: server?.spanId }], attributes: { 'gateway.takeover.handed_over': true } }])
  t.equal(server?.parentSpanId, CALLER)
})
