import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Value } from 'typebox/value'
import { LoadReport } from './measurement.ts'
import type { Scenario } from './scenarios.ts'
import type { Target } from './target.ts'

const run = promisify(execFile)

/** Where to send the load, and which processes to watch meanwhile. */
export interface LoadOptions {
  readonly loadgen: string
  readonly port: number
  readonly upstreamPort: number
  readonly target: Target
  /** Process ids by name. */
  readonly watched: Readonly<Record<string, number>>
}

/** Runs the load generator once. */
export async function load (scenario: Scenario, { loadgen, port, upstreamPort, target, watched }: LoadOptions): Promise<LoadReport> {
  const args = [
    '-p', String(port),
    '-m', target.model(`fake-${scenario.spec}`),
    '-c', String(scenario.connections),
    '-r', String(scenario.rampSeconds),
    ...(scenario.once === true
      ? ['-M', '-1']
      : ['-w', String(scenario.warmSeconds), '-d', String(scenario.seconds)]),
    ...(scenario.streamed ? [] : ['-j']),
    ...(target.extraEvents === undefined ? [] : ['-e', String(target.extraEvents)]),
    ...(target.numbered === true ? ['-i'] : []),
    ...Object.entries(target.headers?.(`http://127.0.0.1:${upstreamPort}`) ?? {}).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    ...Object.entries(watched).flatMap(([name, pid]) => ['-P', `${name}=${pid}`])
  ]
  const { stdout } = await run(loadgen, args, { timeout: 300_000 })
  return Value.Parse(LoadReport, JSON.parse(stdout))
}
