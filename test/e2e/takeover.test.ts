/**
 * Replicas that are killed, frozen or told to end in the middle of streams which another one may carry on: their clients ask
 * again elsewhere, and have the whole answer in the end.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { streamCompletion } from '../../client/index.ts'
import { until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { PAUSE_MS, STORY, fleet, wholeFrom } from '../support/replicas.ts'
import { cutAfter, joinAfter } from '../support/resumable.ts'
import { roundRobin } from '../support/round-robin.ts'
import { heardIn } from '../support/storyteller.ts'

const STREAMS = share(20, 300)

// Each has replicas of its own, and waits for them most of the time.
t.jobs = 2

t.test('killed: each client has the whole answer, each word once', { timeout: 300_000 }, async t => {
  const { replicas: [a, b, c] } = await fleet(t, 3)
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  let begun = 0
  const streams = Array.from({ length: STREAMS }, async (_, n) => {
    await delay(n * 2)
    return await wholeFrom(a, n % 2 === 0 ? [b, c] : [c, b], () => begun++)
  })
  await until('all have begun', () => begun === STREAMS)
  await delay(PAUSE_MS * 20) // well inside of all of them
  await a.kill()
  const heard = (await Promise.all(streams)).map(heardIn)
  t.equal(heard.filter(({ complete }) => complete).length, STREAMS)
  t.equal(heard.filter(({ text }) => text === STORY).length, STREAMS)
  t.equal(heard.filter(({ inOrder }) => inOrder).length, STREAMS)
  t.same(heard.flatMap(({ errors }) => errors), [])
  const took = [b, c].map(({ logs }) => logs.filter(({ msg }) => msg === 'stream taken over').length)
  t.equal(took[0] !== undefined && took[1] !== undefined ? took[0] + took[1] : 0, STREAMS, 'each was taken over once')
  t.notMatch([a, b, c].map(({ output }) => output).join('\n'), /wörd/, 'and nothing of it is logged')
  t.comment(`${STREAMS} streams, taken over ${took.join(' and ')}`)
})

t.test('told to end: what runs when its grace is over goes on elsewhere at once', { timeout: 300_000 }, async t => {
  const { replicas: [a, b] } = await fleet(t, 2, { SHUTDOWN_GRACE_MS: '500' })
  if (a === undefined || b === undefined) throw new Error('unreachable')
  let begun = 0
  const streams = Array.from({ length: 10 }, async () => await wholeFrom(a, [b], () => begun++))
  await until('all have begun', () => begun === 10)
  const ended = await a.stop()
  t.same(ended, { code: 0, signal: null })
  const heard = (await Promise.all(streams)).map(heardIn)
  t.same(heard.map(({ text, complete, inOrder }) => [text === STORY, complete, inOrder]), heard.map(() => [true, true, true]))
  t.same(heard.map(({ errors }) => errors), heard.map(() => ['stream_moved']), 'each was told where it stands')
  t.notMatch([...a.logs, ...b.logs].map(({ msg }) => msg), ['breaker opened'])
})

t.test('whoever uses our client notices nothing of it: one replica is killed, the next one ends, the last one carries all on', { timeout: 300_000 }, async t => {
  const { replicas: [a, b, c], asked } = await fleet(t, 3, { SHUTDOWN_GRACE_MS: '200' })
  if (a === undefined || b === undefined || c === undefined) throw new Error('unreachable')
  const front = await roundRobin(t)
  front.rotate([a.url, b.url, c.url])
  let begun = 0
  const told = Array.from({ length: 12 }, async () => {
    const stream = await streamCompletion({ baseURL: `${front.url}/v1`, request: { messages: [{ role: 'user', content: 'Tell it' }] } })
    let text = ''
    for await (const { choices } of stream) {
      if (stream.lastEventId === 1) begun++
      text += choices[0]?.delta.content ?? ''
    }
    return text
  })
  await until('all have begun', () => begun === 12)
  await delay(PAUSE_MS * 10)
  front.rotate([b.url, c.url])
  await a.kill()
  while (b.linesOf('stream taken over').length + c.linesOf('stream taken over').length < 4) await delay(20)
  front.rotate([c.url])
  t.same(await b.stop(), { code: 0, signal: null })
  t.same(await Promise.all(told), Array.from({ length: 12 }, () => STORY))
  t.equal(asked(), 12 + b.linesOf('stream taken over').length + c.linesOf('stream taken over').length, 'each is asked for once, and once by whoever takes it over')
})

t.test('frozen: its client stays where it is, and reads on when it is thawed what another one has carried on', { timeout: 300_000 }, async t => {
  const { replicas: [a, b], asked } = await fleet(t, 2)
  if (a === undefined || b === undefined) throw new Error('unreachable')
  const first = await cutAfter(`${a.url}/v1/chat/completions`, 3_000)
  const staying = joinAfter(a.url, first.id, first.lastId)
  while (asked() < 1) await delay(5)
  await delay(PAUSE_MS * 5)
  a.child.kill('SIGSTOP')
  const moved = await joinAfter(b.url, first.id, first.lastId)
  a.child.kill('SIGCONT')
  for (const rest of [moved, await staying]) {
    const { text, complete, inOrder, errors } = heardIn(first.text + rest.text)
    t.same([text === STORY, complete, inOrder, errors], [true, true, true, []])
  }
  t.equal(b.linesOf('stream taken over').length, 1)
})
