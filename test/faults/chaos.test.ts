/**
 * Protocol faults by a mock that is not ours: its chaos drops, garbles, limits and cuts answers in each wire protocol, at
 * the rates it is told, while a second target is well. Every answer is whole, or says that it is not.
 */
import { LLMock } from '@copilotkit/aimock'
import type { ChaosConfig, Fixture } from '@copilotkit/aimock'
import t from 'tap'
import { ADMIN_KEY, configFile, digestOf, targetAt } from '../support/build-gateway.ts'
import { startGateway } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { answering, scriptedUpstream } from '../support/scripted-upstream.ts'
import { DIALECTS, askIn } from './dialects.ts'
import type { Seen } from './dialects.ts'
import { PROTOCOLS, forceClosed } from './faulty-targets.ts'

const FIRST = 'Łódź is a 🏭 city of films, and of the textiles that paid for them.'
const SECOND = 'from the second target'
const REQUESTS = share(600, 20_000)
const AT_ONCE = 30

/** At each draw the first that hits is what happens. */
const CHAOS: ChaosConfig = { dropRate: 0.15, malformedRate: 0.15, rateLimitRate: 0.1, disconnectRate: 0.15 }

/** The prompt says where the stream is cut. With a pause before each chunk, as otherwise none leaves before the cut. */
const fixtures: Fixture[] = [
  ...[1, 2, 3, 4, 5].map((chunks): Fixture => ({ match: { userMessage: `cut after ${chunks}` }, response: { content: FIRST }, chunkSize: 10, latency: 5, truncateAfterChunks: chunks, chaos: CHAOS })),
  { match: { userMessage: 'as it is' }, response: { content: FIRST }, chunkSize: 10, chaos: CHAOS }
]
const PROMPTS = ['as it is', ...[1, 2, 3, 4, 5].map(chunks => `cut after ${chunks}`)]

const mock = new LLMock({ port: 0, host: '127.0.0.1', logLevel: 'silent' })
mock.addFixtures(fixtures)
await mock.start()
t.teardown(async () => await mock.stop())
const second = await scriptedUpstream(t)
second.otherwise = answering(SECOND)

const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  ADMIN_API_KEYS: digestOf(ADMIN_KEY),
  FIRST_TOKEN_TIMEOUT_MS: '30000',
  AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'test',
  GATEWAY_CONFIG: await configFile(t, {
    targets: [
      { name: 'first-openai', provider: 'openai', options: { baseURL: `${mock.url}/v1`, apiKey: 'key', model: 'gpt-4o' } },
      { name: 'first-gemini', provider: 'gemini', options: { baseURL: mock.url, apiKey: 'key', model: 'gemini-2.5-flash' } },
      { name: 'first-bedrock', provider: 'bedrock', options: { endpoint: mock.url, region: 'eu-west-1', modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0' } },
      targetAt(second, 'second')
    ],
    models: Object.fromEntries(PROTOCOLS.map(protocol => [protocol, { targets: [`first-${protocol}`, 'second'] }])),
    default: 'openai'
  })
})
await forceClosed(gateway, [...PROTOCOLS.map(protocol => `first-${protocol}`), 'second'])

t.test('every answer is whole, or says that it is not', { timeout: 900_000 }, async t => {
  const ways = new Map<string, number>()
  const wrong: string[] = []
  const numbers = Array.from({ length: REQUESTS }, (_, n) => n).values()
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const n of numbers) {
      const protocol = PROTOCOLS[n % 3] ?? 'openai'
      const dialect = DIALECTS[Math.floor(n / 3) % 3] ?? 'chat'
      const stream = n % 5 > 0
      const prompt = PROMPTS[Math.floor(n / 9) % PROMPTS.length] ?? ''
      let way: string | undefined
      try {
        const seen = await askIn(gateway.url, dialect, { model: protocol, stream, prompt, id: `chaos-${n}` })
        way = wayOf(seen)
        if (way === undefined) wrong.push(`${protocol} ${dialect} ${stream ? 'stream' : 'whole'}, ${prompt}: ${JSON.stringify(seen)}`)
      } catch (error) {
        wrong.push(`${protocol} ${dialect} ${stream ? 'stream' : 'whole'}, ${prompt}: ${String(error)}`)
      }
      if (way !== undefined) ways.set(`${protocol}: ${way}`, (ways.get(`${protocol}: ${way}`) ?? 0) + 1)
    }
  }))
  t.same(wrong, [])
  t.comment(JSON.stringify(Object.fromEntries([...ways].sort())))
  for (const protocol of PROTOCOLS) {
    for (const way of ['from the first', 'from the second', 'an error after the beginning']) t.ok((ways.get(`${protocol}: ${way}`) ?? 0) > 0, `${protocol}: some ${way}`)
  }
  t.same(gateway.logs.filter(({ level }) => typeof level === 'number' && level >= 50), [], 'nothing was a defect of the gateway')
})

/** How an answer ended, of the ways in which it may. */
function wayOf ({ status, target, text, ending }: Seen): string | undefined {
  if (status !== 200) return undefined // the second target is well
  if (ending === 'complete') return text === SECOND && target === 'second' ? 'from the second' : text === FIRST && target !== 'second' ? 'from the first' : undefined
  return ending === 'error' && target !== 'second' && text.length < FIRST.length && FIRST.startsWith(text) ? 'an error after the beginning' : undefined
}
