/** A load. Its answers are always checked to the last byte. */
export interface Scenario {
  readonly name: string
  /** For the report. */
  readonly title: string
  /** What the upstream is asked for: `upstream/spec.h`. */
  readonly spec: string
  readonly streamed: boolean
  readonly connections: number
  /** Seconds over which the connections are opened, before the window, and in it. */
  readonly rampSeconds: number
  readonly warmSeconds: number
  readonly seconds: number
  /** One answer a connection, all of them open together; memory is measured instead of a window. */
  readonly once?: boolean
}

/** What a process on Node needs until V8 has optimised its code: until then its cost falls from window to window. */
const WARM_SECONDS = 8

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'burst',
    title: '200 streams of 100 chunks without pauses',
    spec: 'n100-d0',
    streamed: true,
    connections: 200,
    rampSeconds: 0,
    warmSeconds: WARM_SECONDS,
    seconds: 4.5
  },
  {
    name: 'paced',
    title: '500 streams, a chunk every 20 ms: 25,000 chunks/s offered',
    spec: 'n100-d20',
    streamed: true,
    connections: 500,
    rampSeconds: 2,
    warmSeconds: WARM_SECONDS,
    seconds: 5
  },
  {
    name: 'paced100',
    title: '100 streams, a chunk every 20 ms: 5,000 chunks/s, nobody saturated',
    spec: 'n100-d20',
    streamed: true,
    connections: 100,
    rampSeconds: 2,
    warmSeconds: WARM_SECONDS,
    seconds: 5
  },
  {
    name: 'json',
    title: 'small requests that are not streamed, 64 connections',
    spec: 'n1-d0',
    streamed: false,
    connections: 64,
    rampSeconds: 0,
    warmSeconds: WARM_SECONDS,
    seconds: 3.5
  },
  {
    name: 'idle',
    title: '2,000 streams, a chunk a second',
    spec: 'n20-d1000',
    streamed: true,
    connections: 2000,
    rampSeconds: 4,
    warmSeconds: 0,
    seconds: 20,
    once: true
  }
]

/** What is measured without a load; see `start.ts`. */
export const START = { name: 'start', title: 'a start with the database up to date, on both cores, and the process left alone' } as const

/** The load that makes a process warm before memory is measured: the optimised code is there, no stream is. */
export const WARM_UP: Scenario = {
  name: 'warm-up',
  title: 'warm-up',
  spec: 'n20-d0',
  streamed: true,
  connections: 50,
  rampSeconds: 0,
  warmSeconds: 0,
  seconds: 2
}

/** A scenario with another window. What comes before it shrinks along; streams that are open together last as long. */
export function withSeconds (scenario: Scenario, seconds: number): Scenario {
  if (scenario.once === true) {
    return { ...scenario, seconds, rampSeconds: Math.min(scenario.rampSeconds, seconds / 2), spec: `n${Math.ceil(seconds) + 1}-d1000` }
  }
  const warmSeconds = scenario.warmSeconds * Math.min(1, seconds / scenario.seconds)
  return { ...scenario, seconds, warmSeconds: Math.max(warmSeconds, scenario.rampSeconds) }
}
