import t from 'tap'
import { openTimeMs } from '../../breaker/open-time.ts'
import { DEFAULT_POLICY } from '../../breaker/policy.ts'

const MIDDLE = 0.5

t.test('each opening in a row takes the next open time, and all after the last one take that', async t => {
  t.same([0, 1, 2, 3, 4, 100].map(count => openTimeMs(count, 0, DEFAULT_POLICY, MIDDLE)), [2_000, 4_000, 8_000, 16_000, 16_000, 16_000])
})

t.test('chance moves it by the jitter, either way', async t => {
  t.equal(openTimeMs(0, 0, DEFAULT_POLICY, 0), 1_600)
  t.equal(openTimeMs(0, 0, DEFAULT_POLICY, 1), 2_400)
})

t.test('the time of the probe before it has passed, but what is left is never less than the shortest opening', async t => {
  t.equal(openTimeMs(2, 3_000, DEFAULT_POLICY, MIDDLE), 5_000)
  t.equal(openTimeMs(2, 60_000, DEFAULT_POLICY, MIDDLE), 1_600)
})

t.test('a policy without open times still opens', async t => {
  t.equal(openTimeMs(3, 0, { ...DEFAULT_POLICY, openMs: [] }, MIDDLE), 1_000)
})
