/**
 * The gateway as a process, in front of all five kinds of provider, for tests of what callers use to talk to it.
 *
 *     const { targets, baseURL, reset } = await fiveTargets(t, [{ match: { userMessage: 'greet me' }, response: { content: 'Hello' } }])
 *     for (const { name, upstream, wire } of targets) {
 *       …                                                   // ask for the model `name`: a mock of its server answers
 *       upstream.requests.at(-1)?.body                      // what was asked of it
 *       upstream.next(wire.error(500, 'out of order'))      // the next request is answered by this instead
 *       await reset(name)                                   // and its breaker has forgotten that
 *     }
 *
 * The mocks are not ours, so that they read the providers' protocols by somebody else's understanding. Each answer is
 * given to one kind of request only, and proves by coming that the request arrived as it was meant.
 */
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { LLMock } from '@copilotkit/aimock'
import type { Fixture } from '@copilotkit/aimock'
import type { Test } from 'tap'
import { ADMIN_KEY, CALLER_KEY, UPSTREAM_KEY, digestOf } from './build-gateway.ts'
import { bearer } from './chat-client.ts'
import { startGateway } from './gateway-process.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { testDatabase } from './postgres.ts'
import { scriptedUpstream } from './scripted-upstream.ts'
import type { Script, ScriptedUpstream } from './scripted-upstream.ts'
import { bedrock, chatCompletions, gemini } from './wires.ts'
import type { Wire } from './wires.ts'

/** One kind of provider, with the gateway's target for it. */
export interface TargetUnderTest {
  /** The target's name, which is a model to ask for. */
  readonly name: string
  /** What the gateway takes for the provider's server. */
  readonly upstream: ScriptedUpstream
  readonly wire: Wire
  /** What the gateway shows to it, and to nobody else. */
  readonly key: string
}

export interface FiveTargets {
  readonly gateway: GatewayProcess
  /** What clients are told, with CALLER_KEY. */
  readonly baseURL: string
  /** In failover order. */
  readonly targets: readonly TargetUnderTest[]
  /** Closes a target's breaker, and ends its cooldown. */
  reset (target: string): Promise<void>
}

/** What is sent of AWS's credentials. */
const ACCESS_KEY_ID = 'AKIATESTTESTTESTTEST'

const WIRES: Readonly<Record<string, Wire>> = { 'azure-apim': chatCompletions, 'azure-openai': chatCompletions, openai: chatCompletions, gemini, bedrock }

/** Starts gateway and servers, for as long as the test runs. A request that no fixture matches is 404 at the provider. */
export async function fiveTargets (t: Test, fixtures: readonly Fixture[] = []): Promise<FiveTargets> {
  const targets = await Promise.all(Object.entries(WIRES).map(async ([name, wire]) => ({
    name, wire, upstream: await mockedUpstream(t, fixtures), key: name === 'bedrock' ? ACCESS_KEY_ID : UPSTREAM_KEY
  })))
  const originOf = (target: string): string => targets.find(({ name }) => name === target)?.upstream.origin ?? ''
  const gateway = await startGateway(t, {
    DATABASE_URL: await testDatabase(t),
    GATEWAY_API_KEYS: digestOf(CALLER_KEY),
    ADMIN_API_KEYS: digestOf(ADMIN_KEY),
    // No test here waits for these; a busy machine should not make one do so.
    FIRST_TOKEN_TIMEOUT_MS: '60000',
    IDLE_TIMEOUT_MS: '60000',
    AZURE_APIM_ENDPOINT: `${originOf('azure-apim')}/openai`,
    AZURE_APIM_DEPLOYMENT: 'gpt-4o',
    AZURE_APIM_API_VERSION: '2024-10-21',
    AZURE_APIM_KEY: UPSTREAM_KEY,
    AZURE_OPENAI_ENDPOINT: originOf('azure-openai'),
    AZURE_OPENAI_DEPLOYMENT: 'gpt-4o',
    AZURE_OPENAI_API_VERSION: '2024-10-21',
    AZURE_OPENAI_API_KEY: UPSTREAM_KEY,
    OPENAI_BASE_URL: `${originOf('openai')}/v1`,
    OPENAI_API_KEY: UPSTREAM_KEY,
    OPENAI_MODEL: 'gpt-4o',
    GEMINI_BASE_URL: originOf('gemini'),
    GEMINI_API_KEY: UPSTREAM_KEY,
    GEMINI_MODEL: 'gemini-2.5-flash',
    BEDROCK_MODEL_ID: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
    AWS_REGION: 'eu-west-1',
    AWS_ENDPOINT_URL_BEDROCK_RUNTIME: originOf('bedrock'),
    AWS_ACCESS_KEY_ID: ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY: 'secret-access-key-of-the-tests'
  })
  const reset = async (target: string): Promise<void> => {
    const response = await fetch(`${gateway.url}/v1/targets/${target}/breaker`, {
      method: 'POST', headers: { 'content-type': 'application/json', ...bearer(ADMIN_KEY) }, body: JSON.stringify({ action: 'reset', reason: 'test' })
    })
    if (!response.ok) throw new Error(await response.text())
  }
  return { gateway, baseURL: `${gateway.url}/v1`, targets, reset }
}

/** A scripted server that hands on to a mock what it has no script for. */
async function mockedUpstream (t: Test, fixtures: readonly Fixture[]): Promise<ScriptedUpstream> {
  const upstream = await scriptedUpstream(t)
  const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' })
  mock.addFixtures([...fixtures])
  await mock.start()
  t.teardown(async () => await mock.stop())
  upstream.otherwise = forwarding(mock.url)
  return upstream
}

/** Asks another server, and answers what that answers, until the gateway leaves. */
function forwarding (origin: string): Script {
  return async (response, { method, url, headers, text }) => {
    const forwarded = httpRequest(new URL(url, origin), { method, headers })
    response.once('close', () => forwarded.destroy())
    try {
      const answering = once(forwarded, 'response')
      forwarded.end(text)
      const [answer]: IncomingMessage[] = await answering
      if (answer === undefined) throw new Error('there was no answer')
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      await pipeline(answer, response)
    } catch {
      response.destroy()
    }
  }
}
