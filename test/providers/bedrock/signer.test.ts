/**
 * The AWS SDK makes and signs the requests, the gateway sends them: what arrives is what was signed.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { Signer } from '../../../providers/bedrock/signer.ts'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { IDLE, MODEL, REQUEST, failureOf, providerAt, serverFor } from './target.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** The signature that a request must have, made without the SDK. @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function signatureOf ({ url = '', headers }: IncomingMessage, body: string): string {
  const signed = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1] ?? ''
  const time = String(headers['x-amz-date'])
  const day = time.slice(0, 8)
  // The path is encoded twice.
  const [path = '', query = ''] = url.split('?')
  const canonical = ['POST', path.split('/').map(encodeURIComponent).join('/'), query, ...signed.split(';').map(name => `${name}:${String(headers[name])}`), '', signed, sha256(body)].join('\n')
  const scope = `${day}/eu-west-1/bedrock/aws4_request`
  const key = [day, 'eu-west-1', 'bedrock', 'aws4_request'].reduce<string | Buffer>((key, part) => hmac(key, part), 'AWS4not-a-secret')
  return hmac(key, ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n')).toString('hex')
}

t.test('the signature fits what arrives', async t => {
  const { server } = await serverFor(t)
  const provider = await providerAt(t, `${server.url}/prefix`)
  for (const model of [MODEL, 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a b\'(c)']) {
    const arrived = Promise.withResolvers<{ request: IncomingMessage, body: string }>()
    server.answer = ({ request, response, body }) => {
      arrived.resolve({ request, body })
      response.end('{"stopReason":"end_turn"}')
    }
    await provider.complete({ request: { messages: [{ role: 'user', content: 'Grüße 👋' }] }, model, signal: IDLE })
    const { request, body } = await arrived.promise
    t.match(request.url, /^\/prefix\/model\/[^/]+\/converse$/)
    t.strictSame(JSON.parse(body).messages, [{ role: 'user', content: [{ text: 'Grüße 👋' }] }])
    t.equal(/Signature=(\w+)/.exec(request.headers.authorization ?? '')?.[1], signatureOf(request, body), model)
  }
})

t.test('a clock that is wrong is set by a refusal\'s date', async t => {
  const { server, provider } = await serverFor(t)
  const times: string[] = []
  const hour = 3_600_000
  server.answer = ({ request, response }) => {
    times.push(String(request.headers['x-amz-date']))
    response.writeHead(403, { date: new Date(Date.now() + hour).toUTCString(), 'x-amzn-errortype': 'InvalidSignatureException' }).end('{}')
  }
  for (const method of ['stream', 'complete'] as const) t.match(await failureOf(provider[method]({ request: REQUEST, signal: IDLE })), { reason: 'unauthorized' })
  const [first = 0, second = 0] = times.map(time => Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')))
  t.ok(Math.abs(second - first - hour) < 60_000, times.join(', '))
})

t.test('credentials that never come', async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address: AddressInfo | string | null = silent.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  const key = process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_ACCESS_KEY_ID']
  process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] = `http://127.0.0.1:${port}/`
  t.teardown(() => {
    silent.close()
    process.env['AWS_ACCESS_KEY_ID'] = key
    delete process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  })
  const { server, provider } = await serverFor(t)
  for (const method of ['stream', 'complete'] as const) {
    const caller = new AbortController()
    const call = failureOf(provider[method]({ request: REQUEST, signal: caller.signal }))
    const [socket] = await Promise.race([once(silent, 'connection'), new Promise<[]>(resolve => setTimeout(() => resolve([]), 200))])
    const began = performance.now()
    caller.abort(new UpstreamError('deadline', 'too late'))
    t.match(await call, { reason: 'deadline' })
    t.ok(performance.now() - began < 50, 'at once')
    socket?.unref()
    t.teardown(() => socket?.destroy())
  }
  t.equal(server.connections, 0)
})

t.test('credentials by a web identity, as on Kubernetes', async t => {
  const { server } = await serverFor(t)
  const directory = await mkdtemp(join(tmpdir(), 'bedrock-'))
  const token = join(directory, 'token')
  await writeFile(token, 'a-token')
  const variables = { AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ENDPOINT_URL_STS: server.url }
  const key = process.env['AWS_ACCESS_KEY_ID']
  delete process.env['AWS_ACCESS_KEY_ID']
  Object.assign(process.env, variables)
  t.teardown(async () => {
    for (const name of Object.keys(variables)) delete process.env[name]
    process.env['AWS_ACCESS_KEY_ID'] = key
    await rm(directory, { recursive: true })
  })
  server.answer = ({ response }) => {
    response.setHeader('content-type', 'text/xml').end(`<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
      <AccessKeyId>ASIAFROMSTS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
  }
  const signer = new Signer({ modelId: MODEL, region: 'eu-west-1' })
  t.teardown(() => signer.close())
  const { origin, path, headers } = await signer.sign('converseStream', { modelId: MODEL, messages: [] }, IDLE)
  t.match(headers, { authorization: /Credential=ASIAFROMSTS\//, 'x-amz-security-token': 'session', host: 'bedrock-runtime.eu-west-1.amazonaws.com' })
  t.equal(origin, 'https://bedrock-runtime.eu-west-1.amazonaws.com')
  t.equal(path, `/model/${encodeURIComponent(MODEL)}/converse-stream`)
})

t.test('an endpoint with a query', async t => {
  const signer = new Signer({ modelId: MODEL, region: 'eu-west-1', endpoint: 'https://proxy.test:8443/x?b=1*&a' })
  t.teardown(() => signer.close())
  t.match(await signer.sign('converse', { modelId: 'm', messages: [] }, IDLE), { origin: 'https://proxy.test:8443', path: /^\/x\/model\/m\/converse(\?b=1%2A&a=?)?$/ })
})
