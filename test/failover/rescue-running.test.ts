/**
 * What a rescue does meanwhile: it waits for nobody for ever, keeps nothing without bound, and ends with its consumer. In
 * virtual time.
 */
import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { finishChunk, roleChunk, textChunk } from '../support/chunks.ts'
import { collected } from '../support/collected-stream.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import type { Behaviour } from '../support/fake-provider.ts'
import { settle } from '../support/virtual-time.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'

const CONTINUE = { midstreamFailover: 'continue' } as const
const broken = () => new UpstreamError('reset', 'broke')

const beginning = (text = 'Hello'): Behaviour => call => {
  call.stream().offer(roleChunk())
  call.writer.offer(textChunk(text))
}
const breaking = (text = 'Hello'): Behaviour => call => {
  beginning(text)(call)
  call.writer.fail(broken())
}
const complete = (text: string): Behaviour => call => {
  beginning(text)(call)
  call.writer.offer(finishChunk())
  call.writer.end({ terminal: true })
}

function fail (why: string): never { throw new Error(why) }

t.test('a provider that goes silent in the middle is left, and the stream goes on', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning(), b: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  const reading = collected(answer)
  await time.advance(2000)
  t.match(await reading, { error: undefined })
  t.equal((await reading).text, 'Hello you')
  t.match(fake.records, [{ target: 'a', reason: 'stalled', durationMs: 2000 }, { target: 'b', reason: null }])
  t.equal(time.pending, 0)
})

t.test('who is to carry on has its time to begin, and its time between outputs', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: breaking(), b: () => {}, c: beginning('Hel'), d: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  const reading = collected(answer)
  await time.advance(999)
  t.equal(fake.calls.length, 2)
  await time.advance(1)
  t.equal(fake.calls.length, 3)
  await time.advance(2000)
  t.equal((await reading).text, 'Hello you')
  t.match(fake.records.map(({ target, reason }) => [target, reason]), [['a', 'reset'], ['b', 'slow_first_output'], ['c', 'stalled'], ['d', null]])
  t.equal(time.pending, 0)
})

t.test('the request\'s deadline holds for all attempts; the first error is told', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: breaking(), b: () => {}, c: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: { ...CONTINUE, requestTimeoutMs: 500 } }))
  const reading = collected(answer)
  await time.advance(500)
  t.match(await reading, { error: { reason: 'reset' } })
  t.equal(fake.calls.length, 2)
  t.match(fake.records[1], { target: 'b', reason: 'deadline' })
  t.match(fake.rescues, [{ kind: 'failed', to: 'b' }])
  t.equal(time.pending, 0)
})

t.test('a deadline that passes after the stream was carried on is what is told', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: breaking(), b: beginning('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: { ...CONTINUE, requestTimeoutMs: 500 } }))
  const reading = collected(answer)
  await time.advance(500)
  t.match(await reading, { error: { reason: 'deadline' } })
  t.equal((await reading).text, 'Hello you')
  t.equal(time.pending, 0)
})

for (const leave of ['socket', 'reader'] as const) {
  t.test(`the client leaves while a target is asked to carry on, by its ${leave}`, async t => {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: breaking(), b: () => {}, c: complete('Hello you') })
    const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE, signal: client.signal }))
    await settle()
    t.equal(fake.calls.length, 2)
    if (leave === 'socket') client.abort()
    answer.queue.cancel()
    await settle()
    t.equal(fake.calls[1]?.call.signal.aborted, true)
    t.equal(fake.calls.length, 2)
    t.match(fake.records, [{ reason: 'reset' }, { class: 'neutral', reason: 'client_closed' }])
    t.equal(time.pending, 0)
  })

  t.test(`the client leaves while a target catches up, by its ${leave}`, async t => {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: breaking(), b: beginning('Hel'), c: complete('Hello you') })
    const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE, signal: client.signal }))
    await settle()
    if (leave === 'socket') client.abort()
    answer.queue.cancel()
    await settle()
    t.equal(fake.calls[1]?.writer.over, true)
    t.equal(fake.calls.length, 2)
    t.match(fake.records, [{ reason: 'reset' }, { class: 'neutral', reason: 'client_closed' }])
    t.equal(time.pending, 0)
  })

  t.test(`the client leaves after the stream was carried on, by its ${leave}`, async t => {
    const time = useVirtualTime(t)
    const client = new AbortController()
    const fake = new FakeTargets({ a: breaking(), b: beginning('Hello you') })
    const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE, signal: client.signal }))
    await settle()
    if (leave === 'socket') client.abort()
    answer.queue.cancel()
    await settle()
    t.match(fake.records, [{ reason: 'reset' }, { class: 'neutral', reason: 'client_closed' }])
    t.equal(time.pending, 0)
  })
}

t.test('a consumer that takes nothing: the provider is not read on, and nothing is asked of another', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning('0'), b: complete('Hello you') }, { queueCapacity: 6 })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  const writer = fake.calls[0]?.writer
  let n = 1
  while (n < 100 && writer?.offer(textChunk(String(n))) === 'accepted') n++
  t.ok(n <= 6, `${n} taken`)
  t.ok(answer.queue.size <= 3)
  await time.advance(10_000)
  t.same(fake.records, [], 'its silence is not the provider\'s')
  answer.queue.cancel()
  await settle()
  t.equal(time.pending, 0)
})

t.test('while the consumer has something to take, silence is not the provider\'s; afterwards it is', async t => {
  const time = useVirtualTime(t)
  const fake = new FakeTargets({ a: beginning(), b: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  t.equal(answer.queue.size, 2)
  await time.advance(10_000)
  t.same(fake.records, [])
  const reading = collected(answer)
  await time.advance(2000)
  t.equal((await reading).text, 'Hello you')
  t.equal(time.pending, 0)
})

t.test('who says something else is stopped at once', async t => {
  const fake = new FakeTargets({ a: breaking(), b: beginning('Hallo'), c: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  t.equal((await collected(answer)).text, 'Hello you')
  t.equal(fake.calls[1]?.writer.queue.state.kind, 'cancelled')
})

t.test('the client leaves in the very turn in which another target has answered', async t => {
  const time = useVirtualTime(t)
  const left = Promise.withResolvers<void>()
  const fake = new FakeTargets({
    a: beginning(),
    b: call => {
      complete('Hello you')(call)
      left.resolve()
    }
  })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  fake.calls[0]?.writer.fail(broken())
  await left.promise
  answer.queue.cancel()
  await settle()
  t.match(fake.records, [{ target: 'a', reason: 'reset' }, { target: 'b', class: 'neutral', reason: 'client_closed' }])
  t.equal(time.pending, 0)
})

t.test('many streams that break at once wait in line for who carries them on', async t => {
  const fake = new FakeTargets({ a: beginning(), b: () => {} })
  const answers = await Promise.all([1, 2, 3, 4, 5].map(async () => await fake.failover.stream(fake.call({ route: CONTINUE }))))
  for (const { writer } of [...fake.calls]) writer.fail(broken())
  await settle()
  t.equal(fake.calls.length, 5 + 3, 'three at a time')
  t.equal(fake.failover.waiting, 2)
  complete('Hello you')(fake.calls[5] ?? fail('no call'))
  await settle()
  t.equal(fake.calls.length, 5 + 4)
  for (const { answer } of answers) answer.queue.cancel()
  await settle()
  t.equal(fake.failover.waiting, 0)
})

t.test('no open breaker lets a stream through that is to be carried on', async t => {
  const fake = new FakeTargets({ a: beginning(), b: complete('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  for (const name of ['a', 'b']) {
    fake.refusals.set(name, { kind: 'refused', why: 'open', retryAfterMs: 1000 })
    fake.trickling.add(name)
  }
  fake.calls[0]?.writer.fail(broken())
  t.match(await collected(answer), { error: { reason: 'reset' } })
  t.match(fake.rescues, [{ kind: 'failed', to: null, how: null }])
})

t.test('chunks that come together leave together', async t => {
  const fake = new FakeTargets({ a: beginning() })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  answer.queue.drain()
  const told: boolean[] = []
  answer.queue.onReadable(complete => told.push(complete))
  const writer = fake.calls[0]?.writer
  writer?.queue.cork()
  for (const text of ['1', '2', '3']) writer?.offer(textChunk(text))
  t.same(told, [])
  writer?.queue.uncork()
  t.same(told, [true], 'at once, and once')
  t.equal(answer.queue.drain().length, 3)
  answer.queue.cancel()
})

t.test('the first attempt\'s failure is on record when it happens, not when the stream ends', async t => {
  const fake = new FakeTargets({ a: breaking(), b: beginning('Hello you') })
  const { answer } = await fake.failover.stream(fake.call({ route: CONTINUE }))
  await settle()
  t.match(fake.records, [{ target: 'a', reason: 'reset' }])
  t.same(fake.journal, ['a: success', 'a: failure reset', 'b: success'])
  answer.queue.cancel()
})

t.test('a text of more than 1 MiB characters is not kept', async t => {
  const long = 'x'.repeat(1024 * 1024)
  const PIECE = 64 * 1024
  const inPieces = (text: string): Behaviour => call => {
    const writer = call.stream()
    void (async () => {
      for (let at = 0; at < text.length; at += PIECE) await writer.put(textChunk(text.slice(at, at + PIECE)))
      await writer.put(finishChunk())
      writer.end({ terminal: true })
    })()
  }
  for (const [more, calls] of [['', 2], ['y', 1]] as const) {
    const fake = new FakeTargets({ a: () => {}, b: inPieces(`${long}${more}!`) })
    const asked = fake.failover.stream(fake.call({ route: CONTINUE }))
    const writer = fake.calls[0]?.stream()
    const reading = asked.then(async ({ answer }) => await collected(answer))
    for (let at = 0; at < long.length; at += PIECE) await writer?.put(textChunk(long.slice(at, at + PIECE)))
    await writer?.put(textChunk(more))
    writer?.fail(broken())
    const { text, error } = await reading
    t.equal(fake.calls.length, calls)
    if (calls === 2) t.ok(error === undefined && text === `${long}!`)
    else t.match(error, { reason: 'reset' })
  }
})
