import {
  CHUNKS_PER_SECOND, COLD_START, COLD_START_CPU, CORES, CPU_PER_CHUNK, CPU_PER_REQUEST, FIRST_P50, FIRST_P99, IDLE_RSS, LATENCY_P50,
  LATENCY_P99, MEMORY_PER_STREAM, PSS_BEFORE, PSS_LEAST, PSS_OPEN, REQUESTS_PER_SECOND, RSS, READY, TOTAL_P50, TOTAL_P99, WARM_START,
  WARM_START_CPU
} from './figures.ts'
import { isLeast, verdicts } from './goals.ts'
import type { Goal, Verdict } from './goals.ts'
import { faultCount } from './measurement.ts'
import type { Machine, Results } from './measurement.ts'
import { SCENARIOS, START } from './scenarios.ts'
import { difference, median, pairedSpread, quotient, roundsOf, spreadOf, spreadOfStarts } from './statistics.ts'
import type { Figure } from './statistics.ts'
import { BASE, TARGETS } from './targets.ts'

/** A column: a figure, and what it is held against. */
interface Column {
  readonly figure: Figure
  readonly against?: 'base' | 'direct' | 'base-difference'
}

const PACED: readonly Column[] = [
  { figure: CHUNKS_PER_SECOND },
  { figure: CPU_PER_CHUNK, against: 'base' },
  { figure: CORES },
  { figure: FIRST_P50, against: 'direct' },
  { figure: FIRST_P99, against: 'direct' },
  { figure: LATENCY_P50, against: 'direct' },
  { figure: LATENCY_P99, against: 'direct' },
  { figure: RSS }
]

const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  burst: [{ figure: CHUNKS_PER_SECOND }, { figure: CPU_PER_CHUNK, against: 'base' }, { figure: CPU_PER_REQUEST }, { figure: CORES }, { figure: RSS }],
  paced: PACED,
  paced100: PACED,
  json: [{ figure: REQUESTS_PER_SECOND }, { figure: CPU_PER_REQUEST, against: 'base' }, { figure: TOTAL_P50 }, { figure: TOTAL_P99 }, { figure: CORES }, { figure: RSS }],
  idle: [{ figure: PSS_BEFORE }, { figure: PSS_LEAST }, { figure: MEMORY_PER_STREAM, against: 'base-difference' }, { figure: PSS_OPEN }, { figure: READY }]
}

const OF_STARTS = [WARM_START, WARM_START_CPU, COLD_START, COLD_START_CPU, IDLE_RSS]

const AGAINST = { base: `× ${BASE}`, direct: '+ direct', 'base-difference': `+ ${BASE}` }

/** The report; `plot` and `raw` are files beside it. */
export function markdown (results: Results, { plot, raw }: { readonly plot?: string, readonly raw?: string } = {}): string {
  return [
    '# Benchmark results\n',
    about(results),
    ...(plot === undefined ? [] : [`![CPU per chunk and per request against a bare undici pipe](${plot})\n`]),
    '## Goals\n',
    goals(results),
    ...SCENARIOS.flatMap(({ name, title }) => {
      const table = tableOf(results, name)
      return table === undefined ? [] : [...headOf(name, title), table]
    }),
    ...(results.starts.length === 0 ? [] : [...headOf(START.name, START.title), tableOfStarts(results)]),
    '## Targets\n',
    ...TARGETS.filter(({ name }) => [...results.measurements, ...results.starts].some(({ target }) => target === name)).map(({ name, about }) => `- \`${name}\`: ${about}`),
    ...(raw === undefined ? [] : [`\nEvery single measurement is in [${raw}](${raw}).`])
  ].join('\n') + '\n'
}

function headOf (name: string, title: string): string[] {
  return [`## ${name}\n`, `${title[0]?.toUpperCase()}${title.slice(1)}.\n`]
}

function about ({ machine, measurements, starts }: Results): string {
  const rounds = new Set([...measurements, ...starts].map(({ round }) => round)).size
  const wrong = measurements.reduce((sum, one) => sum + faultCount(one), 0)
  const answers = measurements.reduce((sum, one) => sum + one.completed, 0)
  return `${facts(machine)}

Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; comparisons are made round by round, and the median is taken of those. The measured process has one
core to itself; upstream, load generator and PostgreSQL share another one. Of ${answers.toLocaleString('en')} answers, each checked byte by byte, ${wrong === 0 ? 'none was' : `**${wrong} were**`}
wrong; before the run the load generator noticed ${machine.faultsCaught} of ${machine.faultsCaught} kinds of answers that were wrong on purpose.
Chunks have about 300 bytes in OpenAI's dialect. There is no bare pipe that would turn Gemini's or Bedrock's dialect into OpenAI's, so the
translating targets are held against the bare pipe with the same number of chunks of the same text in OpenAI's dialect.
[README.md](README.md) says what each figure means.
`
}

function facts ({ at, cpu, cores, memoryGib, kernel, versions }: Machine): string {
  const list = Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')
  return `${at.slice(0, 10)}: ${cpu}, ${cores} cores, ${memoryGib} GiB, Linux ${kernel}; ${list}.`
}

function goals (results: Results): string {
  const rows = verdicts(results).map(verdict => {
    const { goal, measured } = verdict
    const { title, target, limit, by } = goal
    const value = measured === undefined ? '–' : `${shown(measured.median, by)} (${shown(measured.least, by)} … ${shown(measured.greatest, by)})`
    return `| ${title} | ${target} | ${isLeast(goal) ? '≥' : '≤'} ${Number(limit.toFixed(2))} ${unitOf(goal)} | ${value} | ${outcome(verdict)} |`
  })
  return ['| figure | target | goal | median (range over the rounds) | |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}

/** What the limit is a number of. */
function unitOf (goal: Goal): string {
  switch (goal.by) {
    case 'quotient': return `× ${goal.other}`
    case 'difference': return `${goal.figure.unit} over ${goal.other}`
    case 'itself': return goal.figure.unit
  }
}

function shown (value: number, by: Goal['by']): string {
  if (by === 'itself') return value.toFixed(0)
  return value.toFixed(by === 'quotient' || Math.abs(value) < 10 ? 2 : 1)
}

function outcome ({ goal, measured, reached }: Verdict): string {
  const { limit, by, figure } = goal
  if (measured === undefined) return 'not measured'
  if (reached) return 'reached'
  if (by !== 'quotient') return `**missed by ${shown(measured.median - limit, by)} ${figure.unit}**`
  const part = isLeast(goal) ? 1 - measured.median / limit : measured.median / limit - 1
  return `**missed by ${Math.max(1, Math.round(part * 100))} %**`
}

function tableOf (results: Results, scenario: string): string | undefined {
  const columns = COLUMNS[scenario]
  const names = TARGETS.map(({ name }) => name).filter(name => roundsOf(results, name, scenario).size > 0)
  if (columns === undefined || names.length === 0) return undefined
  const heads = columns.flatMap(({ figure, against }) => against === undefined ? [figure.title] : [figure.title, AGAINST[against]])
  const rows = names.map(name => {
    const cells = columns.flatMap(column => cellsOf(results, name, scenario, column))
    const measurements = [...roundsOf(results, name, scenario).values()]
    const foreign = median(measurements.map(({ foreignCores }) => foreignCores))
    return `| ${name} | ${[...cells, String(measurements.reduce((sum, one) => sum + faultCount(one), 0)), foreign?.toFixed(2) ?? ''].join(' | ')} |`
  })
  return [`| target | ${heads.join(' | ')} | wrong answers | foreign cores |`, `|---|${'---:|'.repeat(heads.length + 2)}`, ...rows, ''].join('\n')
}

function tableOfStarts (results: Results): string {
  const rows = TARGETS.flatMap(({ name }) => {
    const cells = OF_STARTS.map(figure => spreadOfStarts(results, name, figure)?.median.toFixed(figure.digits))
    return cells.some(cell => cell !== undefined) ? [`| ${name} | ${cells.map(cell => cell ?? '').join(' | ')} |`] : []
  })
  return [`| target | ${OF_STARTS.map(({ title }) => title).join(' | ')} |`, `|---|${'---:|'.repeat(OF_STARTS.length)}`, ...rows, ''].join('\n')
}

function cellsOf (results: Results, name: string, scenario: string, { figure, against }: Column): string[] {
  const value = spreadOf(results, name, scenario, figure)?.median.toFixed(figure.digits) ?? ''
  if (against === undefined) return [value]
  const compare = against === 'base' ? quotient : difference
  const other = against === 'direct' ? 'direct' : BASE
  const compared = pairedSpread(results, name, other, scenario, figure, compare)
  return [value, compared === undefined || name === other ? '' : compared.median.toFixed(against === 'base' ? 2 : figure.digits)]
}
