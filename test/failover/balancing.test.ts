import fc from 'fast-check'
import t from 'tap'
import { inOrder } from '../../failover/balancing.ts'
import type { Balancing } from '../../failover/balancing.ts'
import { TargetLoad } from '../../failover/target-load.ts'
import { FakeTargets } from '../support/fake-provider.ts'
import { textChunk } from '../support/chunks.ts'

const targets = ['a', 'b', 'c'].map(name => ({ name, model: undefined }))
const NO_LOAD = { busy: () => 0, firstOutputMs: () => 0 }
const names = (balancing: Balancing, load: Pick<TargetLoad, 'busy' | 'firstOutputMs'> = NO_LOAD, random = () => 0.5) =>
  inOrder(targets, balancing, load, random).map(({ name }) => name).join('')

t.test('order: as they are listed', async t => {
  t.equal(names({ kind: 'order' }), 'abc')
})

t.test('every way tries every target exactly once', async () => {
  const kinds = fc.constantFrom('order' as const, 'weighted' as const, 'least_busy' as const, 'fastest' as const)
  const numbers = fc.array(fc.double({ min: 0.001, max: 1_000, noNaN: true }), { minLength: 3, maxLength: 3 })
  fc.assert(fc.property(kinds, numbers, numbers, fc.double({ min: 0, max: 0.999999, noNaN: true }), (kind, weights, loads, chance) => {
    const of = (values: readonly number[]) => (target: string) => values['abc'.indexOf(target)] ?? 0
    const balancing: Balancing = kind === 'weighted' || kind === 'least_busy' ? { kind, weights: new Map(targets.map(({ name }) => [name, of(weights)(name)])) } : { kind }
    return [...names(balancing, { busy: of(loads), firstOutputMs: of(loads) }, () => chance)].sort().join('') === 'abc'
  }))
})

t.test('weighted: each is first as often as its weight says, and the others follow by theirs', async t => {
  const weights = new Map([['a', 6], ['b', 3]]) // c: 1
  const counts = new Map<string, number>()
  const ROUNDS = 1_000
  for (let round = 0; round < ROUNDS; round++) {
    const order = names({ kind: 'weighted', weights }, NO_LOAD, () => (round + 0.5) / ROUNDS)
    counts.set(order.charAt(0), (counts.get(order.charAt(0)) ?? 0) + 1)
  }
  t.same(Object.fromEntries(counts), { a: 600, b: 300, c: 100 })
})

t.test('weighted: one that weighs nothing is the last resort', async t => {
  const weights = new Map([['a', 0]])
  for (const chance of [0, 0.3, 0.6, 0.999]) t.equal(names({ kind: 'weighted', weights }, NO_LOAD, () => chance).at(-1), 'a')
})

t.test('least busy: by attempts under way for each unit of weight', async t => {
  const busy: Readonly<Record<string, number>> = { a: 4, b: 1, c: 2 }
  const load = { busy: (target: string) => busy[target] ?? 0, firstOutputMs: () => 0 }
  t.equal(names({ kind: 'least_busy', weights: new Map() }, load), 'bca')
  t.equal(names({ kind: 'least_busy', weights: new Map([['a', 10]]) }, load), 'abc')
})

t.test('fastest: by the time to the first output, unknown ones first; now and then another one is tried', async t => {
  const times: Readonly<Record<string, number>> = { a: 300, b: 0, c: 100 }
  const load = { busy: () => 0, firstOutputMs: (target: string) => times[target] ?? 0 }
  t.equal(names({ kind: 'fastest' }, load), 'bca')
  let asked = 0
  t.equal(names({ kind: 'fastest' }, load, () => [0.01, 0.1][asked++] ?? 0.5), 'abc', 'one of twenty')
})

t.test('load: attempts under way, and a mean that follows and fades', async t => {
  let now = 0
  const load = new TargetLoad(() => now)
  t.equal(load.busy('a'), 0)
  load.begun('a')
  load.begun('a')
  load.ended('a')
  t.equal(load.busy('a'), 1)
  t.equal(load.firstOutputMs('a'), 0)
  load.answered('a', 100)
  t.equal(load.firstOutputMs('a'), 100)
  load.answered('a', 200)
  t.ok(load.firstOutputMs('a') > 100 && load.firstOutputMs('a') < 200)
  now = 60_000
  t.ok(load.firstOutputMs('a') < 30, 'what was slow a minute ago may be fast again')
})

t.test('the failover counts what is under way, from the attempt to the end of its stream', async t => {
  const fake = new FakeTargets({ a: call => { call.stream().offer(textChunk('a')) }, b: call => { call.stream().offer(textChunk('b')) } })
  const call = () => fake.call({ route: { balancing: { kind: 'least_busy', weights: new Map() } } })
  const first = await fake.failover.stream(call())
  t.equal(first.target, 'a')
  const second = await fake.failover.stream(call())
  t.equal(second.target, 'b')
  first.answer.queue.cancel()
  await first.answer.ended
  const third = await fake.failover.stream(call())
  t.equal(third.target, 'a')
  for (const { answer } of [second, third]) answer.queue.cancel()
})
