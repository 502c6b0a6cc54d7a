import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SCENARIOS, START, withSeconds } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

/** What a run was asked for. */
export interface RunOptions {
  readonly rounds: number
  readonly targets: readonly Target[]
  readonly scenarios: readonly Scenario[]
  /** Whether starts are measured, too. */
  readonly starts: boolean
  /** The file that the results are added to. */
  readonly out: string
  /** Whether the report replaces the one in the repository. */
  readonly publish: boolean
  /** Cores' worth of others' CPU time above which a run is made once more. */
  readonly maxForeign: number
}

export const USAGE = `node bench/run.ts [options]

  --rounds N        how often everything is measured (3)
  --targets A,B     of: ${TARGETS.map(({ name }) => name).join(', ')}
  --scenarios A,B   of: ${[...SCENARIOS, START].map(({ name }) => name).join(', ')}
  --seconds N       another window than the scenarios' own
  --quick           one round with windows of 1.5 s: whether it works, not how fast
  --out FILE        add the results to this file (default: a new one in the system's folder for temporary files)
  --publish         replace bench/RESULTS.md, results.svg and results.jsonl
  --max-foreign N   others' load, in cores, above which a run is made once more (0.3)`

/**
 * Reads a command line.
 * @throws {Error} it says something that is not known; the message is for the user
 */
export function readOptions (args: readonly string[]): RunOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string' },
      targets: { type: 'string' },
      scenarios: { type: 'string' },
      seconds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
      publish: { type: 'boolean', default: false },
      'max-foreign': { type: 'string' }
    }
  })
  const seconds = numberOf('--seconds', values.seconds, values.quick ? 1.5 : undefined)
  const named = pick('--scenarios', [...SCENARIOS, START], values.scenarios)
  const scenarios = named.filter(one => 'spec' in one)
  const targets = values.targets === undefined ? TARGETS.filter(isDefault) : pick('--targets', TARGETS, values.targets)
  for (const { name, missing } of targets) {
    const reason = missing?.()
    if (reason !== undefined) throw new Error(`--targets: ${name} cannot be measured here: ${reason}`)
  }
  return {
    rounds: numberOf('--rounds', values.rounds, values.quick ? 1 : 3) ?? 1,
    targets,
    scenarios: seconds === undefined ? scenarios : scenarios.map(scenario => withSeconds(scenario, seconds)),
    starts: named.includes(START),
    out: values.out ?? join(tmpdir(), `llm-gateway-bench-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.jsonl`),
    publish: values.publish,
    maxForeign: numberOf('--max-foreign', values['max-foreign'], 0.3) ?? 0.3
  }
}

function isDefault ({ optional, missing }: Target): boolean {
  return optional !== true && missing?.() === undefined
}

function numberOf (name: string, value: string | undefined, fallback: number | undefined): number | undefined {
  if (value === undefined) return fallback
  const number = Number(value)
  if (!(number > 0)) throw new Error(`${name}: "${value}" is no positive number`)
  return number
}

function pick<T extends { readonly name: string }> (option: string, all: readonly T[], list: string | undefined): readonly T[] {
  if (list === undefined) return all
  return list.split(',').map(wanted => {
    const found = all.find(({ name }) => name === wanted)
    if (found === undefined) throw new Error(`${option}: "${wanted}" is none of ${all.map(({ name }) => name).join(', ')}`)
    return found
  })
}
