import type { Measurement, Results, StartMeasurement } from './measurement.ts'

/** A number that is read off a measurement; undefined where the measurement does not have it. */
export interface Figure<Of = Measurement> {
  readonly title: string
  readonly unit: string
  readonly digits: number
  readonly of: (measurement: Of) => number | undefined
}

/** The middle, the least and the greatest of the values over the rounds. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly greatest: number
}

/** The middle of some values; of an even number, the mean of the two in the middle. */
export function median (values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.ceil((sorted.length - 1) / 2)]
  return low === undefined || high === undefined ? undefined : (low + high) / 2
}

/** A target's measurements in a scenario, by round; of several in one round the last one counts. */
export function roundsOf ({ measurements }: Results, target: string, scenario: string): ReadonlyMap<number, Measurement> {
  return new Map(measurements.filter(one => one.target === target && one.scenario === scenario).map(one => [one.round, one]))
}

/** A figure over all rounds; undefined if no round has it. */
export function spreadOf (results: Results, target: string, scenario: string, { of }: Figure): Spread | undefined {
  return spread([...roundsOf(results, target, scenario).values()].map(of))
}

/** A figure of a target's starts over all rounds; undefined if it was not started. */
export function spreadOfStarts ({ starts }: Results, target: string, { of }: Figure<StartMeasurement>): Spread | undefined {
  return spread(starts.filter(one => one.target === target).map(of))
}

/**
 * A figure held against another target's, round by round: what changed from round to round, such as the machine's load,
 * changed for both.
 * @param compare for example their quotient or difference
 */
export function pairedSpread (results: Results, target: string, other: string, scenario: string, { of }: Figure, compare: (a: number, b: number) => number): Spread | undefined {
  const others = roundsOf(results, other, scenario)
  return spread([...roundsOf(results, target, scenario)].map(([round, measurement]) => {
    const pair = others.get(round)
    const a = of(measurement)
    const b = pair === undefined ? undefined : of(pair)
    return a === undefined || b === undefined ? undefined : compare(a, b)
  }))
}

/** For {@link pairedSpread}. */
export const quotient = (a: number, b: number): number => a / b
/** For {@link pairedSpread}. */
export const difference = (a: number, b: number): number => a - b

function spread (values: ReadonlyArray<number | undefined>): Spread | undefined {
  const known = values.filter(value => value !== undefined).filter(Number.isFinite)
  const middle = median(known)
  return middle === undefined ? undefined : { median: middle, least: Math.min(...known), greatest: Math.max(...known) }
}
