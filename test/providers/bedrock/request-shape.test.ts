import t from 'tap'
import { requestShape } from '../../../providers/bedrock/request-shape.ts'

const SIGNED = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0'
const request = {
  protocol: 'https:', hostname: 'a.test', path: '/m/model/m/converse', query: {}, headers: { Host: 'a.test', 'User-Agent': 'sdk', 'x-amz-date': 'now', authorization: SIGNED }
}

t.test('what requests have in common', async t => {
  t.strictSame(requestShape({ ...request, port: 8443, query: { a: ['1', 'ü'], b: null } }, 'm'), {
    origin: 'https://a.test:8443',
    path: { before: '/m/model/', after: '/converse' },
    query: 'a=1&a=%C3%BC&b',
    headers: { host: 'a.test' },
    unsignedHeaders: { 'user-agent': 'sdk' },
    scheme: { kind: 'sigv4', region: 'us-east-1', service: 'bedrock' }
  })
  t.strictSame(requestShape({ ...request, headers: { Authorization: 'Bearer a b' } }, 'm').scheme, { kind: 'bearer', token: 'a b' })
})

t.test('what the SDK is not known to make', async t => {
  for (const other of [
    null, 'GET /', {}, { ...request, hostname: undefined }, { ...request, headers: { a: 1 } }, { ...request, path: '/converse' },
    { ...request, headers: {} }, { ...request, headers: { authorization: SIGNED.replace('AWS4-HMAC-SHA256', 'AWS4-ECDSA-P256-SHA256') } }
  ]) t.throws(() => requestShape(other, 'm'), TypeError)
})
