import fc from 'fast-check'
import t from 'tap'
import { Hedging } from '../../failover/hedging.ts'

t.test('nothing is said before 20 answers; then the time that 95 of 100 stayed within', async t => {
  const hedging = new Hedging()
  for (let ms = 1; ms <= 19; ms++) hedging.observe(ms)
  t.equal(hedging.begin(), undefined)
  hedging.observe(20)
  t.equal(hedging.begin(), 19)
  for (let ms = 21; ms <= 100; ms++) hedging.observe(ms)
  t.equal(hedging.begin(), 95)
})

t.test('what is old is forgotten', async t => {
  const hedging = new Hedging()
  for (let n = 0; n < 200; n++) hedging.observe(5_000)
  for (let n = 0; n < 200; n++) hedging.observe(10)
  t.equal(hedging.begin(), 10)
})

t.test('of any number of requests at most one in fifty is doubled, and after a quiet time five at once', async t => {
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 2000 }), wishes => {
    const hedging = new Hedging()
    let doubled = 0
    wishes.forEach((wish, n) => {
      hedging.begin()
      if (wish && hedging.allowed) {
        hedging.spend()
        doubled++
      }
      if (doubled > (n + 1) / 50) throw new Error(`${doubled} of ${n + 1}`)
    })
  }))
  const hedging = new Hedging()
  for (let n = 0; n < 10_000; n++) hedging.begin()
  for (let n = 0; n < 5; n++) {
    t.ok(hedging.allowed)
    hedging.spend()
  }
  t.notOk(hedging.allowed)
})
