import fc from 'fast-check'
import t from 'tap'
import { withoutSecrets } from '../../errors/upstream-error.ts'

t.test('keys, addresses and URLs are taken out, the rest stays', async t => {
  for (const [text, safe] of [
    ['Invalid value for temperature.', 'Invalid value for temperature.'],
    ['messages[0].content: 3.5 > 2.0 at 12:30', 'messages[0].content: 3.5 > 2.0 at 12:30'],
    ['see https://internal.example:8443/a?key=b#c.', 'see [url]'],
    ['("http://x/y") and <wss://z>', '("[url]") and <[url]>'],
    ['POSTGRES://user:pass@db/x', '[url]'],
    ['connect 10.1.2.3:443 and 192.168.0.1', 'connect [address] and [address]'],
    ['key sk-abc123DEF_-x, pk-1234567 and rk-zzzzzz', 'key [redacted], [redacted] and [redacted]'],
    ['AIzaSyA1234567890-_x', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE, ASIAIOSFODNN7EXAMPLE', '[redacted], [redacted]'],
    ['risk-free task-force', 'risk-free task-force'],
    ['  two\n\nlines\tand\r\nmore  ', 'two lines and more'],
    ['', '']
  ] as const) t.equal(withoutSecrets(text), safe, text)
})

t.test('given secrets go wherever they stand, and an empty one is none', async t => {
  t.equal(withoutSecrets('a KEY+1 b KEY+1', ['KEY+1', '']), 'a [redacted] b [redacted]')
  t.equal(withoutSecrets('https://host/?k=KEY', ['KEY', 'host']), '[url]')
})

t.test('cut to 500 characters, after everything was taken out', async t => {
  t.equal(withoutSecrets('x'.repeat(501)).length, 500)
  t.equal(withoutSecrets(`${'x'.repeat(495)} SECRETSECRET`, ['SECRETSECRET']), `${'x'.repeat(495)} [red`)
})

t.test('no secret survives, wherever it stands in whatever text', async () => {
  const key = fc.string({ unit: fc.constantFrom('a', 'B', '7', '-', '+', '/', '=', '.'), minLength: 6, maxLength: 12 })
  fc.assert(fc.property(key, fc.array(fc.oneof(fc.constant(null), fc.string({ maxLength: 8 })), { maxLength: 8 }), (secret, parts) => {
    const safe = withoutSecrets(parts.map(part => part ?? secret).join(' '), [secret])
    return !safe.includes(secret) && safe.length <= 500 && !/[\r\n]/.test(safe)
  }))
})
