/**
 * An upstream's message may be megabytes long, and full of dots: looking for addresses in it must not take a time that
 * grows with the square of its length. It took minutes for this text, so the test's own timeout is the assertion.
 */
import t from 'tap'
import { withoutSecrets } from '../../errors/upstream-error.ts'

t.test('a megabyte of words and dots', { timeout: 20_000 }, async t => {
  t.equal(withoutSecrets('a.'.repeat(500_000)), 'a.'.repeat(250))
  t.equal(withoutSecrets('1.'.repeat(500_000)).length, 500)
  t.equal(withoutSecrets(' '.repeat(1_000_000)), '')
  t.equal(withoutSecrets(`${'sk-'.repeat(300_000)}!`), '[redacted]!')
})
