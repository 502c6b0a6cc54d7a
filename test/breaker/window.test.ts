import fc from 'fast-check'
import t from 'tap'
import { OutcomeWindow } from '../../breaker/window.ts'

t.test('counts what lies within the window, and forgets it second by second', async t => {
  const window = new OutcomeWindow(3_000)
  window.failure(500)
  window.success(1_500)
  window.success(2_999)
  t.same(window.counts(2_999), { attempts: 3, failures: 1 })
  t.same(window.counts(3_000), { attempts: 2, failures: 0 })
  t.same(window.counts(5_000), { attempts: 0, failures: 0 })
  t.same(window.counts(1e9), { attempts: 0, failures: 0 })
})

t.test('a success that is taken back leaves no attempt, unless the window has moved past it', async t => {
  const window = new OutcomeWindow(2_000)
  window.success(100)
  window.retractSuccess(100)
  t.same(window.counts(100), { attempts: 0, failures: 0 })
  window.success(1_000)
  window.success(3_000)
  window.retractSuccess(1_000)
  t.same(window.counts(3_000), { attempts: 1, failures: 0 })
})

t.test('clear forgets everything', async t => {
  const window = new OutcomeWindow(2_000)
  window.failure(0)
  window.clear()
  t.same(window.counts(0), { attempts: 0, failures: 0 })
})

t.test('agrees with a list of all outcomes', async () => {
  const step = fc.record({ afterMs: fc.integer({ min: 0, max: 2_500 }), failed: fc.boolean() })
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (steps, seconds) => {
    const window = new OutcomeWindow(seconds * 1_000)
    const all: Array<{ second: number, failed: boolean }> = []
    let now = 0
    for (const { afterMs, failed } of steps) {
      now += afterMs
      if (failed) window.failure(now)
      else window.success(now)
      const second = Math.floor(now / 1_000)
      all.push({ second, failed })
      const within = all.filter(each => each.second > second - seconds)
      const { attempts, failures } = window.counts(now)
      if (attempts !== within.length || failures !== within.filter(each => each.failed).length) return false
    }
    return true
  }))
})
