import { appendFile, readFile } from 'node:fs/promises'
import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Value } from 'typebox/value'

/** What the benchmark measures, as it is written down: one JSON object a line. */

/** Quantiles in ms; null where nothing was timed. */
const Times = Type.Union([Type.Object({ count: Type.Number(), p50: Type.Number(), p99: Type.Number() }), Type.Null()])
export type Times = Static<typeof Times>

/** A process and its children. Memory is the mean, and the least, of samples in the window; PSS only of idle streams, while all are open. */
const Watched = Type.Object({
  cpuSeconds: Type.Number(),
  processes: Type.Number(),
  rssBeforeKib: Type.Number(),
  rssKib: Type.Number(),
  pssBeforeKib: Type.Optional(Type.Number()),
  pssKib: Type.Optional(Type.Number()),
  pssLeastKib: Type.Optional(Type.Number()),
  samples: Type.Optional(Type.Number())
})

/** What the load generator reports. */
export const LoadReport = Type.Object({
  /** Length of the window, which `requests` to `loadgenCpuSeconds` are about; `completed` and `faults` are about the whole run. */
  seconds: Type.Number(),
  connections: Type.Number(),
  requests: Type.Number(),
  completed: Type.Number(),
  chunks: Type.Number(),
  bytes: Type.Number(),
  /** Answers that were not what the upstream sent, by what was wrong. */
  faults: Type.Record(Type.String(), Type.Number()),
  /** From the request to the first chunk, counted by the answers that began in the window. */
  firstMs: Times,
  /** From the upstream's write to the load generator's read, of every chunk. */
  latencyMs: Times,
  totalMs: Times,
  /** Cores' worth of CPU time that others used meanwhile, on the whole machine. */
  foreignCores: Type.Number(),
  stolenCores: Type.Number(),
  loadgenCpuSeconds: Type.Number(),
  watched: Type.Record(Type.String(), Watched)
})
export type LoadReport = Static<typeof LoadReport>

/** One target in one scenario. */
export const Measurement = Type.Object({
  kind: Type.Literal('measurement'),
  at: Type.String(),
  round: Type.Number(),
  target: Type.String(),
  scenario: Type.String(),
  /** From the process's start to its readiness. */
  startMs: Type.Number(),
  /** Whether this is the second try, the first having met too much foreign load. */
  repeated: Type.Boolean(),
  ...LoadReport.properties
})
export type Measurement = Static<typeof Measurement>

/** One start: how long it took until it was ready, and CPU time until then. */
const Started = Type.Object({ ms: Type.Number(), cpuMs: Type.Number() })
export type Started = Static<typeof Started>

/** How one target starts, and what it holds when nothing is asked of it. */
export const StartMeasurement = Type.Object({
  kind: Type.Literal('start'),
  at: Type.String(),
  round: Type.Number(),
  target: Type.String(),
  /** With nothing compiled beforehand. */
  cold: Started,
  /** With what an earlier start has compiled. */
  warm: Started,
  /** Of the warm one and its children, some seconds after it was ready. */
  rssKib: Type.Number()
})
export type StartMeasurement = Static<typeof StartMeasurement>

/** Where and with what a run was made. */
export const Machine = Type.Object({
  kind: Type.Literal('machine'),
  at: Type.String(),
  cpu: Type.String(),
  cores: Type.Number(),
  memoryGib: Type.Number(),
  kernel: Type.String(),
  /** By name: node, the gateway's packages, the peers. */
  versions: Type.Record(Type.String(), Type.String()),
  /** The generator was put to the test with wrong answers before the run. */
  faultsCaught: Type.Number()
})
export type Machine = Static<typeof Machine>

/** What one file of results holds. */
export interface Results {
  readonly machine: Machine
  readonly measurements: readonly Measurement[]
  readonly starts: readonly StartMeasurement[]
}

/** How many answers of a run were wrong. */
export function faultCount ({ faults }: Pick<LoadReport, 'faults'>): number {
  return Object.values(faults).reduce((sum, count) => sum + count, 0)
}

/** Adds a line to a file of results. */
export async function record (file: string, line: Measurement | StartMeasurement | Machine): Promise<void> {
  await appendFile(file, JSON.stringify(line) + '\n')
}

/**
 * Reads a file of results; of several descriptions of the machine the last one counts.
 * @throws {Error} a line is none, or there is no description of the machine
 */
export async function readResults (file: string): Promise<Results> {
  let machine: Machine | undefined
  const measurements: Measurement[] = []
  const starts: StartMeasurement[] = []
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    if (line === '') continue
    const parsed = Value.Parse(Type.Union([Measurement, StartMeasurement, Machine]), JSON.parse(line))
    switch (parsed.kind) {
      case 'machine': machine = parsed; break
      case 'start': starts.push(parsed); break
      case 'measurement': measurements.push(parsed)
    }
  }
  if (machine === undefined) throw new Error(`${file} does not say on what machine it was measured`)
  return { machine, measurements, starts }
}
