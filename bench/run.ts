/**
 * Measures side by side: in every round every target meets every scenario, each time in a fresh process, and the order
 * turns round from one round to the next, so that what changes with time meets all of them. See README.md.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { check } from './check.ts'
import { CPU_PER_CHUNK, CPU_PER_REQUEST } from './figures.ts'
import { describeMachine } from './machine.ts'
import { faultCount, record } from './measurement.ts'
import type { Measurement } from './measurement.ts'
import { readOptions, USAGE } from './options.ts'
import type { RunOptions } from './options.ts'
import { publish, writeReport } from './report.ts'
import { installed, Rig } from './rig.ts'
import type { Subject } from './rig.ts'
import { START, WARM_UP } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import { measureStart } from './start.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets.ts'

/** How long to wait for others to be done before a run is made once more, in ms. */
const BREATHER_MS = 1500

/** After the last stream has begun, until the garbage of all the beginnings is collected, in ms. */
const SETTLED_MS = 1000

const options = optionsOrExit()
const rig = await Rig.open()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => { void rig.close().finally(() => process.exit(1)) })
}
try {
  const faultsCaught = await proveGenerator(rig)
  await record(options.out, describeMachine(await versions(options.targets), faultsCaught))
  for (let round = 1; round <= options.rounds; round++) {
    const order = round % 2 === 1 ? options.targets : options.targets.toReversed()
    for (const scenario of options.scenarios) {
      for (const target of order.filter(({ only }) => only !== 'start')) {
        if (scenario.once !== true || target.launch !== undefined) await measure(target, scenario, round)
      }
    }
    if (!options.starts) continue
    for (const target of order.filter(({ only }) => only !== 'load')) {
      if (target.launch !== undefined) await measureStarts(target, round)
    }
  }
} finally {
  await rig.close()
}
if (options.publish) await publish(options.out)
else process.stdout.write(await writeReport(options.out))
console.log(`\nresults: ${options.out}`)

/** One target in one scenario, in a process of its own. A target that fails is told, and the others go on. */
async function measure (target: Target, scenario: Scenario, round: number): Promise<void> {
  const at = new Date().toISOString()
  let subject: Subject | undefined
  try {
    if (scenario.once === true) {
      const warm = await startWarm(target)
      subject = warm.subject
      setTimeout(warm.collect, scenario.rampSeconds * 1000 + SETTLED_MS)
    } else subject = await rig.start(target)
    let report = await subject.load(scenario)
    let repeated = false
    if (report.foreignCores > options.maxForeign && scenario.once !== true) {
      await delay(BREATHER_MS)
      const again = await subject.load(scenario)
      repeated = true
      if (again.foreignCores < report.foreignCores || faultCount(again) > 0) report = again
    }
    const measurement: Measurement = { kind: 'measurement', at, round, target: target.name, scenario: scenario.name, startMs: subject.startMs, repeated, ...report }
    await record(options.out, measurement)
    console.log(lineOf(measurement))
  } catch (error) {
    failed(target, scenario.name, error)
  } finally {
    await subject?.stop()
  }
}

/** How one target starts. */
async function measureStarts (target: Target, round: number): Promise<void> {
  try {
    const measurement = await measureStart(rig, target, round)
    await record(options.out, measurement)
    const { warm, cold, rssKib } = measurement
    console.log(`${round} ${START.name.padEnd(9)}${target.name.padEnd(16)}  ready ms ${warm.ms} (CPU ${warm.cpuMs})  nothing compiled ${cold.ms} (CPU ${cold.cpuMs})  idle RSS KiB ${rssKib}`)
  } catch (error) {
    failed(target, START.name, error)
  }
}

function failed (target: Target, scenario: string, error: unknown): void {
  console.error(`${target.name} in ${scenario}: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

/** A warm process without garbage; `collect` collects what has come since. */
async function startWarm (target: Target): Promise<{ subject: Subject, collect: () => void }> {
  const { subject, collect } = await rig.startTrimmed(target)
  await subject.load(WARM_UP)
  await delay(BREATHER_MS)
  collect()
  await delay(BREATHER_MS)
  return { subject, collect }
}

function lineOf (measurement: Measurement): string {
  const { round, scenario, target, requests, chunks, seconds, firstMs, latencyMs, foreignCores } = measurement
  const number = (value: number | undefined, digits: number): string => (value?.toFixed(digits) ?? '-').padStart(8)
  return [
    `${round} ${scenario.padEnd(9)}${target.padEnd(16)}`,
    `requests/s ${number(requests / seconds, 0)}`,
    `chunks/s ${number(chunks / seconds, 0)}`,
    `CPU µs/chunk ${number(CPU_PER_CHUNK.of(measurement), 2)}`,
    `µs/request ${number(CPU_PER_REQUEST.of(measurement), 0)}`,
    `first ms ${number(firstMs?.p50, 2)}`,
    `latency ms p50 ${number(latencyMs?.p50, 2)} p99 ${number(latencyMs?.p99, 1)}`,
    `wrong ${faultCount(measurement)}`,
    `foreign ${foreignCores.toFixed(2)}`
  ].join('  ')
}

/** How many kinds of wrong answers the load generator noticed: all of them, or there is no run. */
async function proveGenerator (rig: Rig): Promise<number> {
  const direct = TARGETS.find(({ launch }) => launch === undefined)
  if (direct === undefined) throw new Error('there is no target without a process')
  const { missed, caught } = await check(() => rig.start(direct))
  if (missed.length > 0) throw new Error(`The load generator does not notice wrong answers:\n${missed.join('\n')}`)
  return caught
}

async function versions (targets: readonly Target[]): Promise<Record<string, string>> {
  const all: Record<string, string> = {}
  for (const target of targets) {
    await target.install?.(installed(target))
    Object.assign(all, target.versions?.(installed(target)))
  }
  return all
}

function optionsOrExit (): RunOptions {
  if (process.argv.includes('--help')) {
    console.log(USAGE)
    process.exit(0)
  }
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`)
    process.exit(2)
  }
}
