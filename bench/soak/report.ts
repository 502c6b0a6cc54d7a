import { median } from '../statistics.ts'
import type { SoakTally } from './clients.ts'
import type { Vitals } from './vitals.ts'

/** One look at the process and at its clients. */
export interface Sample extends Vitals {
  /** Since the beginning, in minutes. */
  readonly minute: number
  /** Streams open at the clients. */
  readonly open: number
  /** Frames that came until then. */
  readonly frames: number
  /** The machine's load of a minute. */
  readonly load: number
}

export interface SoakRun {
  readonly streams: number
  readonly minutes: number
  readonly samples: readonly Sample[]
  readonly tally: SoakTally
  /** Answers that the gateway has broken off at the target. */
  readonly brokenOff: number
  readonly exitCode: number
  readonly machine: string
}

/** The minute that the last one is held against. */
const BASE_MINUTE = 5
/** By how much it may differ. */
const TOLERANCE = 0.05
const MIB = 2 ** 20

/** What a run says, as Markdown, and whether it is as it has to be. */
export function report (run: SoakRun): { readonly text: string, readonly passed: boolean } {
  const { streams, minutes, samples, tally, brokenOff, exitCode, machine } = run
  const during = (minute: number) => samples.filter(sample => Math.floor(sample.minute) === minute - 1)
  const of = (minute: number, figure: keyof Sample) => median(during(minute).map(sample => sample[figure])) ?? NaN
  const change = (figure: keyof Sample) => of(minutes, figure) / of(Math.min(BASE_MINUTE, minutes), figure) - 1
  const percent = (value: number) => `${value >= 0 ? '+' : '−'}${Math.abs(value * 100).toFixed(1)} %`
  const { reads, reads_resumable: resumable, rejoins, leaves } = tally.ended
  const flat = change('rss') <= TOLERANCE
  const passed = tally.faultCount === 0 && exitCode === 0 && flat
  const rows = Array.from({ length: minutes }, (_, at) => at + 1).filter(minute => minute <= BASE_MINUTE || minute % 5 === 0 || minute === minutes)
  return {
    passed,
    text: `# Soak

${streams} streams open at any time on one process for ${minutes} minutes, with PostgreSQL: \`npm run soak -- --streams ${streams} --minutes ${minutes}\`.
A chunk each 500 to 1000 ms a stream; answers of 5 to 25 and of 60 to 180 chunks, so that streams end and begin all the time. Each
frame's number and content is checked.

- ${tally.faultCount === 0 ? 'No frame lost, doubled or changed' : `**Faults: ${tally.faultCount}**`}: ${tally.frames} frames of ${reads + resumable + rejoins + leaves} streams. ${reads} were
  read to their end; so were ${resumable} resumable ones, and ${rejoins} that were cut and joined again (${tally.rejoined} times); ${leaves} were left by their clients, ${brokenOff} broken off at the target.
  Clients were told ${tally.putOff} times to come again, as the machine was too busy (503, or \`stream_log_unavailable\`), and did.
- Resident memory of the last minute against minute ${Math.min(BASE_MINUTE, minutes)}: ${percent(change('rss'))}; heap ${percent(change('heapUsed'))}. (Medians of a minute; at most +5 % is the goal.)
- The process ended with ${exitCode} when it was told to.
- ${machine}; the machine's load was ${Math.min(...samples.map(({ load }) => load)).toFixed(1)} to ${Math.max(...samples.map(({ load }) => load)).toFixed(1)}, this soak's own included.
${tally.faults.map(fault => `- ${fault}\n`).join('')}
| minute | streams | frames/s | resident MiB | heap used MiB | heap total MiB | outside of it MiB | buffers MiB | handles | loop late p99 ms | max ms |
|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
${rows.map(minute => {
  const [first, last] = [during(minute)[0], during(minute).at(-1)]
  const perSecond = first === undefined || last === undefined || first === last ? NaN : (last.frames - first.frames) / (last.minute - first.minute) / 60
  const mib = (figure: keyof Sample) => Math.round(of(minute, figure) / MIB)
  return `| ${minute} | ${of(minute, 'open')} | ${Math.round(perSecond)} | ${mib('rss')} | ${mib('heapUsed')} | ${mib('heapTotal')} | ${mib('rss') - mib('heapTotal')} | ${mib('arrayBuffers')} | ${of(minute, 'handles')} | ${of(minute, 'loopP99Ms').toFixed(1)} | ${Math.max(...during(minute).map(({ loopMaxMs }) => loopMaxMs)).toFixed(0)} |`
}).join('\n')}
`
  }
}
