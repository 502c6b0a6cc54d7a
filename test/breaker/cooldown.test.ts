import t from 'tap'
import { Cooldown } from '../../breaker/cooldown.ts'
import { DEFAULT_POLICY } from '../../breaker/policy.ts'

const { defaultCooldownMs, maxCooldownMs } = DEFAULT_POLICY

t.test('it lasts as long as was asked, and not a millisecond longer', async t => {
  const cooldown = new Cooldown(DEFAULT_POLICY)
  t.equal(cooldown.forMs(0), null)
  t.equal(cooldown.ask(3_000, 1_000), 3_000)
  t.equal(cooldown.forMs(1_000), 3_000)
  t.equal(cooldown.forMs(3_999), 1)
  t.equal(cooldown.forMs(4_000), null)
})

t.test('a rate limit that names no time, or none that is a number, lasts the default', async t => {
  for (const asked of [undefined, NaN]) t.equal(new Cooldown(DEFAULT_POLICY).ask(asked, 0), defaultCooldownMs)
})

t.test('nobody can ask for more than the longest, or for a time that is over', async t => {
  t.equal(new Cooldown(DEFAULT_POLICY).ask(Infinity, 0), maxCooldownMs)
  for (const asked of [0, -1]) {
    const cooldown = new Cooldown(DEFAULT_POLICY)
    t.equal(cooldown.ask(asked, 0), undefined)
    t.equal(cooldown.forMs(0), null)
  }
})

t.test('what would end no later than the present one changes nothing', async t => {
  const cooldown = new Cooldown(DEFAULT_POLICY)
  cooldown.ask(5_000, 0)
  t.equal(cooldown.ask(4_000, 1_000), undefined)
  t.equal(cooldown.ask(4_001, 1_000), 4_001)
  t.equal(cooldown.forMs(5_000), 1)
})

t.test('the store\'s replaces it, unless this one is not stored yet: then the later one stays', async t => {
  const after = (stored: number | null, keep: boolean) => {
    const cooldown = new Cooldown(DEFAULT_POLICY)
    cooldown.ask(5_000, 0)
    cooldown.adopt(stored, 0, keep)
    return cooldown.forMs(0)
  }
  t.same([after(null, false), after(1_000, false), after(9_000, false)], [null, 1_000, 9_000])
  t.same([after(null, true), after(1_000, true), after(9_000, true)], [5_000, 5_000, 9_000])
})

t.test('it can be ended', async t => {
  const cooldown = new Cooldown(DEFAULT_POLICY)
  cooldown.ask(5_000, 0)
  cooldown.clear()
  t.equal(cooldown.forMs(0), null)
})
