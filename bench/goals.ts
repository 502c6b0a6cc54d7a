import { CHUNKS_PER_SECOND, CPU_PER_CHUNK, CPU_PER_REQUEST, FIRST_P50, IDLE_RSS, MEMORY_PER_STREAM, WARM_START } from './figures.ts'
import type { Results, StartMeasurement } from './measurement.ts'
import { difference, pairedSpread, quotient, spreadOfStarts } from './statistics.ts'
import type { Figure, Spread } from './statistics.ts'
import { BASE } from './targets.ts'

/** What is to be reached. */
export type Goal = ComparedGoal | StartGoal

/** A figure of one target held against another's, at most (or at least) a limit. */
export interface ComparedGoal {
  readonly title: string
  readonly target: string
  readonly other: string
  readonly scenario: string
  readonly figure: Figure
  readonly by: 'quotient' | 'difference'
  readonly limit: number
  /** The limit is the least, not the most. */
  readonly atLeast?: boolean
}

/** A figure of a target's start by itself, at most a limit. */
export interface StartGoal {
  readonly title: string
  readonly target: string
  readonly figure: Figure<StartMeasurement>
  readonly by: 'itself'
  readonly limit: number
}

/** A goal and what was measured of it; undefined: nothing. */
export interface Verdict {
  readonly goal: Goal
  readonly measured: Spread | undefined
  readonly reached: boolean
}

/** Limits on the hot paths, as multiples of the bare pipe's CPU. */
const LIMITS = { chunk: 1.1, request: 2, translated: 2 } as const
const FIRST_MS = 0.5
const KIB_PER_STREAM = 24
const PORTKEY_SHARE = 1 / 5
const READY_MS = 1000
const IDLE_MIB = 120

const GATEWAY = 'gateway'
/** With one provider. */
const SMALL_GATEWAY = 'gateway-openai'

const GOALS: readonly Goal[] = [
  { title: 'CPU per chunk, burst', target: GATEWAY, other: BASE, scenario: 'burst', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.chunk },
  { title: 'CPU per chunk, paced', target: GATEWAY, other: BASE, scenario: 'paced', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.chunk },
  { title: 'added time to first chunk, p50, 100 paced streams', target: GATEWAY, other: BASE, scenario: 'paced100', figure: FIRST_P50, by: 'difference', limit: FIRST_MS },
  { title: 'CPU per small request', target: GATEWAY, other: BASE, scenario: 'json', figure: CPU_PER_REQUEST, by: 'quotient', limit: LIMITS.request },
  { title: 'CPU per small request', target: GATEWAY, other: 'portkey', scenario: 'json', figure: CPU_PER_REQUEST, by: 'quotient', limit: PORTKEY_SHARE },
  { title: 'CPU per chunk, burst, Gemini', target: 'gateway-gemini', other: BASE, scenario: 'burst', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.translated },
  { title: 'CPU per chunk, paced, Gemini', target: 'gateway-gemini', other: BASE, scenario: 'paced', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.translated },
  { title: 'CPU per chunk, burst, Bedrock', target: 'gateway-bedrock', other: BASE, scenario: 'burst', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.translated },
  { title: 'CPU per chunk, paced, Bedrock', target: 'gateway-bedrock', other: BASE, scenario: 'paced', figure: CPU_PER_CHUNK, by: 'quotient', limit: LIMITS.translated },
  { title: 'memory per idle stream', target: GATEWAY, other: BASE, scenario: 'idle', figure: MEMORY_PER_STREAM, by: 'difference', limit: KIB_PER_STREAM },
  { title: 'ready after its start', target: SMALL_GATEWAY, figure: WARM_START, by: 'itself', limit: READY_MS },
  { title: 'ready after its start', target: GATEWAY, figure: WARM_START, by: 'itself', limit: READY_MS },
  { title: 'idle RSS', target: SMALL_GATEWAY, figure: IDLE_RSS, by: 'itself', limit: IDLE_MIB }
]

/** Not peers: what a proxy could be at best. Those in C move bytes, and know nothing of what is in them. */
const NO_PEERS = new Set(['direct', BASE, 'pipe-http', 'nginx', 'haproxy'])

/** Every goal, and to be ahead of each peer that was measured. */
export function verdicts (results: Results): readonly Verdict[] {
  const peers = [...new Set(results.measurements.map(({ target }) => target))].filter(name => !NO_PEERS.has(name) && !name.startsWith(GATEWAY))
  const ahead = peers.flatMap((other): Goal[] => ['burst', 'paced'].flatMap((scenario): Goal[] => [
    { title: `CPU per chunk, ${scenario}`, target: GATEWAY, other, scenario, figure: CPU_PER_CHUNK, by: 'quotient', limit: 1 },
    { title: `chunks/s, ${scenario}`, target: GATEWAY, other, scenario, figure: CHUNKS_PER_SECOND, by: 'quotient', limit: 1, atLeast: true }
  ]))
  return [...GOALS, ...ahead].map(goal => {
    const measured = measuredOf(results, goal)
    return { goal, measured, reached: measured !== undefined && (isLeast(goal) ? measured.median >= goal.limit : measured.median <= goal.limit) }
  })
}

/** Whether the limit is the least, not the most. */
export function isLeast (goal: Goal): boolean {
  return goal.by !== 'itself' && goal.atLeast === true
}

function measuredOf (results: Results, goal: Goal): Spread | undefined {
  if (goal.by === 'itself') return spreadOfStarts(results, goal.target, goal.figure)
  const { target, other, scenario, figure, by } = goal
  return pairedSpread(results, target, other, scenario, figure, by === 'quotient' ? quotient : difference)
}
