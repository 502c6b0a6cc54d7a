/**
 * Every kind of provider breaks in the middle of its answer, behind each frame and in each way, and every kind carries it on: the
 * client gets the text once, to the letter.
 */
import t from 'tap'
import type { TargetConfig } from '../../schemas/gateway-config.ts'
import '../providers/bedrock/target.ts' // credentials that are nobody's
import { UPSTREAM_KEY, buildGateway } from '../support/build-gateway.ts'
import { TEXT, carrying, framesOfFirst } from '../support/carried-text.ts'
import { chat, contentOf, framesOf, objectOf } from '../support/chat-client.ts'
import { accumulated } from '../support/collected-stream.ts'
import { CUT, bytesOf, scriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream, Step } from '../support/scripted-upstream.ts'
import { bedrock, chatCompletions, gemini } from '../support/wires.ts'
import type { Wire } from '../support/wires.ts'

interface Target {
  readonly name: string
  readonly wire: Wire
  readonly upstream: ScriptedUpstream
  readonly config: TargetConfig
  /** What it is given: the text so far, or nothing, since it is asked anew. */
  readonly given: boolean
  readonly echoes: boolean
}

const azure = (upstream: ScriptedUpstream) => ({ endpoint: upstream.origin, deployment: 'd', apiVersion: '2024-10-21', apiKey: UPSTREAM_KEY })
const openai = (upstream: ScriptedUpstream) => ({ baseURL: upstream.baseURL, apiKey: UPSTREAM_KEY, model: 'm' })
const google = (upstream: ScriptedUpstream) => ({ baseURL: upstream.origin, apiKey: UPSTREAM_KEY, model: 'gemini-2.5-flash' })
const aws = (upstream: ScriptedUpstream, modelId: string) => ({ modelId, region: 'eu-west-1', endpoint: upstream.origin })

async function target (name: string, wire: Wire, given: boolean, configOf: (upstream: ScriptedUpstream) => TargetConfig, echoes = false): Promise<Target> {
  const upstream = await scriptedUpstream(t)
  return { name, wire, upstream, given, echoes, config: configOf(upstream) }
}

/** Those that break. */
const firsts = await Promise.all([
  target('first-azure-apim', chatCompletions, false, upstream => ({ name: 'first-azure-apim', provider: 'azure-apim', options: azure(upstream) })),
  target('first-azure-openai', chatCompletions, false, upstream => ({ name: 'first-azure-openai', provider: 'azure-openai', options: azure(upstream) })),
  target('first-openai', chatCompletions, false, upstream => ({ name: 'first-openai', provider: 'openai', options: openai(upstream) })),
  target('first-gemini', gemini, false, upstream => ({ name: 'first-gemini', provider: 'gemini', options: google(upstream) })),
  target('first-bedrock', bedrock, false, upstream => ({ name: 'first-bedrock', provider: 'bedrock', options: aws(upstream, 'amazon.nova-pro-v1:0') }))
])

/** Those that carry on, in all their ways. */
const seconds = await Promise.all([
  target('azure-apim', chatCompletions, false, upstream => ({ name: 'azure-apim', provider: 'azure-apim', options: azure(upstream) })),
  target('azure-openai', chatCompletions, false, upstream => ({ name: 'azure-openai', provider: 'azure-openai', options: azure(upstream) })),
  target('openai', chatCompletions, false, upstream => ({ name: 'openai', provider: 'openai', options: openai(upstream) })),
  target('openai-continuing', chatCompletions, true, upstream => ({ name: 'openai-continuing', provider: 'openai', options: { ...openai(upstream), continuation: 'continue_final_message' } })),
  target('openai-prefix', chatCompletions, true, upstream => ({ name: 'openai-prefix', provider: 'openai', options: { ...openai(upstream), continuation: 'prefix' } })),
  target('openai-echo', chatCompletions, true, upstream => ({ name: 'openai-echo', provider: 'openai', options: { ...openai(upstream), continuation: 'prefix_echoed' } }), true),
  target('gemini', gemini, false, upstream => ({ name: 'gemini', provider: 'gemini', options: google(upstream) })),
  target('gemini-turn', gemini, true, upstream => ({ name: 'gemini-turn', provider: 'gemini', options: { ...google(upstream), continuation: 'model_turn' } })),
  target('bedrock-claude', bedrock, true, upstream => ({ name: 'bedrock-claude', provider: 'bedrock', options: aws(upstream, 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0') })),
  target('bedrock-later-claude', bedrock, false, upstream => ({ name: 'bedrock-later-claude', provider: 'bedrock', options: aws(upstream, 'anthropic.claude-opus-4-6-v1') })),
  target('bedrock-nova', bedrock, false, upstream => ({ name: 'bedrock-nova', provider: 'bedrock', options: aws(upstream, 'amazon.nova-pro-v1:0') }))
])

const gateway = await buildGateway(t, {
  file: {
    targets: [...firsts, ...seconds].map(({ config }) => config),
    models: Object.fromEntries(firsts.flatMap(first => seconds.flatMap(second => [
      [`${first.name} ${second.name}`, { targets: [first.name, second.name], midstreamFailover: 'continue' as const }],
      [`${first.name} ${second.name} restless`, { targets: [first.name, second.name], midstreamFailover: 'continue' as const, idleTimeoutMs: 1000 }]
    ])))
  },
  env: { FIRST_TOKEN_TIMEOUT_MS: '60000', IDLE_TIMEOUT_MS: '60000' }
})
// What breaks here is meant to: no breaker shall get in the way.
for (const { name } of [...firsts, ...seconds]) await gateway.server.breakers.override(name, 'force_closed', { by: 'test', reason: 'faults are the subject' })

/** What the carriers were given since the last look. */
let given: Array<string | undefined> = []
for (const { wire, upstream, echoes } of seconds) upstream.otherwise = carrying({ wire, echoes, onGiven: text => given.push(text) })

/** Asks for a pair's answer, of which the first one says these steps; what is wrong with the answer, or undefined. */
async function faultOf (first: Target, second: Target, steps: readonly Step[], { model = `${first.name} ${second.name}`, broken = true } = {}): Promise<string | undefined> {
  given = []
  first.upstream.next(first.wire.streaming(...steps))
  const response = await chat(gateway.url, { model, messages: [{ role: 'user', content: 'Say it' }], stream: true, stream_options: { include_usage: true } })
  const frames = await framesOf(response)
  if (contentOf(frames) !== TEXT) return `text: ${JSON.stringify(contentOf(frames))}`
  if (frames.at(-1)?.data !== '[DONE]') return `end: ${String(frames.at(-1)?.data)}`
  const chunks = frames.slice(0, -1).map(({ data }) => objectOf(data))
  const { roles, finishReasons } = accumulated(chunks)
  if (roles !== 1 || finishReasons.length !== 1) return `${roles} roles, finished ${finishReasons.join()}`
  if (new Set(chunks.map(({ id, model, created }) => JSON.stringify([id, model, created]))).size !== 1) return 'chunks of several answers'
  if (frames.some(({ id }, i) => id !== String(i + 1))) return 'ids'
  if (!broken) return undefined
  if (given.length !== 1) return `${given.length} carriers`
  const [text] = given
  const begun = response.headers.get('x-gateway-target') === first.name
  return begun && (text !== undefined) !== second.given ? `it was given ${String(text)}` : undefined
}

for (const first of firsts) {
  const frames = framesOfFirst(first.wire)
  t.test(`${first.name}: cut behind every frame`, async t => {
    const faults: string[] = []
    for (const second of seconds) {
      for (let count = 0; count <= frames.length; count++) {
        const said = frames.slice(0, count)
        // Behind the finish reason nothing is missed; Gemini's is the end of the body.
        const broken = count <= frames.length - (first.wire === chatCompletions ? 3 : first.wire === bedrock ? 2 : 0)
        const fault = await faultOf(first, second, [...said, CUT], { broken })
        if (fault !== undefined) faults.push(`${second.name}, ${count} of ${frames.length}: ${fault}`)
      }
    }
    t.same(faults, [])
  })

  t.test(`${first.name}: an end in the middle, an error in words`, async t => {
    const faults: string[] = []
    const said = frames.slice(0, 5)
    for (const second of seconds) {
      for (const [way, steps] of [['truncated', said], ['in words', [...said, first.wire.failure]], ['all at once', framesTogether(said)]] as const) {
        const fault = await faultOf(first, second, way === 'all at once' ? [...steps, CUT] : steps)
        if (fault !== undefined) faults.push(`${second.name}, ${way}: ${fault}`)
      }
    }
    t.same(faults, [])
  })
}

t.test('silence in the middle', async t => {
  // Together, as each of them takes a while.
  const faults = await Promise.all(firsts.map(async (first, i) => {
    const second = seconds[2 * i]
    if (second === undefined) throw new Error('no second')
    return await faultOf(first, second, [...framesOfFirst(first.wire).slice(0, 4), new Promise<never>(() => {})], { model: `${first.name} ${second.name} restless`, broken: false })
  }))
  t.same(faults, firsts.map(() => undefined))
})

/** Frames that come in one read. */
function framesTogether (steps: readonly Step[]): readonly Step[] {
  return [Buffer.concat(steps.map(step => Buffer.from(bytesOf(step))))]
}
