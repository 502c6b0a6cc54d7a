import t from 'tap'
import { header, rateLimitResetMs, retryAfterMs, waitInWordsMs } from '../../upstream/retry-after.ts'

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

t.test('without such a header: when the limit is full again, in every notation', async t => {
  for (const [headers, ms] of [
    [{ 'x-ratelimit-reset-requests': '1s' }, 1000],
    [{ 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    [{ 'x-ratelimit-reset-tokens': '120ms' }, 120],
    [{ 'x-ratelimit-reset-tokens': ' 1h2m3.5s ' }, 3_723_500],
    [{ 'x-ratelimit-reset-tokens': '45' }, 45_000],
    [{ 'x-ratelimit-reset-requests': '8.64s', 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
    [{ 'x-ratelimit-reset-requests': '8.64s', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-tokens': '6m0s', 'x-ratelimit-remaining-tokens': '29000' }, 8640],
    [{ 'x-ratelimit-reset-requests': '1s', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-tokens': '2s', 'x-ratelimit-remaining-tokens': '0' }, 2000],
    [{ 'x-ratelimit-reset-requests': '3s', 'x-ratelimit-reset-tokens': '0', 'x-ratelimit-remaining-tokens': '-1' }, 3000]
  ] as const) t.equal(rateLimitResetMs(headers), ms, JSON.stringify(headers))
})

t.test('a reset that is none, or a date', async t => {
  for (const value of ['', '0', '0s', '-1', 'soon', '6 months', '1722556800', '9'.repeat(400)]) t.equal(rateLimitResetMs({ 'x-ratelimit-reset-tokens': value }), undefined, value)
  t.equal(rateLimitResetMs({}), undefined)
})

t.test('a wait in the words of an error', async t => {
  for (const [message, ms] of [
    ['Rate limit is exceeded. Try again in 12 seconds.', 12_000],
    ['Token limit is exceeded. Try again in 1 second.', 1000],
    ['Token quota is exceeded. Try again in 21 minutes and 33 seconds.', 1_293_000],
    ['Try again in 23 hours 10 minutes, please.', 83_400_000],
    ['Out of call volume quota. Quota will be replenished in 1.12:30:00.', 131_400_000],
    ['Out of call volume quota. Quota will be replenished in 00:30:02.', 1_802_000],
    ['Quota will be replenished in 2.12 days.', 183_168_000],
    ['have exceeded call rate limit of your current pricing tier. Please retry after 3 seconds. Please go', 3000],
    ['Limit 100000, Used 96749. Please try again in 114h18m0s. Visit', 411_480_000],
    ['Please try again in 1.2s.', 1200],
    ['Please try again in 20ms', 20],
    ['retry after 20 milliseconds', 20],
    ['Please retry after 5.', undefined],
    ['Please try again in 5 sheep.', undefined],
    ['retry after 5 months', undefined],
    ['try again in 999999999 days', undefined],
    ['try again later', undefined],
    ['12 seconds', undefined],
    ['', undefined]
  ] as const) t.equal(waitInWordsMs(message), ms, message)
})
