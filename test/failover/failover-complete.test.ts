import t from 'tap'
import type { FailureReason } from '../../breaker/outcome.ts'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'

const refusing = (reason: FailureReason, details: ConstructorParameters<typeof UpstreamError>[2] = {}): Behaviour =>
  call => call.refuse(new UpstreamError(reason, reason, details))
const answering: Behaviour = call => call.answer({ usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } })
const failureOf = async (promise: Promise<unknown>) => await promise.then(() => 'no failure', (error: unknown) => error)

t.test('the first target that answers answers; every permit ends once, in order', async t => {
  const fake = new FakeTargets({ a: refusing('upstream_error', { status: 503 }), b: refusing('rate_limited', { status: 429, retryAfterMs: 5 }), c: answering, d: answering })
  const tried: string[] = []
  t.match(await fake.failover.complete(fake.call({ onTry: (target, attempts) => tried.push(`${attempts} ${target}`) })), { target: 'c', answer: { json: '{"from":"c"}' } })
  t.same(tried, ['1 a', '2 b', '3 c'])
  t.same(fake.journal, ['a: failure upstream_error 503', 'b: cooldown rate_limited 429', 'c: success'])
  t.match(fake.records, [
    { target: 'a', attemptNo: 1, class: 'failure', reason: 'upstream_error', status: 503, usageSource: null },
    { target: 'b', attemptNo: 2, class: 'cooldown' },
    { requestId: 'req-1', target: 'c', provider: 'fake', model: 'model of c', stream: false, attemptNo: 3, class: 'success', reason: null, status: null, totalTokens: 3, usageSource: 'reported', finishReason: 'stop' }
  ])
})

t.test('the request reaches every target as it is, with the target\'s own model or the one of the route', async t => {
  const fake = new FakeTargets({ a: refusing('reset'), b: answering })
  const call = fake.call({ route: { targets: [{ name: 'a', model: 'other' }, { name: 'b', model: undefined }] } })
  await fake.failover.complete(call)
  t.same(fake.calls.map(({ call }) => call.model), ['other', 'model of b'])
  t.equal(fake.calls[0]?.call.request, call.request)
  t.equal(fake.calls[1]?.call.request, call.request)
})

t.test('a failure that no target would mend ends the walk', async t => {
  for (const reason of ['invalid_request', 'content_filter'] as const) {
    const fake = new FakeTargets({ a: refusing(reason, { status: 400, param: 'n' }), b: answering })
    t.match(await failureOf(fake.failover.complete(fake.call())), { name: 'GatewayError', status: 400, param: 'n' })
    t.same(fake.journal, [`a: neutral ${reason} 400`])
    t.equal(fake.calls.length, 1)
  }
})

t.test('every target failed: 502 with target and class, no more', async t => {
  const fake = new FakeTargets({ a: refusing('unauthorized', { status: 401 }), b: refusing('connect') })
  t.match(await failureOf(fake.failover.complete(fake.call())), { status: 502, code: 'all_targets_failed', attempts: [{ target: 'a', class: 'misconfigured' }, { target: 'b', class: 'failure' }] })
  t.same(fake.journal, ['a: misconfigured unauthorized 401', 'b: failure connect'])
})

t.test('a target whose breaker is open is not tried, and a refused one says when to come back', async t => {
  const fake = new FakeTargets({ a: answering, b: answering })
  fake.refusals.set('a', { kind: 'refused', why: 'open', retryAfterMs: 500 })
  t.match(await fake.failover.complete(fake.call()), { target: 'b' })
  t.same(fake.records.map(({ attemptNo }) => attemptNo), [1])
  fake.refusals.set('b', { kind: 'refused', why: 'half_open', retryAfterMs: 300 })
  t.match(await failureOf(fake.failover.complete(fake.call())), { status: 503, retryAfterMs: 300 })
})

t.test('a probe that is being claimed is waited for only where nobody else answers', async t => {
  const claim = Promise.withResolvers<ReturnType<FakeTargets['permit']> | undefined>()
  const fake = new FakeTargets({ a: answering, b: answering, c: refusing('reset') })
  fake.refusals.set('a', { kind: 'refused', why: 'open', retryAfterMs: 500, claim: claim.promise })
  t.match(await fake.failover.complete(fake.call()), { target: 'b' }, 'somebody else does')
  fake.refusals.set('b', { kind: 'refused', why: 'open', retryAfterMs: 700 })
  const waiting = fake.failover.complete(fake.call())
  claim.resolve(fake.permit('a'))
  t.match(await waiting, { target: 'a' }, 'nobody else does')
  t.same(fake.journal, ['b: success', 'c: failure reset', 'a: success'])
})

t.test('a claim that somebody else won is a refusal', async t => {
  const fake = new FakeTargets({ a: answering, b: answering })
  fake.refusals.set('a', { kind: 'refused', why: 'open', retryAfterMs: 500, claim: Promise.resolve(undefined) })
  fake.refusals.set('b', { kind: 'refused', why: 'open', retryAfterMs: 400, claim: Promise.resolve(fake.permit('b')) })
  t.match(await fake.failover.complete(fake.call()), { target: 'b' })
  fake.refusals.set('b', { kind: 'refused', why: 'open', retryAfterMs: 400, claim: Promise.resolve(undefined) })
  t.match(await failureOf(fake.failover.complete(fake.call())), { status: 503, retryAfterMs: 400 })
})

t.test('a route to a target that is not there gives its permit back', async t => {
  const fake = new FakeTargets({ a: answering })
  const lost = fake.call({ route: { targets: [{ name: 'gone', model: undefined }] } })
  t.match(await failureOf(fake.failover.complete(lost)), { name: 'Error' })
  t.same(fake.journal, ['gone: released'])
})

t.test('what a provider throws that is no UpstreamError is our fault and not the target\'s, and the next one is tried', async t => {
  const fake = new FakeTargets({ a: call => call.refuse(new TypeError('x')), b: call => call.refuse('text'), c: answering })
  t.match(await fake.failover.complete(fake.call()), { target: 'c' })
  t.same(fake.journal, ['a: neutral internal', 'b: neutral internal', 'c: success'])
  t.match(fake.defects, [{ cause: { message: 'x' } }, { cause: 'text' }], 'and whoever looks after the code is told')
})

t.test('a 403 for a model that the caller chose says nothing about the target; for its own model it does', async t => {
  for (const [reason, status, model, entry] of [
    ['unauthorized', 403, 'other', 'a: neutral unauthorized 403'],
    ['unauthorized', 403, undefined, 'a: misconfigured unauthorized 403'],
    ['unauthorized', 401, 'other', 'a: misconfigured unauthorized 401']
  ] as const) {
    const fake = new FakeTargets({ a: refusing(reason, { status }) })
    t.match(await failureOf(fake.failover.complete(fake.call({ route: { targets: [{ name: 'a', model }] } }))), { status: 502 })
    t.same(fake.journal, [entry])
  }
})
