/**
 * Guards against requests of one name that are made at once, after its stream was made: those that waited for the first of them
 * were told of a stream that would never be, looked for it in vain, and began again, one after the other.
 */
import { randomUUID } from 'node:crypto'
import t from 'tap'
import { Fleet, TTL } from '../support/stream-fleet.ts'

t.test('all who ask at once for what was made elsewhere are told which stream it is, by one look', async t => {
  const fleet = new Fleet()
  const claimOf = () => ({ id: randomUUID(), caller: 'ada', key: 'k', dialect: 'd', digest: 'd' })
  const made = claimOf()
  await fleet.store.claim('elsewhere', made, TTL)
  let looks = 0
  const log = fleet.replica('b', new Proxy(fleet.store, {
    get: (store, name) => {
      if (name === 'claim') looks++
      const value: unknown = Reflect.get(store, name)
      return typeof value === 'function' ? value.bind(store) : value
    }
  }))
  const claimed = Promise.all(Array.from({ length: 20 }, async () => await log.claim(claimOf())))
  await fleet.time.advance(0)
  t.same(await claimed, Array.from({ length: 20 }, () => ({ kind: 'made', id: made.id })))
  t.equal(looks, 1)
  t.same(await log.claim({ ...claimOf(), digest: 'other' }), { kind: 'mistaken' })
})
