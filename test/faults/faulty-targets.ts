/**
 * A gateway, as a process, in front of a target of each wire protocol whose answers are broken on the way, and of a second
 * target that is well. No breaker is in the way: all are forced closed.
 *
 *     const lab = await faultyTargets(t)
 *     const { answer, firstOutput, end } = await lab.layoutOf('gemini', true)    // where what stands, in bytes
 *     const seen = await lab.ask({ dialect: 'chat', model: 'gemini', stream: true, fault: { kind: 'reset', after: 300 } })
 *     seen.ending     // 'complete', 'error' …
 */
import type { Test } from 'tap'
import type { GatewayConfigFile } from '../../schemas/gateway-config.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { ADMIN_KEY, configFile, digestOf } from '../support/build-gateway.ts'
import { bearer } from '../support/chat-client.ts'
import { NO_FAULT, faultProxy } from '../support/fault-proxy.ts'
import type { Fault, FaultProxy } from '../support/fault-proxy.ts'
import { startGateway } from '../support/gateway-process.ts'
import type { GatewayProcess } from '../support/gateway-process.ts'
import { testDatabase } from '../support/postgres.ts'
import { answering, bytesOf, scriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedUpstream, Step } from '../support/scripted-upstream.ts'
import { bedrock, chatCompletions, gemini } from '../support/wires.ts'
import type { Wire } from '../support/wires.ts'
import { HUNG_MS, askIn } from './dialects.ts'
import type { Dialect, Seen } from './dialects.ts'

/** What the targets under test say, in these pieces; there are characters of every length in UTF-8. */
export const PIECES = ['Łódź ', 'is a 🏭', ' city — ', 'of films.'] as const
export const FIRST = PIECES.join('')
/** What the target that is well says. */
export const SECOND = 'from the second target'

export const PROTOCOLS = ['openai', 'gemini', 'bedrock'] as const
export type Protocol = typeof PROTOCOLS[number]
const WIRES: Readonly<Record<Protocol, Wire>> = { openai: chatCompletions, gemini, bedrock }
/** For `cutsOf`. */
export const EVERY_BYTE = Infinity

/** How long a silent target is waited for, in ms: long enough for one that is well, on a busy machine. */
const SILENCE_MS = 8000
/** Cases under way at the same time; those that wait for silence keep nobody busy. */
const AT_ONCE = 50
const SILENT_AT_ONCE = 100

export interface Case {
  readonly dialect: Dialect
  readonly protocol: Protocol
  readonly stream: boolean
  readonly fault: Fault
  /** Whether the answer's end is told by the connection's alone, as HTTP/1.0 has it. */
  readonly untilClose?: boolean
}

/** Where in the bytes of an answer something stands, from its status line on. */
export interface Layout {
  readonly answer: Buffer
  /** The ends of the head and of each frame. */
  readonly frames: readonly number[]
  /** The end of each piece of text. */
  readonly pieces: readonly number[]
  /**
   * From which byte on the answer is complete: the end of the frame with the finish reason. Of Gemini's streams it is the
   * body's, as models say `STOP` before the end, too; and so it is of whole answers.
   */
  readonly finish: number
}

export interface FaultyTargets {
  readonly gateway: GatewayProcess
  readonly proxies: Readonly<Record<Protocol, FaultProxy>>
  layoutOf (of: Pick<Case, 'protocol' | 'stream' | 'untilClose'>): Promise<Layout>
  ask (of: Case): Promise<Seen>
  /** Runs all cases, several at a time; gives one line for each that `judge` has something to say of. */
  run (cases: readonly Case[], judge: (seen: Seen, of: Case) => string | undefined): Promise<string[]>
}

/** Starts everything, for as long as the test runs. */
export async function faultyTargets (t: Test): Promise<FaultyTargets> {
  const second = await scriptedUpstream(t)
  second.otherwise = answering(SECOND)
  const proxies = { openai: await proxied(t, WIRES.openai), gemini: await proxied(t, WIRES.gemini), bedrock: await proxied(t, WIRES.bedrock) }
  const gateway = await startGateway(t, {
    DATABASE_URL: await testDatabase(t),
    ADMIN_API_KEYS: digestOf(ADMIN_KEY),
    AWS_ACCESS_KEY_ID: 'AKIATESTTESTTESTTEST',
    AWS_SECRET_ACCESS_KEY: 'test',
    GATEWAY_CONFIG: await configFile(t, fileOf(proxies, second))
  })
  await forceClosed(gateway, [...PROTOCOLS, 'second'])

  const faults: Fault[] = [NO_FAULT]
  const faultOf = (request: string): Fault => faults[Number(/case (\d+)/.exec(request)?.[1])] ?? NO_FAULT
  for (const protocol of PROTOCOLS) proxies[protocol].faultOf = faultOf

  const ask = async ({ dialect, protocol, stream, fault, untilClose = false }: Case): Promise<Seen> => {
    const id = faults.push(fault) - 1
    const prompt = `case ${id}${untilClose ? ' until close' : ''}`
    return await askIn(gateway.url, dialect, { model: modelFor(protocol, stream, fault), stream, prompt, id: `case-${id}` })
  }
  const layoutOf = async (of: Pick<Case, 'protocol' | 'stream' | 'untilClose'>): Promise<Layout> => {
    const seen = await ask({ ...of, dialect: 'chat', fault: NO_FAULT })
    if (seen.ending !== 'complete' || seen.text !== FIRST) throw new Error(`not well without a fault: ${JSON.stringify(seen)}`)
    return layout(proxies[of.protocol].lastAnswer, WIRES[of.protocol], of)
  }
  const run = async (cases: readonly Case[], judge: (seen: Seen, of: Case) => string | undefined): Promise<string[]> => {
    const wrong: string[] = []
    const left = cases.values()
    const atOnce = cases.some(({ fault }) => fault.kind === 'blackhole') ? SILENT_AT_ONCE : AT_ONCE
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (const of of left) {
        let verdict: string | undefined
        try {
          const seen = await ask(of)
          verdict = judge(seen, of)
          if (verdict !== undefined) verdict += `: ${JSON.stringify(seen)}`
        } catch (error) {
          verdict = `no answer: ${String(error)}`
        }
        if (verdict !== undefined) wrong.push(`${JSON.stringify(of)}: ${verdict}`)
      }
    }))
    return wrong
  }
  return { gateway, proxies, ask, layoutOf, run }
}

/** Keeps breakers out of the way; the gateway's admin key has to be ADMIN_KEY. */
export async function forceClosed (gateway: GatewayProcess, targets: readonly string[]): Promise<void> {
  for (const target of targets) {
    const response = await fetch(`${gateway.url}/v1/targets/${target}/breaker`, {
      method: 'POST', headers: { 'content-type': 'application/json', ...bearer(ADMIN_KEY) }, body: JSON.stringify({ action: 'force_closed', reason: 'faults are the subject' })
    })
    if (!response.ok) throw new Error(await response.text())
  }
}

/**
 * About so many places in an answer, and both sides of the end of each frame. Not its very end: what happens to the
 * connection after that is a fault of the next answer.
 */
export function cutsOf ({ answer, frames }: Layout, count: number): number[] {
  const step = Math.max(1, answer.length / count)
  const spread = Array.from({ length: Math.ceil(answer.length / step) }, (_, at) => Math.floor(at * step))
  const edges = frames.flatMap(end => [end - 1, end, end + 1])
  return [...new Set([...spread, ...edges])].filter(at => at < answer.length).sort((a, b) => a - b)
}

/** What of it a test can tell beforehand. */
export type Expected = Pick<Seen, 'target' | 'attempts' | 'text' | 'ending'>

/** Nobody noticed. */
export const FROM_SECOND: Expected = { target: 'second', attempts: '2', text: SECOND, ending: 'complete' }

/** What a client has to see of a stream of which `after` bytes came. */
export function expectedOf (target: string, after: number, { pieces, finish }: Layout): Expected {
  const came = pieces.filter(end => end <= after).length
  if (after >= finish) return { target, attempts: '1', text: FIRST, ending: 'complete' }
  return came === 0 ? FROM_SECOND : { target, attempts: '1', text: PIECES.slice(0, came).join(''), ending: 'error' }
}

export function isAs (seen: Seen, want: Expected): boolean {
  return seen.status === 200 && seen.target === want.target && seen.attempts === want.attempts && seen.text === want.text && seen.ending === want.ending
}

/** How many bytes of an answer come, at the most. */
export function cameOf (fault: Fault): number {
  return 'after' in fault ? fault.after : Infinity
}

function fileOf (proxies: Readonly<Record<Protocol, FaultProxy>>, second: ScriptedUpstream): GatewayConfigFile {
  const routes = PROTOCOLS.flatMap(protocol => {
    const route = { targets: [protocol, 'second'], midstreamFailover: 'off' as const }
    const patient = { ...route, firstTokenTimeoutMs: HUNG_MS, idleTimeoutMs: HUNG_MS, requestTimeoutMs: HUNG_MS }
    const hasty = { ...route, firstTokenTimeoutMs: SILENCE_MS, idleTimeoutMs: SILENCE_MS, requestTimeoutMs: HUNG_MS }
    const brief = { ...route, requestTimeoutMs: SILENCE_MS }
    return [[protocol, patient], [`hasty-${protocol}`, hasty], [`brief-${protocol}`, brief]] as const
  })
  return {
    targets: [
      { name: 'openai', provider: 'openai', options: { baseURL: `${proxies.openai.origin}/v1`, apiKey: 'key', model: 'm' } },
      { name: 'gemini', provider: 'gemini', options: { baseURL: proxies.gemini.origin, apiKey: 'key', model: 'm' } },
      { name: 'bedrock', provider: 'bedrock', options: { endpoint: proxies.bedrock.origin, region: 'eu-west-1', modelId: 'm' } },
      { name: 'second', provider: 'openai', options: { baseURL: second.baseURL, apiKey: 'key', model: 'm' } }
    ],
    models: Object.fromEntries(routes),
    default: 'openai'
  }
}

/** Where silence ends a request, it is not waited for long. */
function modelFor (protocol: Protocol, stream: boolean, { kind }: Fault): string {
  if (kind === 'trickle' && stream) return `hasty-${protocol}`
  return kind === 'blackhole' ? `${stream ? 'hasty' : 'brief'}-${protocol}` : protocol
}

async function proxied (t: Test, wire: Wire): Promise<FaultProxy> {
  const upstream = await scriptedUpstream(t)
  const whole = wire.whole(FIRST)
  const stream = wire.streaming(...PIECES.map(piece => wire.text(piece)), ...wire.end())
  upstream.otherwise = async (response, request) => {
    if (request.text.includes('until close')) {
      response.useChunkedEncodingByDefault = false
      response.setHeader('connection', 'close')
    }
    await (isStreamed(request.url, request.body) ? stream : whole)(response, request)
  }
  return await faultProxy(t, upstream.origin)
}

function isStreamed (url: string, body: JsonObject): boolean {
  return body['stream'] === true || /:streamGenerateContent|\/converse-stream$/.test(url)
}

function layout (answer: Buffer, wire: Wire, { protocol, stream, untilClose = false }: Pick<Case, 'protocol' | 'stream' | 'untilClose'>): Layout {
  const head = answer.indexOf('\r\n\r\n') + 4
  if (!stream) return { answer, frames: [head], pieces: [], finish: answer.length }
  let at = head
  const endOf = (step: Step): number => {
    const bytes = Buffer.from(bytesOf(step))
    const start = answer.indexOf(bytes, at)
    if (start < 0) throw new Error(`not in the answer: ${String(bytes)}`)
    at = start + bytes.length
    return at
  }
  const before = wire.head.map(endOf)
  const pieces = PIECES.map(piece => endOf(wire.text(piece)))
  const end = wire.end().map(endOf)
  return { answer, frames: [head, ...before, ...pieces, ...end, answer.length], pieces, finish: protocol === 'gemini' && !untilClose ? answer.length : end[0] ?? answer.length }
}
