import fc from 'fast-check'
import t from 'tap'
import { RetryBudget } from '../../failover/retry-budget.ts'
import { useVirtualTime } from '../support/virtual-timers.ts'
import { settle } from '../support/virtual-time.ts'

const never = () => () => {}

function budgetOf (requests: number): RetryBudget {
  const budget = new RetryBudget()
  for (let n = 0; n < requests; n++) budget.begin()
  return budget
}

/** Asks for so many places; gives what came so far. */
function ask (budget: RetryBudget, places: number): Array<(() => void) | undefined> {
  const got: Array<(() => void) | undefined> = []
  for (let n = 0; n < places; n++) void budget.place(1000, never).then(place => got.push(place))
  return got
}

t.test('three at once however few requests there are, and a tenth of many', async t => {
  for (const [requests, places] of [[1, 3], [30, 3], [49, 4], [1000, 100]] as const) {
    const budget = budgetOf(requests)
    const got = ask(budget, places + 5)
    await settle()
    t.equal(got.length, places, `${requests} requests`)
    t.equal(budget.waiting, 5)
    for (const leave of got) leave?.()
    await settle()
    for (const leave of got.slice(places)) leave?.()
    t.equal(budget.waiting, 0)
  }
})

t.test('a place that is given back goes to who has waited longest', async t => {
  const budget = budgetOf(1)
  const [first, second, third] = await Promise.all([1, 2, 3].map(async () => await budget.place(1000, never)))
  const order: string[] = []
  for (const name of ['a', 'b', 'c']) void budget.place(1000, never).then(() => order.push(name))
  first?.()
  await settle()
  t.same(order, ['a'])
  second?.()
  third?.()
  await settle()
  t.same(order, ['a', 'b', 'c'])
})

t.test('who waits too long gets none, and leaves no timer behind', async t => {
  const time = useVirtualTime(t)
  const budget = budgetOf(1)
  const held = await Promise.all([1, 2, 3].map(async () => await budget.place(1000, never)))
  let got: unknown = 'pending'
  void budget.place(1000, never).then(place => { got = place })
  await time.advance(999)
  t.equal(got, 'pending')
  await time.advance(1)
  t.equal(got, undefined)
  t.equal(budget.waiting, 0)
  for (const leave of held) leave?.()
  t.type(await budget.place(1000, never), 'function', 'the place that it did not get is still there')
  t.equal(time.pending, 0)
})

t.test('who gives up while waiting gets none, also when that was before', async t => {
  const time = useVirtualTime(t)
  const budget = budgetOf(1)
  await Promise.all([1, 2, 3].map(async () => await budget.place(1000, never)))
  let giveUp = () => {}
  let calledOff = 0
  const waiting = budget.place(1000, callback => {
    giveUp = callback
    return () => calledOff++
  })
  giveUp()
  t.equal(await waiting, undefined)
  t.equal(calledOff, 1)
  const late = budget.place(1000, callback => {
    callback()
    return () => {}
  })
  t.equal(await late, undefined)
  t.equal(budget.waiting, 0)
  t.equal(time.pending, 0)
})

t.test('never more than allowed, and nobody waits while there is room, whatever comes and goes', async () => {
  const step = fc.constantFrom('begin', 'end', 'ask', 'leave', 'give up')
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 200 }), async steps => {
    const budget = new RetryBudget()
    const held: Array<() => void> = []
    const asking: Array<() => void> = []
    let requests = 0
    for (const each of steps) {
      if (each === 'begin') { budget.begin(); requests++ }
      if (each === 'end' && requests > 0) { budget.end(); requests-- }
      if (each === 'ask') {
        void budget.place(60_000, giveUp => {
          asking.push(giveUp)
          return () => {}
        }).then(leave => { if (leave !== undefined) held.push(leave) })
      }
      if (each === 'leave') held.pop()?.()
      if (each === 'give up') asking.shift()?.()
      await settle()
      // A limit that sinks takes nothing away from who is there already.
      if (each === 'ask' && budget.waiting > 0 && held.length < Math.max(3, Math.floor(requests / 10))) throw new Error('somebody waits while there is room')
      if (each === 'leave' && budget.waiting > 0 && held.length < 3) throw new Error('somebody waits while there is room')
    }
    for (const giveUp of asking) giveUp()
    if (budget.waiting !== 0) throw new Error('somebody waits for ever')
  }), { numRuns: 100 })
})
