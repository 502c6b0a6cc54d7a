/**
 * `Date.parse` makes a date of the year 2001 out of "-5" and "later 5"; a rate limit that has passed is no cooldown at all.
 */
import t from 'tap'
import { retryAfterMs } from '../../upstream/retry-after.ts'

for (const value of ['-5', '-1', 'later 5', '5,', '+5', '1e3']) {
  t.test(`retry-after: ${value} says nothing usable`, async t => {
    t.equal(retryAfterMs({ 'retry-after': value }), undefined)
  })
}

t.test('nor does a number without end', async t => {
  t.equal(retryAfterMs({ 'retry-after-ms': 'Infinity' }), undefined)
  t.equal(retryAfterMs({ 'retry-after-ms': '1e999', 'retry-after': '3' }), 3000)
  t.equal(retryAfterMs({ 'retry-after': '9'.repeat(400) }), undefined)
})

t.test('all three forms of HTTP dates do, and all are in GMT, wherever the gateway runs', async t => {
  const { TZ } = process.env
  t.teardown(() => { process.env['TZ'] = TZ ?? 'UTC' })
  process.env['TZ'] = 'America/New_York'
  const now = Date.UTC(1994, 10, 6, 8, 49, 7)
  for (const value of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994']) {
    const ms = retryAfterMs({ 'retry-after': value }, now)
    t.equal(ms, 30_000, value)
  }
})
