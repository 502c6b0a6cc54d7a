/**
 * A key was replaced before the URL that held it was looked for, and the URL's rest stayed behind the replacement.
 */
import t from 'tap'
import { withoutSecrets } from '../../errors/upstream-error.ts'

t.test('a URL with a secret in it goes as a whole', async t => {
  t.equal(withoutSecrets('POST https://host.example/x?key=SECRET&deployment=internal failed', ['SECRET']), 'POST [url] failed')
  t.equal(withoutSecrets('https://host.example/internal', ['host.example']), '[url]')
})
