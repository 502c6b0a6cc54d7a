/**
 * What says nothing about a target opens no breaker, however often it comes and in whatever order: requests that the
 * provider refuses, in each protocol's own words, and clients that leave, at each stage of an answer.
 */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import '../providers/bedrock/target.ts' // credentials that are nobody's
import { event } from '../providers/bedrock/event-stream-server.ts'
import { buildGateway } from '../support/build-gateway.ts'
import { share } from '../support/nightly.ts'
import { scriptedUpstream, status, streamingAs } from '../support/scripted-upstream.ts'
import type { Script } from '../support/scripted-upstream.ts'
import { bedrock, chatCompletions, gemini } from '../support/wires.ts'
import type { Wire } from '../support/wires.ts'
import { DIALECTS, PATHS, bodyOf } from './dialects.ts'
import { PROTOCOLS } from './faulty-targets.ts'
import type { Protocol } from './faulty-targets.ts'

const WIRES: Readonly<Record<Protocol, Wire>> = { openai: chatCompletions, gemini, bedrock }
const upstreams = { openai: await scriptedUpstream(t), gemini: await scriptedUpstream(t), bedrock: await scriptedUpstream(t) }
const gateway = await buildGateway(t, {
  logLevel: 'error',
  file: {
    targets: [
      { name: 'openai', provider: 'openai', options: { baseURL: upstreams.openai.baseURL, apiKey: 'key', model: 'm' } },
      { name: 'gemini', provider: 'gemini', options: { baseURL: upstreams.gemini.origin, apiKey: 'key', model: 'm' } },
      { name: 'bedrock', provider: 'bedrock', options: { modelId: 'm', region: 'eu-west-1', endpoint: upstreams.bedrock.origin } }
    ]
  },
  env: { FIRST_TOKEN_TIMEOUT_MS: '60000', IDLE_TIMEOUT_MS: '60000' }
})

/** Statuses that are the request's fault, and what the protocol says beside them. */
const REFUSED: Readonly<Record<Protocol, (code: number) => Script>> = {
  openai: code => status(code, { error: { message: 'no', type: 'invalid_request_error', code: null, param: null } }),
  gemini: code => status(code, { error: { code, message: 'no', status: code === 404 ? 'NOT_FOUND' : 'INVALID_ARGUMENT' } }),
  bedrock: code => status(code, { message: 'no' }, { 'x-amzn-errortype': code === 404 ? 'ResourceNotFoundException' : 'ValidationException' })
}
const CODES = [400, 404, 413, 415, 422]

/** A prompt that the safety system refuses. */
const FILTERED: Readonly<Record<Protocol, (wire: Wire, stream: boolean) => Script>> = {
  openai: () => status(400, { error: { message: 'filtered', type: null, code: 'content_filter', param: 'prompt' } }),
  gemini: (wire, stream) => {
    const body = { promptFeedback: { blockReason: 'SAFETY' } }
    return stream ? streamingAs(wire.contentType, body) : status(200, body)
  },
  bedrock: (wire, stream) => stream
    ? wire.streaming(wire.text('I may not.'), event('messageStop', { stopReason: 'guardrail_intervened' }))
    : status(200, { ...wire.answer('I may not.'), stopReason: 'guardrail_intervened' })
}

const FOR_EVER = new Promise<never>(() => {})
const hang: Script = async response => { await new Promise<void>(resolve => { response.once('close', resolve) }) }

/** A client that leaves: when, and what the upstream has done by then. */
const LEAVES = ['before the status', 'before the first output', 'in the middle', 'inside a whole answer'] as const
type Leaves = typeof LEAVES[number]

function leaving (wire: Wire, leaves: Leaves): Script {
  switch (leaves) {
    case 'before the status': return hang
    case 'before the first output': return wire.streaming(FOR_EVER)
    case 'in the middle': return wire.streaming(wire.text('Hel'), wire.text('lo'), FOR_EVER)
    case 'inside a whole answer': return async (response, request) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"id":')
      await hang(response, request)
    }
  }
}

type Event =
  | { readonly kind: 'refused', readonly code: number, readonly stream: boolean }
  | { readonly kind: 'filtered', readonly stream: boolean }
  | { readonly kind: 'leaves', readonly leaves: Leaves }

const anEvent: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constant('refused' as const), code: fc.constantFrom(...CODES), stream: fc.boolean() }),
  fc.record({ kind: fc.constant('filtered' as const), stream: fc.boolean() }),
  fc.record({ kind: fc.constant('leaves' as const), leaves: fc.constantFrom(...LEAVES) })
)

/** Has one of them happen to a target; resolves when the upstream is through with it. */
async function happen (protocol: Protocol, of: Event, dialect: typeof DIALECTS[number]): Promise<void> {
  const wire = WIRES[protocol]
  const upstream = upstreams[protocol]
  const stream = of.kind === 'leaves' ? of.leaves !== 'inside a whole answer' : of.stream
  upstream.next(of.kind === 'leaves' ? leaving(wire, of.leaves) : of.kind === 'filtered' ? FILTERED[protocol](wire, stream) : REFUSED[protocol](of.code))
  const arriving = upstream.request(upstream.requests.length + 1)
  const client = new AbortController()
  const asking = fetch(gateway.url + PATHS[dialect], {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: protocol, stream, ...bodyOf(dialect, 'Hello') }), signal: client.signal
  })
  if (of.kind !== 'leaves') {
    const response = await asking
    await response.text()
    assert.ok(response.status < 500 || (of.kind === 'refused' && of.code === 404), `${response.status}`)
    await arriving
    return
  }
  asking.catch(() => {}) // it is the client that gives up
  const received = await arriving
  if (of.leaves === 'in the middle') await (await asking).body?.getReader().read()
  client.abort()
  assert.equal(await received.closed, 'aborted')
}

for (const protocol of PROTOCOLS) {
  t.test(`${protocol}: nothing of it is counted`, { timeout: 600_000 }, async t => {
    let events = 0
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(anEvent, fc.constantFrom(...DIALECTS)), { minLength: 20, maxLength: 40 }), async sequence => {
      for (const [of, dialect] of sequence) {
        events++
        await happen(protocol, of, dialect)
        const breaker = (await gateway.server.breakers.list()).find(({ target }) => target === protocol)
        assert.deepEqual({ state: breaker?.state, epoch: breaker?.epoch, failures: breaker?.failures, inARow: breaker?.consecutiveFailures, cooldown: breaker?.cooldownForMs }, { state: 'closed', epoch: 0, failures: 0, inARow: 0, cooldown: null })
      }
    }), { numRuns: share(8, 200), endOnFailure: true })
    t.comment(`${events} events`)
    t.same(gateway.log, [], 'and nothing was a defect')
  })
}
