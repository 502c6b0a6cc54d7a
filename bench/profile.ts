/**
 * Where a target on Node spends its time, or what it allocates, under a scenario's load: by package or file, and by function.
 *
 *     node bench/profile.ts [TARGET] [SCENARIO] [--seconds N] [--heap] [--top N] [--markdown] [--keep FOLDER]
 *
 * `--heap` counts what is allocated, also what is collected soon; `--keep` leaves the profile for the browser's tools.
 */
import { copyFile, glob } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { CPU_PER_CHUNK, CPU_PER_REQUEST } from './figures.ts'
import { faultCount } from './measurement.ts'
import { allocationsOf, cpuTimeOf } from './profiles.ts'
import type { Share } from './profiles.ts'
import { Rig, runsOnNode, withProbe } from './rig.ts'
import { SCENARIOS, withSeconds } from './scenarios.ts'
import type { Launch } from './target.ts'
import { TARGETS } from './targets.ts'

/** Often enough for single functions, in µs. */
const INTERVAL_US = 250
const NS_PER_US = 1000n

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '6' },
    heap: { type: 'boolean', default: false },
    top: { type: 'string', default: '25' },
    markdown: { type: 'boolean', default: false },
    keep: { type: 'string' }
  }
})
const [targetName = 'gateway', scenarioName = 'burst'] = positionals
const target = TARGETS.find(({ name }) => name === targetName)
const scenario = SCENARIOS.find(({ name }) => name === scenarioName)
if (target?.launch === undefined || scenario === undefined) {
  console.error(`node bench/profile.ts [${TARGETS.map(({ name }) => name).join('|')}] [${SCENARIOS.map(({ name }) => name).join('|')}]`)
  process.exit(2)
}

const rig = await Rig.open()
try {
  const subject = await rig.start(target, { adapt: prepare })
  const load = { ...withSeconds(scenario, Number(values.seconds)), warmSeconds: scenario.warmSeconds }
  if (values.heap) subject.signal('SIGUSR2')
  const report = await subject.load(load)
  // The profile's clock is the machine's monotonic one, as is this.
  const to = Number(process.hrtime.bigint() / NS_PER_US)
  await subject.stop('SIGTERM')
  const measurement = { kind: 'measurement', at: '', round: 0, target: target.name, scenario: scenario.name, startMs: subject.startMs, repeated: false, ...report } as const
  console.log(`${values.markdown ? '## ' : ''}${target.name}, ${scenario.name}: ${CPU_PER_CHUNK.of(measurement)?.toFixed(2)} µs/chunk, ${CPU_PER_REQUEST.of(measurement)?.toFixed(1)} µs/request with the profiler on; wrong answers: ${faultCount(report)}`)
  for await (const file of glob(`${subject.folder}/*.{cpuprofile,heapprofile}`)) {
    if (values.keep !== undefined) await copyFile(file, `${values.keep}/${target.name}-${scenario.name}.${file.slice(file.lastIndexOf('.') + 1)}`)
    const { groups, functions } = file.endsWith('.cpuprofile')
      ? await cpuTimeOf(file, { from: to - report.seconds * 1e6, to })
      : await allocationsOf(file)
    print(values.heap ? 'allocated bytes by package or file' : 'self time by package or file', groups)
    print(values.heap ? 'allocated bytes by function' : 'self time by function', functions)
  }
} finally {
  await rig.close()
}

function prepare (launch: Launch, folder: string): Launch {
  if (!runsOnNode(launch)) throw new Error(`${targetName} does not run on Node`)
  if (!values.heap) return withProbe(launch, ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${INTERVAL_US}`])
  return { ...withProbe(launch), env: { ...launch.env, BENCH_HEAP_PROFILE: `${folder}/allocations.heapprofile` } }
}

function print (title: string, shares: readonly Share[]): void {
  console.log(values.markdown ? `\n| ${title} | % |\n|---|---:|` : `\n${title}`)
  for (const { name, part } of shares.slice(0, Number(values.top))) {
    const percent = (part * 100).toFixed(1)
    console.log(values.markdown ? `| \`${name.replaceAll('|', '\\|')}\` | ${percent} |` : `${percent.padStart(6)} %  ${name}`)
  }
}
