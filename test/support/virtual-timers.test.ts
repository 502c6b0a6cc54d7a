/**
 * Virtual timers keep nothing alive of what was called: long runs set millions of them.
 */
import { Session } from 'node:inspector/promises'
import t from 'tap'
import { useVirtualTime } from './virtual-timers.ts'

t.test('nothing of a timer is left when it has fired, or was cleared', async t => {
  const time = useVirtualTime(t)
  const used = async (end: (timer: NodeJS.Timeout) => Promise<void>) => {
    const heard = { times: 0 }
    await end(setTimeout(() => { heard.times++ }, 5))
    return { times: heard.times, ref: new WeakRef(heard) }
  }
  const fired = await used(async () => await time.advance(5))
  const cleared = await used(async timer => {
    clearTimeout(timer)
    await time.advance(5)
  })
  t.same([fired.times, cleared.times], [1, 0])
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage')
  session.disconnect()
  t.same([fired.ref.deref(), cleared.ref.deref()], [undefined, undefined])
})

t.test('the platform has its own timers and clock again afterwards', async t => {
  const own = [setTimeout, clearTimeout, performance.now]
  await t.test('in virtual time', async t => {
    const time = useVirtualTime(t)
    await time.advance(5)
    t.equal(performance.now(), 5)
    t.notSame([setTimeout, clearTimeout, performance.now], own)
  })
  t.ok([setTimeout, clearTimeout, performance.now].every((each, at) => each === own[at]))
})
