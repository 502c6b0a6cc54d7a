import t from 'tap'
import { UpstreamError } from '../../errors/upstream-error.ts'
import { abortError, transportError } from '../../upstream/transport-error.ts'

const coded = (code: string, name = 'Error') => Object.assign(new Error('10.0.0.1:443 said no'), { code, name })

t.test('what Node and undici say, as a reason', async t => {
  for (const [code, reason] of [
    ['ECONNREFUSED', 'connect'], ['ENOTFOUND', 'connect'], ['EAI_AGAIN', 'connect'], ['UND_ERR_CONNECT_TIMEOUT', 'connect'], ['CERT_HAS_EXPIRED', 'connect'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect'], ['SELF_SIGNED_CERT_IN_CHAIN', 'connect'], ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connect'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect'], ['ECONNRESET', 'reset'], ['EPIPE', 'reset'], ['UND_ERR_SOCKET', 'reset'], ['UND_ERR_DESTROYED', 'shutdown'], ['UND_ERR_CLOSED', 'shutdown'],
    ['HPE_INVALID_CONSTANT', 'malformed'], ['UND_ERR_HEADERS_OVERFLOW', 'malformed'], ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'malformed']
  ] as const) {
    const cause = coded(code)
    const error = transportError(cause, { begun: true })
    t.equal(error.reason, reason, code)
    t.equal(error.cause, cause)
    t.notMatch(error.message, '10.0.0.1', 'no address')
    t.equal(transportError(new Error('wrapped', { cause }), { begun: true }).reason, reason, `${code}, wrapped`)
  }
})

t.test('whatever broke before the request was on its way is a failure to connect', async t => {
  t.equal(transportError(new Error('?'), { begun: false }).reason, 'connect')
  t.equal(transportError(coded('ECONNRESET'), { begun: false }).reason, 'connect')
  t.equal(transportError(new Error('?'), { begun: true }).reason, 'reset')
})

t.test('an UpstreamError stays what it is', async t => {
  const error = new UpstreamError('stalled', 'silent')
  t.equal(transportError(error, { begun: false }), error)
})

t.test('an aborted signal says why where it knows; otherwise the client has gone', async t => {
  const error = new UpstreamError('deadline', 'too late')
  t.equal(abortError(AbortSignal.abort(error)), error)
  t.match(abortError(AbortSignal.abort()), { reason: 'client_closed', class: 'neutral' })
  t.match(abortError(AbortSignal.abort('text')), { reason: 'client_closed', cause: 'text' })
})
