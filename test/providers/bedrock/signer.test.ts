/**
 * The AWS SDK tells where requests go and with which credentials; the gateway makes, signs and sends them. What arrives is
 * what was signed, and the same as what the SDK would send.
 */
import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import { Signer } from '../../../providers/bedrock/signer.ts'
import type { Operation } from '../../../providers/bedrock/signer.ts'
import { UpstreamError } from '../../../errors/upstream-error.ts'
import { upstreamErrorOf } from '../../support/rejection.ts'
import { IDLE, MODEL, REQUEST, providerAt, serverFor } from './target.ts'

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

/** Sets variables of the process and hides the test's own credentials, until the test ends. */
function withVariables (t: Test, variables: Readonly<Record<string, string>>): void {
  const before = Object.fromEntries(['AWS_ACCESS_KEY_ID', ...Object.keys(variables)].map(name => [name, process.env[name]]))
  delete process.env['AWS_ACCESS_KEY_ID']
  Object.assign(process.env, variables)
  t.teardown(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
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
  for (const method of ['stream', 'complete'] as const) t.match(await upstreamErrorOf(provider[method]({ request: REQUEST, signal: IDLE })), { reason: 'unauthorized' })
  const [first = 0, second = 0] = times.map(time => Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')))
  t.ok(Math.abs(second - first - hour) < 60_000, times.join(', '))
})

t.test('credentials that never come', async t => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const address: AddressInfo | string | null = silent.address()
  const port = address === null || typeof address === 'string' ? 0 : address.port
  withVariables(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/` })
  t.teardown(() => { silent.close() })
  const { server, provider } = await serverFor(t)
  for (const method of ['stream', 'complete'] as const) {
    const caller = new AbortController()
    const call = upstreamErrorOf(provider[method]({ request: REQUEST, signal: caller.signal }))
    const [socket] = await Promise.race([once(silent, 'connection'), new Promise<[]>(resolve => setTimeout(() => resolve([]), 200))])
    caller.abort(new UpstreamError('deadline', 'too late'))
    t.match(await call, { reason: 'deadline' })
    t.notOk(socket?.readableEnded, 'before the SDK has given up')
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
  withVariables(t, { AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/x', AWS_WEB_IDENTITY_TOKEN_FILE: token, AWS_ENDPOINT_URL_STS: server.url })
  t.teardown(() => rm(directory, { recursive: true }))
  server.answer = ({ response }) => {
    response.setHeader('content-type', 'text/xml').end(`<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
      <AccessKeyId>ASIAFROMSTS</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
      <Expiration>${new Date(Date.now() + 3_600_000).toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
  }
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  const { origin, path, headers } = await signer.sign('converseStream', MODEL, '{}', IDLE)
  t.match(headers, { authorization: /Credential=ASIAFROMSTS\//, 'x-amz-security-token': 'session', host: 'bedrock-runtime.eu-west-1.amazonaws.com' })
  t.equal(origin, 'https://bedrock-runtime.eu-west-1.amazonaws.com')
  t.equal(path, `/model/${encodeURIComponent(MODEL)}/converse-stream`)
})

/** `Date.now` of this process, which stands still from now on, and is moved. */
function useClock (t: Test): { now: number } {
  const clock = { now: Date.now() }
  const { mock: own } = mock.method(Date, 'now', () => clock.now)
  t.teardown(() => own.restore())
  return clock
}

const MINUTE = 60_000

t.test('credentials are fetched once, and again before they expire', async t => {
  const { server } = await serverFor(t)
  const clock = useClock(t)
  let fetched = 0
  server.answer = ({ response }) => {
    fetched++
    response.setHeader('content-type', 'application/json').end(JSON.stringify({
      AccessKeyId: `ASIA${fetched}`, SecretAccessKey: 's', Token: `session ${fetched}`, Expiration: new Date(clock.now + 60 * MINUTE).toISOString()
    }))
  }
  withVariables(t, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/` })
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  const sign = async (operation: Operation = 'converse') => (await signer.sign(operation, MODEL, '{}', IDLE)).headers
  const first = { authorization: /Credential=ASIA1\//, 'x-amz-security-token': 'session 1' }
  for (const headers of await Promise.all([sign(), sign(), sign('converseStream'), sign()])) t.match(headers, first)
  clock.now += 54 * MINUTE
  t.match(await sign(), first)
  t.equal(fetched, 1)
  clock.now += 2 * MINUTE
  const renewed = server.exchange()
  t.match(await sign(), first, 'good for some minutes yet, while others are on their way')
  const { response } = await renewed
  response.setHeader('content-type', 'application/json').end(JSON.stringify({
    AccessKeyId: 'ASIA2', SecretAccessKey: 's', Token: 'session 2', Expiration: new Date(clock.now + 60 * MINUTE).toISOString()
  }))
  while (!/ASIA2/.test((await sign())['authorization'] ?? '')) await setImmediate()
  t.match(await sign('converseStream'), { authorization: /Credential=ASIA2\//, 'x-amz-security-token': 'session 2' })
})

t.test('credentials that were not there are looked for again', async t => {
  const before = process.env['AWS_ACCESS_KEY_ID']
  withVariables(t, {})
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  for (const operation of ['converse', 'converse', 'converseStream'] as const) {
    t.match(await upstreamErrorOf(signer.sign(operation, MODEL, '{}', IDLE)), { reason: 'unauthorized' })
  }
  process.env['AWS_ACCESS_KEY_ID'] = before
  t.match(await signer.sign('converse', MODEL, '{}', IDLE), { headers: { authorization: /Credential=AKIATESTTESTTESTTEST\// } })
})

t.test('a bearer token, which is read again now and then', async t => {
  const clock = useClock(t)
  withVariables(t, { AWS_BEARER_TOKEN_BEDROCK: 'one' })
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  const sign = async () => (await signer.sign('converse', 'a b', '{}', IDLE))
  const { origin, path, headers } = await sign()
  t.strictSame([origin, path], ['https://bedrock-runtime.eu-west-1.amazonaws.com', '/model/a%20b/converse'])
  t.equal(headers['authorization'], 'Bearer one')
  t.strictSame(Object.keys(headers).sort(), ['authorization', 'content-type', 'host', 'user-agent', 'x-amz-user-agent'], 'nothing is signed')
  process.env['AWS_BEARER_TOKEN_BEDROCK'] = 'two'
  clock.now += MINUTE
  t.match((await sign()).headers, { authorization: 'Bearer two' })
})

t.test('a model that no URL can hold', async t => {
  const signer = new Signer({ region: 'eu-west-1' })
  t.teardown(() => signer.close())
  t.match(await upstreamErrorOf(signer.sign('converse', '\ud800', '{}', IDLE)), { reason: 'malformed' })
})

t.test('an endpoint with a query', async t => {
  const signer = new Signer({ region: 'eu-west-1', endpoint: 'https://proxy.test:8443/x?b=1*&a' })
  t.teardown(() => signer.close())
  t.match(await signer.sign('converse', 'm', '{}', IDLE), { origin: 'https://proxy.test:8443', path: /^\/x\/model\/m\/converse(\?b=1%2A&a=?)?$/ })
})
