/**
 * The client against a server that plays the gateway, on real sockets, and says what no gateway says.
 */
import t from 'tap'
import type { Test } from 'tap'
import { ConnectionLostError, GatewayError, ProtocolError, joinCompletion, streamCompletion } from '../../client/index.ts'
import type { CompletionOptions, CompletionStream } from '../../client/index.ts'
import { frame } from '../../streams/sse-frames.ts'
import { until } from '../support/gateway-process.ts'
import { CUT, after, hangUp, scriptedUpstream, status, streaming, streamingAs, text } from '../support/scripted-upstream.ts'
import type { Script, ScriptedUpstream, Step } from '../support/scripted-upstream.ts'
import { VirtualTime } from '../support/virtual-time.ts'

const REQUEST: CompletionOptions['request'] = { messages: [{ role: 'user', content: 'Say hello' }] }
const AT_ONCE = { minDelayMs: 0, maxDelayMs: 0 }
const DELETED = status(200, { id: 's-1', object: 'stream', deleted: true })
const NO_STREAM = status(404, { error: { message: 'There is no such stream.', type: 'invalid_request_error', code: 'stream_not_found', param: 'id' } })

/** A stream as the gateway sends it. */
const frames = (...steps: readonly Step[]): Script => async (response, request) => {
  response.setHeader('x-gateway-stream-id', 's-1')
  response.setHeader('x-gateway-target', 'a')
  await streaming(...steps)(response, request)
}
const chunkFrame = (id: number, content: string) => frame(id, JSON.stringify(text(content)))
const done = (id: number) => frame(id, '[DONE]')
const errorFrame = (code: string) => `data: ${JSON.stringify({ error: { message: code, type: 'server_error', code, param: null } })}\n\n`

function ask (gateway: ScriptedUpstream, options: Partial<CompletionOptions> = {}): Promise<CompletionStream> {
  return streamCompletion({ baseURL: `${gateway.baseURL}/`, request: REQUEST, reconnect: AT_ONCE, ...options })
}

async function contentOf (stream: AsyncIterable<{ choices: ReadonlyArray<{ delta: { content?: string | null } }> }>): Promise<string> {
  let content = ''
  for await (const { choices } of stream) content += choices[0]?.delta.content ?? ''
  return content
}

/** What an asynchronous thing failed with. */
async function failureOf (failing: Promise<unknown>): Promise<unknown> {
  try {
    await failing
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}

function paths (gateway: ScriptedUpstream): string[] {
  return gateway.requests.map(({ method, url, headers }) => `${method} ${url} ${String(headers['last-event-id'] ?? '')}`.trim())
}

/** A gateway, and a clock for its client. */
async function onVirtualTime (t: Test): Promise<{ gateway: ScriptedUpstream, time: VirtualTime, options: Partial<CompletionOptions> }> {
  const time = new VirtualTime()
  return { gateway: await scriptedUpstream(t), time, options: { schedule: time.schedule, random: () => 0.5, reconnect: {} } }
}

t.test('what is asked, and what is told of the answer', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(frames(chunkFrame(1, 'Hello'), ': keep-alive\n\n', chunkFrame(2, ', wörld'), done(3)))
  const stream = await ask(gateway, { apiKey: 'key', headers: { 'x-tenant': 'blue' }, request: { ...REQUEST, model: 'auto' }, idempotencyKey: 'order-7' })
  t.equal(stream.id, 's-1')
  t.equal(stream.target, 'a')
  t.equal(await contentOf(stream), 'Hello, wörld')
  t.equal(stream.lastEventId, 3)
  t.equal(stream.rejoined, 0)
  t.same(await stream.next(), { done: true, value: undefined })
  const { headers, body, url } = await gateway.request(1)
  t.equal(url, '/v1/chat/completions')
  t.match(headers, { authorization: 'Bearer key', 'x-tenant': 'blue', 'idempotency-key': 'order-7', 'x-gateway-resumable': 'true', 'content-type': 'application/json' })
  t.same(body, { ...REQUEST, model: 'auto', stream: true })
  t.equal(gateway.requests.length, 1, 'and nothing is deleted')
})

t.test('a break is joined after the last frame that came whole, and what comes twice is given once', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(
    frames(chunkFrame(1, 'a'), chunkFrame(2, 'b'), 'id: 3\ndata: {"cho', CUT),
    frames(chunkFrame(2, 'b'), chunkFrame(3, 'c')),
    frames(chunkFrame(4, 'd'), done(5))
  )
  const stream = await ask(gateway)
  t.equal(await contentOf(stream), 'abcd')
  t.equal(stream.rejoined, 2)
  t.same(paths(gateway), ['POST /v1/chat/completions', 'GET /v1/streams/s-1 2', 'GET /v1/streams/s-1 3'])
})

t.test('a request whose answer was lost is sent again with the same key', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(hangUp, status(502, '<html>Bad Gateway</html>'), streamingAs('text/html', 'log in'), frames(chunkFrame(1, 'a'), done(2)))
  t.equal(await contentOf(await ask(gateway)), 'a')
  const keys = new Set(gateway.requests.map(({ headers }) => headers['idempotency-key']))
  t.equal(keys.size, 1)
  t.match([...keys][0], /^[0-9a-f-]{36}$/)
  t.equal(gateway.requests.length, 4)
})

t.test('a gap is an error, at once, and the stream is ended', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(frames(chunkFrame(1, 'a'), chunkFrame(3, 'c'), done(4)), DELETED)
  const stream = await ask(gateway)
  await stream.next()
  const error = await failureOf(stream.next())
  t.ok(error instanceof ProtocolError)
  t.match(error, { name: 'ProtocolError', code: 'frame_gap', streamId: 's-1', lastEventId: 1 })
  t.equal(await failureOf(stream.next()), error, 'and so is what is asked for later')
  t.equal((await gateway.request(2)).method, 'DELETE')
})

t.test('an error frame is an error with its code, and what comes after it is not asked for', async t => {
  const gateway = await scriptedUpstream(t)
  const body = { error: { message: 'Every target failed.', type: 'server_error', code: 'all_targets_failed', param: null, attempts: [{ target: 'a', class: 'failure' }] } }
  gateway.next(frames(chunkFrame(1, 'a'), frame(2, JSON.stringify(body))))
  const error = await failureOf(contentOf(await ask(gateway)))
  t.ok(error instanceof GatewayError)
  t.match(error, { name: 'GatewayError', code: 'all_targets_failed', type: 'server_error', message: 'Every target failed.', status: undefined, streamId: 's-1', attempts: [{ target: 'a', class: 'failure' }] })
  t.equal(gateway.requests.length, 1)
})

t.test('a frame beside the stream: one that says that frames are gone is an error, any other is a break', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(frames(chunkFrame(1, 'a'), errorFrame('stream_log_unavailable')), frames(chunkFrame(2, 'b'), CUT), frames(errorFrame('frames_gone')))
  t.match(await failureOf(contentOf(await ask(gateway))), { code: 'frames_gone', lastEventId: 2 })
  t.same((paths(gateway)).slice(1), ['GET /v1/streams/s-1 1', 'GET /v1/streams/s-1 2'])
})

t.test('what is no stream of this gateway is not read', async t => {
  const cases: ReadonlyArray<readonly [string, Script]> = [
    ['malformed_frame', frames(`data: ${JSON.stringify(text('a'))}\n\n`)],
    ['malformed_frame', frames(frame(1, 'no JSON'))],
    ['malformed_frame', frames(frame(1, '{}'))],
    ['malformed_frame', frames(`id: x\ndata: ${JSON.stringify(text('a'))}\n\n`)],
    ['no_stream_id', streaming(chunkFrame(1, 'a'))],
    ['frame_too_large', frames(chunkFrame(1, 'x'.repeat(2_000)), done(2))],
    ['frame_too_large', frames(`id: 1\ndata: ${'x'.repeat(2_000)}`, new Promise(() => {}))]
  ]
  for (const [code, script] of cases) {
    const gateway = await scriptedUpstream(t)
    gateway.next(script)
    gateway.otherwise = DELETED
    t.match(await failureOf(ask(gateway, { maxFrameLength: 1_000 }).then(contentOf)), { name: 'ProtocolError', code }, code)
  }
})

t.test('what the gateway refuses is its error, and is not asked again', async t => {
  for (const code of [400, 401, 422, 502, 504]) {
    const gateway = await scriptedUpstream(t)
    gateway.next(status(code, { error: { message: 'No.', type: 'some_error', code: 'because', param: 'model' } }))
    t.match(await failureOf(ask(gateway)), { name: 'GatewayError', status: code, code: 'because', type: 'some_error', param: 'model', message: 'No.' })
    t.equal(gateway.requests.length, 1)
  }
})

t.test('429 and 503 are waited for as long as retry-after says, and a pause more; but not for ever', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  const busy = (seconds: string) => status(503, { error: { message: 'Busy.', type: 'server_error', code: 'overloaded', param: null } }, { 'retry-after': seconds })
  gateway.next(busy('3'), frames(chunkFrame(1, 'a'), done(2)))
  const asked = ask(gateway, options)
  await until('it waits', () => time.pending === 1 && gateway.requests.length === 1)
  await until('it waits for nothing but its time', async () => { await time.advance(0); return time.pending === 1 })
  await time.advance(3_187)
  t.equal(gateway.requests.length, 1)
  await time.advance(1)
  t.equal(await contentOf(await asked), 'a')
  gateway.next(busy('61'))
  t.match(await failureOf(ask(gateway, options)), { code: 'overloaded', status: 503, retryAfterMs: 61_000 })
  t.equal(time.pending, 0)
})

t.test('tries are counted in a row: a frame begins anew, and what failed last is the cause', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(
    frames(chunkFrame(1, 'a'), CUT), hangUp,
    frames(chunkFrame(2, 'b'), CUT), hangUp, frames(chunkFrame(2, 'b'), CUT)
  )
  const stream = await ask(gateway, { reconnect: { ...AT_ONCE, maxTries: 3 } })
  await stream.next()
  await stream.next()
  const error = await failureOf(stream.next())
  t.ok(error instanceof ConnectionLostError)
  t.match(error, { code: 'connection_lost', tries: 3, streamId: 's-1', lastEventId: 2 })
  t.equal(gateway.requests.length, 5, 'and nothing is deleted: it may be joined later')
  gateway.next(frames(chunkFrame(3, 'c'), done(4)))
  t.equal(await contentOf(await joinCompletion({ baseURL: gateway.baseURL, id: 's-1', lastEventId: 2 })), 'c')
})

t.test('pauses double, half of each by chance, up to the longest', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  gateway.otherwise = hangUp
  const asked = failureOf(ask(gateway, { ...options, reconnect: { minDelayMs: 100, maxDelayMs: 400, maxTries: 6 } }))
  const pauses: number[] = []
  for (let tries = 1; tries < 6; tries++) {
    // Of the two timers there are, that for the answer is gone when the connection has failed.
    await until('it pauses', async () => { await time.advance(0); return gateway.requests.length === tries && (time.soonest ?? Infinity) < 120_000 })
    const pause = time.soonest ?? 0
    pauses.push(pause)
    await time.advance(pause)
  }
  t.same(pauses, [75, 150, 300, 300, 300])
  t.match(await asked, { code: 'connection_lost', tries: 6 })
})

t.test('a stream that another replica does not know yet is looked for again, a few times', async t => {
  const gateway = await scriptedUpstream(t)
  gateway.next(frames(chunkFrame(1, 'a'), CUT), NO_STREAM, frames(chunkFrame(2, 'b'), CUT), NO_STREAM, NO_STREAM, NO_STREAM)
  const stream = await ask(gateway)
  t.match(await failureOf(contentOf(stream)), { name: 'GatewayError', code: 'stream_not_found', status: 404, lastEventId: 2 })
  t.equal(gateway.requests.length, 6)
})

t.test('a stream that came to nothing before its first frame is asked for anew, with the same key', async t => {
  const lost = frames(frame(1, JSON.stringify({ error: { message: 'The replica has died.', type: 'server_error', code: 'stream_lost', param: null } })))
  for (const [name, gone] of [['404', NO_STREAM], ['stream_lost', lost]] as const) {
    const gateway = await scriptedUpstream(t)
    const another = frames(chunkFrame(1, 'a'), chunkFrame(2, 'b'), done(3))
    gateway.next(frames(CUT), gone, async (response, request) => {
      response.setHeader('x-gateway-stream-id', 's-2')
      response.setHeader('x-gateway-target', 'b')
      await streaming(chunkFrame(1, 'a'), CUT)(response, request)
    }, another)
    const stream = await ask(gateway, { idempotencyKey: 'order-7' })
    t.equal(stream.id, 's-1', name)
    t.equal(await contentOf(stream), 'ab', name)
    t.same([stream.id, stream.target, stream.rejoined], ['s-2', 'b', name === '404' ? 2 : 3], 'and it is the other one that is told of')
    t.same(paths(gateway), ['POST /v1/chat/completions', 'GET /v1/streams/s-1', 'POST /v1/chat/completions', 'GET /v1/streams/s-2 1'], name)
    const [first, , second] = gateway.requests
    t.same([second?.headers['idempotency-key'], second?.body], ['order-7', first?.body], name)
  }
})

t.test('asking anew is a try like any other: it pauses, and it ends', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  gateway.next(frames(CUT), NO_STREAM, frames(CUT), NO_STREAM, frames(CUT), NO_STREAM)
  const stream = await ask(gateway, { ...options, reconnect: { minDelayMs: 100, maxDelayMs: 400, maxTries: 6 } })
  const failed = failureOf(stream.next())
  const pauses: number[] = []
  for (let tries = 1; tries < 6; tries++) {
    await until('it pauses', async () => { await time.advance(0); return gateway.requests.length === tries && (time.soonest ?? Infinity) < 40_000 })
    const pause = time.soonest ?? 0
    pauses.push(pause)
    await time.advance(pause)
  }
  t.match(await failed, { name: 'GatewayError', code: 'stream_not_found', status: 404, lastEventId: 0 })
  t.same(pauses, [75, 150, 300, 300, 300])
  t.equal(gateway.requests.length, 6)
  t.equal(time.pending, 0)
})

t.test('what is lost after its first frame, or was joined, is not asked for anew', async t => {
  const gateway = await scriptedUpstream(t)
  const lost = (id: number) => frame(id, JSON.stringify({ error: { message: 'The replica has died.', type: 'server_error', code: 'stream_lost', param: null } }))
  gateway.next(frames(chunkFrame(1, 'a'), CUT), frames(lost(2)))
  t.match(await failureOf(contentOf(await ask(gateway))), { name: 'GatewayError', code: 'stream_lost', lastEventId: 2 })
  t.same(paths(gateway), ['POST /v1/chat/completions', 'GET /v1/streams/s-1 1'])
  gateway.next(frames(lost(1)), NO_STREAM, NO_STREAM, NO_STREAM)
  const joining = { baseURL: gateway.baseURL, id: 's-1', reconnect: AT_ONCE }
  t.match(await failureOf(joinCompletion(joining).then(contentOf)), { code: 'stream_lost', lastEventId: 1 })
  t.match(await failureOf(joinCompletion(joining)), { code: 'stream_not_found' })
  t.equal(gateway.requests.length, 6)
  gateway.next(frames(frame(1, JSON.stringify({ error: { message: 'No.', type: 'server_error', code: 'all_targets_failed', param: null } }))))
  t.match(await failureOf(contentOf(await ask(gateway))), { code: 'all_targets_failed' }, 'nor is what failed for another reason')
  t.equal(gateway.requests.length, 7)
})

t.test('one that is left while it is asked for anew is ended when it says which it is', async t => {
  const gateway = await scriptedUpstream(t)
  const begin = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  gateway.next(frames(CUT), NO_STREAM, after(begin.promise, frames(chunkFrame(1, 'a'), never.promise)), DELETED)
  const aborter = new AbortController()
  const stream = await ask(gateway, { signal: aborter.signal })
  const pending = failureOf(stream.next())
  await gateway.request(3)
  aborter.abort()
  t.match(await pending, { name: 'AbortError' })
  begin.resolve()
  t.match(await gateway.request(4), { method: 'DELETE', url: '/v1/streams/s-1' })
})

t.test('silence: a connection on which nothing comes is given up and joined again, comments are life', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  const comment = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  gateway.next(frames(chunkFrame(1, 'a'), comment.promise, ': keep-alive\n\n', never.promise), frames(chunkFrame(2, 'b'), done(3)))
  const stream = await ask(gateway, options)
  await stream.next()
  const second = stream.next()
  await time.advance(39_000)
  comment.resolve()
  await until('the comment has come', async () => { await time.advance(0); return time.soonest === 40_000 })
  await time.advance(39_999)
  t.equal(gateway.requests.length, 1)
  await time.advance(1)
  t.equal(await (await gateway.request(1)).closed, 'aborted')
  await until('it pauses', async () => { await time.advance(0); return time.soonest === 187.5 })
  await time.advance(188)
  t.match(await second, { value: { choices: [{ delta: { content: 'b' } }] } })
  t.equal((await gateway.request(2)).headers['last-event-id'], '1')
  await stream.next()
  t.equal(time.pending, 0)
})

t.test('an answer that does not begin is asked for on another connection, with the same key', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  gateway.next(after(never.promise, hangUp), frames(chunkFrame(1, 'a'), done(2)))
  const asked = ask(gateway, { ...options, idempotencyKey: 'k' })
  await gateway.request(1)
  await time.advance(120_000)
  await until('it pauses', async () => { await time.advance(0); return time.soonest === 187.5 })
  await time.advance(188)
  t.equal(await contentOf(await asked), 'a')
  t.equal((await gateway.request(2)).headers['idempotency-key'], 'k')
})

t.test('an abort in the middle ends the loop with its reason, and the stream at the gateway', async t => {
  const gateway = await scriptedUpstream(t)
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  for (const leaveRunning of [false, true]) {
    gateway.next(frames(chunkFrame(1, 'a'), never.promise))
    gateway.otherwise = DELETED
    const before = gateway.requests.length
    const aborter = new AbortController()
    const reason = new Error('enough')
    const stream = await ask(gateway, { signal: aborter.signal, apiKey: 'key', leaveRunning })
    await stream.next()
    const pending = failureOf(stream.next())
    aborter.abort(reason)
    t.equal(await pending, reason)
    t.equal(await failureOf(stream.next()), reason)
    t.equal(await (await gateway.request(before + 1)).closed, 'aborted')
    await stream.return()
    t.equal(gateway.requests.length - before, leaveRunning ? 1 : 2)
    if (!leaveRunning) t.match(await gateway.request(before + 2), { method: 'DELETE', url: '/v1/streams/s-1', headers: { authorization: 'Bearer key' } })
  }
})

t.test('an abort before the answer: its stream is ended as soon as it says which it is', async t => {
  const gateway = await scriptedUpstream(t)
  const begin = Promise.withResolvers<void>()
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  gateway.next(after(begin.promise, frames(chunkFrame(1, 'a'), never.promise)), DELETED)
  const aborter = new AbortController()
  const asked = failureOf(ask(gateway, { signal: aborter.signal }))
  await gateway.request(1)
  aborter.abort()
  t.match(await asked, { name: 'AbortError' })
  begin.resolve()
  t.match(await gateway.request(2), { method: 'DELETE', url: '/v1/streams/s-1' })
  t.equal(await (await gateway.request(1)).closed, 'aborted')
})

t.test('an abort before anything was sent sends nothing; one in a pause ends the pause', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  t.match(await failureOf(ask(gateway, { signal: AbortSignal.abort() })), { name: 'AbortError' })
  t.equal(gateway.requests.length, 0)
  gateway.next(hangUp)
  const aborter = new AbortController()
  const asked = failureOf(ask(gateway, { ...options, signal: aborter.signal }))
  await until('it pauses', async () => { await time.advance(0); return time.soonest === 187.5 })
  aborter.abort()
  t.match(await asked, { name: 'AbortError' })
  t.equal(time.pending, 0)
  t.equal(gateway.requests.length, 1)
})

t.test('a loop that is left ends the stream at the gateway, unless it is to be left running', async t => {
  const gateway = await scriptedUpstream(t)
  const never = Promise.withResolvers<void>()
  t.teardown(() => never.resolve())
  gateway.next(frames(chunkFrame(1, 'a'), never.promise), status(503, ''), DELETED)
  for await (const { choices } of await ask(gateway)) if (choices.length > 0) break
  t.same((paths(gateway)).slice(1), ['DELETE /v1/streams/s-1', 'DELETE /v1/streams/s-1'], 'it is tried again')
  t.equal(await (await gateway.request(1)).closed, 'aborted')
  gateway.next(frames(chunkFrame(1, 'a'), never.promise))
  const stream = await ask(gateway, { leaveRunning: true })
  const pending = stream.next().then(() => stream.next())
  await until('the first chunk is there', () => stream.lastEventId === 1)
  await stream.return()
  t.same(await pending, { done: true, value: undefined })
  t.equal(gateway.requests.length, 4)
})

t.test('nothing is left behind: no timer, and no listener on the signal', async t => {
  const { gateway, time, options } = await onVirtualTime(t)
  const aborter = new AbortController()
  let listeners = 0
  const { signal } = aborter
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => { listeners++; add(...args) }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => { listeners--; remove(...args) }
  for (let n = 0; n < 3; n++) {
    gateway.next(frames(chunkFrame(1, 'a'), done(2)))
    await contentOf(await ask(gateway, { ...options, signal }))
  }
  t.equal(time.pending, 0)
  t.equal(listeners, 0)
})
