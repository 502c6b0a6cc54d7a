/**
 * A client that leaves, by FIN or by RST, closes the upstream's socket: at every stage of an answer, in every dialect. How long
 * it took is printed, from the client's leaving until the upstream has seen it; the requirement is 50 ms (p99) on a quiet machine.
 */
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { START, event, text as bedrockText } from '../providers/bedrock/event-stream-server.ts'
import { BareClient, WAYS_TO_LEAVE } from '../support/bare-client.ts'
import { openaiAt } from '../support/build-gateway.ts'
import { durations } from '../support/durations.ts'
import { startGateway, until } from '../support/gateway-process.ts'
import { share } from '../support/nightly.ts'
import { testDatabase } from '../support/postgres.ts'
import { role, scriptedUpstream, text } from '../support/scripted-upstream.ts'
import type { Script, ScriptedUpstream } from '../support/scripted-upstream.ts'

const TRIES = share(20, 1_000)
/** On a busy machine all takes longer; nothing is measured by it. */
const LOOKS = 3_000

interface Dialect {
  readonly target: string
  readonly contentType: string
  /** Sent before any output. */
  readonly head: string | Buffer
  /** The first token. */
  readonly token: string | Buffer
  readonly upstream: ScriptedUpstream
}

const data = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
const [openai, gemini, bedrock] = [await scriptedUpstream(t), await scriptedUpstream(t), await scriptedUpstream(t)]
const DIALECTS: readonly Dialect[] = [
  { target: 'openai', contentType: 'text/event-stream', head: data(role()), token: data(text('Hel')), upstream: openai },
  {
    target: 'gemini',
    contentType: 'text/event-stream',
    head: data({ usageMetadata: { promptTokenCount: 1 } }),
    token: data({ candidates: [{ index: 0, content: { role: 'model', parts: [{ text: 'Hel' }] } }] }),
    upstream: gemini
  },
  { target: 'bedrock', contentType: 'application/vnd.amazon.eventstream', head: START, token: Buffer.concat([bedrockText('Hel'), event('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'lo' } })]), upstream: bedrock }
]

const gateway = await startGateway(t, {
  DATABASE_URL: await testDatabase(t),
  ...openaiAt(openai),
  GEMINI_BASE_URL: gemini.origin,
  GEMINI_API_KEY: 'key',
  GEMINI_MODEL: 'gemini-test',
  AWS_ENDPOINT_URL_BEDROCK_RUNTIME: bedrock.origin,
  AWS_REGION: 'eu-west-1',
  BEDROCK_MODEL_ID: 'model-test',
  AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
  AWS_SECRET_ACCESS_KEY: 'test',
  FIRST_TOKEN_TIMEOUT_MS: '60000',
  IDLE_TIMEOUT_MS: '60000'
})

/** Never ends its response. */
async function hang (response: ServerResponse): Promise<void> {
  await new Promise<void>(resolve => { response.once('close', resolve) })
}

function stream (dialect: Dialect, ...pieces: ReadonlyArray<string | Buffer>): Script {
  return async response => {
    response.writeHead(200, { 'content-type': dialect.contentType })
    response.flushHeaders()
    for (const piece of pieces) response.write(piece)
    await hang(response)
  }
}

const STAGES: ReadonlyArray<{ readonly name: string, readonly streamed: boolean, readonly sees: 'request' | 'output', readonly script: (dialect: Dialect) => Script }> = [
  { name: 'streamed, before the status', streamed: true, sees: 'request', script: () => hang },
  { name: 'streamed, before the first token', streamed: true, sees: 'request', script: dialect => stream(dialect, dialect.head) },
  { name: 'streamed, in the middle', streamed: true, sees: 'output', script: dialect => stream(dialect, dialect.head, dialect.token) },
  { name: 'not streamed, before the status', streamed: false, sees: 'request', script: () => hang },
  {
    name: 'not streamed, inside the body',
    streamed: false,
    sees: 'request',
    script: () => async response => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      response.write('{"id":')
      await hang(response)
    }
  }
]

function ask (model: string | undefined, streamed: boolean): BareClient {
  return new BareClient(gateway.url, { ...(model === undefined ? {} : { model }), stream: streamed, messages: [{ role: 'user', content: 'Hello' }] })
}

for (const dialect of DIALECTS) {
  const { target, upstream } = dialect
  for (const { name, streamed, sees, script } of STAGES) {
    t.test(`${target}: ${name}, the upstream's socket closes at once`, { timeout: 600_000 }, async t => {
      const took: number[] = []
      for (let attempt = 0; attempt < TRIES; attempt++) {
        upstream.next(script(dialect))
        const asked = upstream.request(upstream.requests.length + 1)
        const client = ask(target, streamed)
        const received = await asked
        if (sees === 'output') await client.has('Hel')
        const leftAt = performance.now()
        client.leave(WAYS_TO_LEAVE[attempt % 2] ?? 'FIN')
        if (await received.closed !== 'aborted') t.fail('the gateway read the answer to its end')
        took.push(performance.now() - leftAt)
      }
      t.comment(`${target}, ${name}: ${durations(took)}`)
      t.equal(took.length, TRIES)
    })
  }
}

t.test('no other target is asked for a client that left', async t => {
  openai.next(hang)
  const before = gemini.requests.length + bedrock.requests.length
  const asked = openai.request(openai.requests.length + 1)
  const client = ask(undefined, true)
  const received = await asked
  const ended = gateway.linesOf('request ended').length
  client.leave('FIN')
  t.equal(await received.closed, 'aborted')
  await until('the gateway has ended the request', () => gateway.linesOf('request ended').length > ended)
  t.equal(gemini.requests.length + bedrock.requests.length, before)
})

t.test('nothing is left behind', async t => {
  const asked = DIALECTS.length * STAGES.length * TRIES + 1
  await until('each request has its line in the log', () => gateway.linesOf('request ended').length >= asked, LOOKS)
  const ends = gateway.linesOf('request ended')
  t.equal(ends.length, asked)
  t.ok(ends.every(({ status }) => status === 499), 'each as 499')
  const attempts = () => gateway.linesOf('attempt failed').filter(({ reason, class: outcome }) => reason === 'client_closed' && outcome === 'neutral')
  await until('each attempt has its line in the log', () => attempts().length >= asked, LOOKS)
  t.equal(attempts().length, asked)
  t.notOk(gateway.logs.some(({ level }) => typeof level === 'number' && level >= 50), 'no error')

  t.equal((await fetch(`${gateway.url}/readyz`)).status, 200)
  const targets: unknown = await (await fetch(`${gateway.url}/v1/targets`)).json()
  const well = { breaker: { state: 'closed', epoch: 0, failures: 0, consecutive_failures: 0 } }
  t.match(targets, { data: DIALECTS.map(({ target }) => ({ name: target, ...well })) }, 'a client that leaves opens no breaker')
  for (const { upstream } of DIALECTS) await until('no socket is open at an upstream', () => upstream.openSockets === 0)
  // A request that is still counted as running would keep the drain waiting for its whole grace, and that says so.
  t.same(await gateway.stop(), { code: 0, signal: null })
  t.equal(gateway.linesOf('the grace has passed: the rest is cut').length, 0, 'the drain waits for nobody')
})
