import t from 'tap'
import { header, retryAfterMs } from '../../upstream/retry-after.ts'

const NOW = Date.parse('2026-10-21T07:28:00Z')

t.test('in milliseconds, in seconds, as a date', async t => {
  for (const [headers, ms] of [
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': ' 1.5 ' }, 1500],
    [{ 'retry-after': '0' }, 0],
    [{ 'retry-after-ms': '250' }, 250],
    [{ 'retry-after-ms': '250.5', 'retry-after': '9' }, 250.5],
    [{ 'retry-after-ms': 'x', 'retry-after': '9' }, 9000],
    [{ 'retry-after-ms': '-1', 'retry-after': '9' }, 9000],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:28:30 GMT' }, 30_000],
    [{ 'retry-after': 'Wed, 21 Oct 2026 07:27:00 GMT' }, 0]
  ] as const) t.equal(retryAfterMs(headers, NOW), ms, JSON.stringify(headers))
})

t.test('nothing usable', async t => {
  for (const value of ['', 'soon', '10s', '5 seconds', 'NaN']) t.equal(retryAfterMs({ 'retry-after': value }, NOW), undefined, value)
  t.equal(retryAfterMs({}), undefined)
})

t.test('without a clock given, a date counts from now', async t => {
  const ms = retryAfterMs({ 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() })
  t.ok(ms !== undefined && ms > 3_500_000 && ms <= 3_600_000)
})

t.test('of a header that was sent twice, the first counts', async t => {
  t.equal(header({ 'set-cookie': ['a', 'b'] }, 'set-cookie'), 'a')
  t.equal(header({}, 'retry-after'), undefined)
})
