import { createHash } from 'node:crypto'
import { BedrockRuntimeClient } from '@aws-sdk/client-bedrock-runtime'
import fc from 'fast-check'
import t from 'tap'
import { SignatureV4, amzDate, uriEncoded } from '../../../providers/bedrock/signature-v4.ts'
import type { Credentials, SignableRequest } from '../../../providers/bedrock/signature-v4.ts'

const sha256 = (body: string): string => createHash('sha256').update(body).digest('hex')

/** Who signs in AWS's published examples. */
const EXAMPLE: Credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }

t.test('the signatures that AWS has published', async t => {
  const host = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' }
  const signer = new SignatureV4({ region: 'us-east-1', service: 'service' })
  const signed = (request: Partial<SignableRequest>, by = signer) =>
    by.authorization({ method: 'GET', path: '/', query: '', headers: host, bodyHash: sha256(''), ...request }, EXAMPLE)

  for (const [name, request, signature] of [
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    ['get-slashes', { path: '//' }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-slash-dot-slash', { path: '/./' }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-relative-relative', { path: '/example1/example2/../..' }, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-unreserved', { path: '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz' }, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'],
    ['get-vanilla-query-order-key-case', { query: 'Param2=value2&Param1=value1' }, 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500'],
    ['get-header-value-trim', { headers: { ...host, 'my-header1': ' value1', 'my-header2': ' "a   b   c"' } }, 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736']
  ] as const) t.match(signed(request), new RegExp(`Signature=${signature}$`), name)

  const iam = { query: 'Action=ListUsers&Version=2010-05-08', headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', host: 'iam.amazonaws.com', 'x-amz-date': '20150830T123600Z' } }
  t.equal(signed(iam, new SignatureV4({ region: 'us-east-1', service: 'iam' })), [
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request',
    'SignedHeaders=content-type;host;x-amz-date',
    'Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7'
  ].join(', '))
})

/** What the SDK's signer makes of the same request. */
async function bySdk (request: SignableRequest, body: string, credentials: Credentials, signingDate: Date): Promise<string | undefined> {
  const { accessKeyId, secretAccessKey } = credentials
  const client = new BedrockRuntimeClient({ region: 'eu-west-1', credentials: { accessKeyId, secretAccessKey } })
  const signer = await client.config.signer()
  const query: Record<string, string[]> = {}
  for (const [name, value] of new URLSearchParams(request.query)) (query[name] ??= []).push(value)
  const { headers } = await signer.sign(
    { method: request.method, protocol: 'https:', hostname: 'unused', path: request.path, query, headers: { ...request.headers }, body },
    { signingDate }
  )
  return headers['authorization']
}

t.test('any request is signed as the SDK signs it', async t => {
  const time = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
  const step = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }).filter(text => text.isWellFormed()).map(uriEncoded), fc.constantFrom('', '.', '..', 'a:b', '%2F', '@', '+'))
  const path = fc.array(step, { maxLength: 5 }).map(steps => `/${steps.join('/')}`)
  const word = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 6 }).map(uriEncoded)
  // Values come in order: the SDK sorts them before it joins them to their names, which is not what is specified.
  const query = fc.uniqueArray(fc.tuple(word, word), { maxLength: 4, selector: ([name]) => name }).map(pairs => pairs.map(pair => pair.join('=')).join('&'))
  const name = fc.stringMatching(/^x-[a-z0-9-]{1,10}$/).filter(name => !['x-amz-date', 'x-amzn-trace-id'].includes(name))
  const headers = fc.dictionary(name, fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/), { maxKeys: 5 })
  const credentials = fc.record({ accessKeyId: fc.stringMatching(/^[A-Z0-9]{16,20}$/), secretAccessKey: fc.stringMatching(/^[A-Za-z0-9/+]{20,40}$/) })
  const signer = new SignatureV4({ region: 'eu-west-1', service: 'bedrock' }) // one, whose key is derived anew with time and secret
  await fc.assert(fc.asyncProperty(fc.constantFrom('POST', 'GET'), path, query, headers, fc.string({ unit: 'grapheme' }), credentials, time, async (method, path, query, others, body, credentials, date) => {
    const bodyHash = sha256(body)
    const headers = { ...others, host: 'bedrock-runtime.eu-west-1.amazonaws.com', 'x-amz-date': amzDate(date.getTime()), 'x-amz-content-sha256': bodyHash }
    const request = { method, path, query, headers, bodyHash }
    t.equal(signer.authorization(request, credentials), await bySdk(request, body, credentials, date))
  }), { numRuns: 300 })
})

t.test('the key is that of the day and of the secret', async t => {
  const signer = new SignatureV4({ region: 'us-east-1', service: 'service' })
  const signed = (time: string, secretAccessKey: string, by = signer) => by.authorization(
    { method: 'POST', path: '/', query: '', headers: { host: 'a', 'x-amz-date': time }, bodyHash: sha256('') },
    { accessKeyId: 'AKIDEXAMPLE', secretAccessKey }
  )
  for (const time of ['20150830T235959Z', '20150831T000000Z', '20150830T235959Z']) {
    for (const secret of ['a', 'b', 'b', 'a']) {
      t.equal(signed(time, secret), signed(time, secret, new SignatureV4({ region: 'us-east-1', service: 'service' })), `${time} ${secret}`)
    }
  }
})
