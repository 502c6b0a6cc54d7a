/**
 * Guards the hot paths against becoming slower: CPU per chunk and per request of the gateway, as a multiple of the bare
 * undici pipe's, in the same run on the same core. Exit code 1 if a multiple is above its limit with the tolerance.
 *
 *     node bench/guard.ts
 *
 * A noisy machine slows both down. Both processes live through the whole run, and short loads alternate, so that each of
 * the gateway's stands between two of the pipe's; each gives one quotient, and the median of the quotients counts. CPU
 * time and not time is measured; not instructions, which leave out what the kernel does for each write, the largest part
 * of what a chunk costs.
 */
import { CPU_PER_CHUNK, CPU_PER_REQUEST } from './figures.ts'
import { faultCount } from './measurement.ts'
import type { Measurement } from './measurement.ts'
import { Rig } from './rig.ts'
import type { Subject } from './rig.ts'
import { SCENARIOS, withSeconds } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import { median } from './statistics.ts'
import type { Figure } from './statistics.ts'
import { BASE, TARGETS } from './targets.ts'

/** How far above its limit a multiple may be before the guard fails: what is left of the noise in the median. */
const TOLERANCE = 1.15
/** Quotients of each kind. */
const ROUNDS = 7
const SECONDS = 1
const WARM_UP_SECONDS = 8

/** The limits are what was reached last, not what is to be reached: that stands in `goals.ts`. */
const GUARDED: ReadonlyArray<{ readonly target: string, readonly scenario: string, readonly figure: Figure, readonly limit: number }> = [
  { target: 'gateway', scenario: 'burst', figure: CPU_PER_CHUNK, limit: 1.5 },
  { target: 'gateway', scenario: 'json', figure: CPU_PER_REQUEST, limit: 2.35 },
  { target: 'gateway-gemini', scenario: 'burst', figure: CPU_PER_CHUNK, limit: 1.95 },
  { target: 'gateway-bedrock', scenario: 'burst', figure: CPU_PER_CHUNK, limit: 2 }
]

const rig = await Rig.open()
try {
  for (const guarded of GUARDED) await guard(guarded)
} finally {
  await rig.close()
}

async function guard ({ target, scenario: name, figure, limit }: typeof GUARDED[number]): Promise<void> {
  const scenario = found(SCENARIOS, name)
  const gateway = await rig.start(found(TARGETS, target))
  const pipe = await rig.start(found(TARGETS, BASE))
  const quotients: number[] = []
  try {
    for (const subject of [pipe, gateway]) await subject.load({ ...withSeconds(scenario, WARM_UP_SECONDS), warmSeconds: 0 })
    const short = { ...scenario, seconds: SECONDS, warmSeconds: 0.2 }
    let before = await cost(pipe, short, figure)
    for (let round = 0; round < ROUNDS; round++) {
      const own = await cost(gateway, short, figure)
      const after = await cost(pipe, short, figure)
      quotients.push(own / ((before + after) / 2))
      before = after
    }
  } finally {
    await gateway.stop()
    await pipe.stop()
  }
  const middle = median(quotients) ?? NaN
  const passed = middle <= limit * TOLERANCE
  console.log([
    `${passed ? 'ok  ' : 'FAIL'} ${target} ${name}: ${figure.title} ${middle.toFixed(3)} × ${BASE}`,
    `limit ${limit} × tolerance ${TOLERANCE} = ${(limit * TOLERANCE).toFixed(2)}`,
    `rounds ${quotients.map(quotient => quotient.toFixed(2)).join(' ')}`
  ].join(', '))
  if (!passed) process.exitCode = 1
}

/** @throws {Error} an answer was wrong, or there was none */
async function cost (subject: Subject, scenario: Scenario, figure: Figure): Promise<number> {
  const report = await subject.load(scenario)
  if (faultCount(report) > 0) throw new Error(`${subject.target.name}: wrong answers: ${JSON.stringify(report.faults)}`)
  const measurement: Measurement = {
    kind: 'measurement', at: '', round: 0, target: subject.target.name, scenario: scenario.name, startMs: subject.startMs, repeated: false, ...report
  }
  const value = figure.of(measurement)
  if (value === undefined) throw new Error(`${subject.target.name}: nothing was measured`)
  return value
}

function found<T extends { readonly name: string }> (all: readonly T[], name: string): T {
  const one = all.find(candidate => candidate.name === name)
  if (one === undefined) throw new Error(`there is no ${name}`)
  return one
}
