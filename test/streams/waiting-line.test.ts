import t from 'tap'
import { WaitingLine } from '../../streams/waiting-line.ts'
import { settle } from '../support/virtual-time.ts'

const never = () => () => {}

t.test('a place that is free is given at once, but never past those who wait', async t => {
  let places = 1
  const line = new WaitingLine(() => places)
  const leave = line.take()
  t.type(leave, 'function')
  t.equal(line.take(), undefined)
  const order: string[] = []
  void line.place(10_000, never).then(() => order.push('first'))
  places = 2
  t.equal(line.take(), undefined, 'somebody waits, who has not been called up yet')
  void line.place(10_000, never).then(() => order.push('second'))
  await settle()
  t.same(order, ['first'], 'whoever comes calls up who has waited')
  leave?.()
  await settle()
  t.same(order, ['first', 'second'])
  t.same([line.taken, line.waiting], [2, 0])
})

t.test('when there are fewer places, nobody is sent away, and nobody let in until there is room', async t => {
  let places = 3
  const line = new WaitingLine(() => places)
  const held = [line.take(), line.take(), line.take()]
  places = 1
  let entered = false
  void line.place(10_000, never).then(() => { entered = true })
  held[0]?.()
  held[1]?.()
  await settle()
  t.equal(entered, false)
  held[2]?.()
  await settle()
  t.equal(entered, true)
})
