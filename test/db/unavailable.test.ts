import t from 'tap'
import { errorCode, isAway, unavailable } from '../../db/unavailable.ts'

t.test('what waiting mends, and what it does not', async t => {
  const away = [
    'ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'EPIPE', // the network
    'CONNECT_TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_DESTROYED', // postgres.js
    '57P01', '57P02', '57P03', '53300', '53400', '08006', '25006', '55P03' // ended, starting, full, a broken connection, a standby, locked
  ]
  for (const code of away) t.ok(isAway(code), code)
  const wrong = ['28P01', '28000', '3D000', '42501', '42P01', '42P07', '22003', '23505', 'EACCES', 'SELF_SIGNED_CERT_IN_CHAIN', 'SASL_SIGNATURE_MISMATCH', undefined]
  for (const code of wrong) t.notOk(isAway(code), code ?? 'no code')
})

t.test('an error is known by its code, or by that of the error behind it', async t => {
  const driver = Object.assign(new Error('secret'), { code: '57P03' })
  const wrapped = new Error('failed', { cause: driver })
  t.equal(errorCode(wrapped), '57P03')
  t.equal(errorCode('57P03'), undefined)
  const error = unavailable('the database', errorCode(wrapped))
  t.match(error, { code: '57P03', message: 'the database: it is starting up or shutting down (57P03)' })
  t.equal(error.cause, undefined)
  t.equal(unavailable('the database', undefined).message, 'the database: unknown error')
})
