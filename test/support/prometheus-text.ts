/**
 * Prometheus' text format, read as strictly as `promtool check metrics` reads it: what is against the format, or against the
 * conventions that the tool knows, is an error.
 *
 *     const metrics = await scrape(url)
 *     metrics.value('llm_gateway_attempts_total', { target: 'a', class: 'failure' })   // the sum of all that have these labels
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import { TEXT_FORMAT } from '../../metrics/text-format.ts'

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly name: string
  readonly labels: Labels
  readonly value: number
}

/** What was read, family by family. */
export class PrometheusText {
  readonly families: ReadonlyMap<string, TextFamily>

  constructor (text: string) {
    this.families = parsed(text)
  }

  /** All samples of this name (of a histogram with `_bucket`, `_sum` or `_count`) that have these labels. */
  samples (name: string, labels: Labels = {}): Sample[] {
    const family = this.families.get(name) ?? this.families.get(name.replace(/_(bucket|sum|count)$/, ''))
    if (family === undefined) throw new Error(`there is no metric ${name}`)
    return family.samples.filter(sample => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
  }

  /** Their sum; 0 where there are none. */
  value (name: string, labels: Labels = {}): number {
    return this.samples(name, labels).reduce((sum, { value }) => sum + value, 0)
  }

  /** How many series there are. */
  get size (): number {
    return [...this.families.values()].reduce((sum, { samples }) => sum + samples.length, 0)
  }
}

interface TextFamily {
  readonly type: string
  readonly help: string
  readonly samples: Sample[]
}

/** Asks for metrics and reads them. */
export async function scrape (url: string, init: RequestInit = {}): Promise<PrometheusText> {
  const response = await fetch(`${url}/metrics`, init)
  const text = await response.text()
  if (response.status !== 200 || response.headers.get('content-type') !== TEXT_FORMAT) throw new Error(`no metrics: ${response.status} ${text}`)
  return new PrometheusText(text)
}

const HELP = /^# HELP ([a-zA-Z_:][\w:]*) (.+)$/s
const TYPE = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary|untyped)$/
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/s
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\["\\n])*)"(?:,(?=[a-zA-Z_])|$)/gy
const NUMBER = /^(?:[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?|[+-]Inf|NaN)$/

function parsed (text: string): Map<string, TextFamily> {
  if (text !== '' && !text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, TextFamily>()
  let help: { readonly name: string, readonly text: string } | undefined
  let current: string | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    const helped = HELP.exec(line)
    const typed = TYPE.exec(line)
    if (helped !== null) {
      const [, name = '', words = ''] = helped
      if (help !== undefined) throw new Error(`help without a type: ${help.name}`)
      help = { name, text: words }
    } else if (typed !== null) {
      const [, name = '', type = ''] = typed
      if (help?.name !== name) throw new Error(`a type without help: ${name}`)
      if (families.has(name)) throw new Error(`in two places: ${name}`)
      checkName(name, type)
      families.set(name, { type, help: help.text, samples: [] })
      help = undefined
      current = name
    } else {
      const sample = sampleOf(line)
      const family = families.get(current ?? '')
      if (family === undefined || help !== undefined || !isOf(sample.name, current ?? '', family.type)) throw new Error(`out of place: ${line}`)
      family.samples.push(sample)
    }
  }
  if (help !== undefined) throw new Error(`help without a type: ${help.name}`)
  for (const [name, family] of families) checkFamily(name, family)
  return families
}

function sampleOf (line: string): Sample {
  const match = SAMPLE.exec(line)
  if (match === null) throw new Error(`not a sample: ${line}`)
  const [, name = '', pairs, number = ''] = match
  if (!NUMBER.test(number)) throw new Error(`not a number: ${line}`)
  const labels: Record<string, string> = {}
  if (pairs !== undefined) {
    let read = 0
    for (const [whole, label = '', value = ''] of pairs.matchAll(LABEL)) {
      if (Object.hasOwn(labels, label)) throw new Error(`a label twice: ${line}`)
      labels[label] = value.replace(/\\(.)/g, (_escape, character: string) => character === 'n' ? '\n' : character)
      read += whole.length
    }
    if (read !== pairs.length || read === 0) throw new Error(`not labels: ${line}`)
  }
  return { name, labels, value: Number(number.replace('Inf', 'Infinity')) }
}

function isOf (sample: string, family: string, type: string): boolean {
  return type === 'histogram' ? ['_bucket', '_sum', '_count'].some(suffix => sample === family + suffix) : sample === family
}

/** What promtool says of names. */
function checkName (name: string, type: string): void {
  if (/[A-Z:]/.test(name)) throw new Error(`not in snake case: ${name}`)
  if (/_(ms|milliseconds|minutes|hours|kilobytes|megabytes|percent)(_|$)/.test(name)) throw new Error(`not in base units: ${name}`)
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`counters, and only those, end in _total: ${name}`)
  if (/_(count|sum|bucket)$/.test(name) || name.includes(type)) throw new Error(`a name that means something else: ${name}`)
}

function checkFamily (name: string, { type, samples }: TextFamily): void {
  const seen = new Set<string>()
  for (const sample of samples) {
    const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
    if (seen.has(key)) throw new Error(`twice: ${key}`)
    seen.add(key)
    if (type === 'counter' && !(sample.value >= 0)) throw new Error(`a counter below 0: ${name}`)
    if (type !== 'histogram' && 'le' in sample.labels) throw new Error(`a bucket of no histogram: ${name}`)
  }
  if (type === 'histogram') checkHistogram(name, samples)
}

function checkHistogram (name: string, samples: readonly Sample[]): void {
  const series = Map.groupBy(samples, ({ labels: { le, ...labels } }) => JSON.stringify(Object.entries(labels).sort()))
  for (const [key, parts] of series) {
    const buckets = parts.filter(part => part.name === `${name}_bucket`)
    const bounds = buckets.map(({ labels }) => Number(labels['le']?.replace('Inf', 'Infinity')))
    const counts = buckets.map(({ value }) => value)
    const rises = (numbers: readonly number[], above: (a: number, b: number) => boolean) => numbers.every((number, index) => index === 0 || above(number, numbers[index - 1] ?? NaN))
    if (!rises(bounds, (a, b) => a > b) || bounds.at(-1) !== Infinity) throw new Error(`bounds of ${name} ${key}`)
    if (!rises(counts, (a, b) => a >= b)) throw new Error(`buckets of ${name} ${key} are not cumulative`)
    const total = parts.filter(part => part.name === `${name}_count`)
    if (total.length !== 1 || total[0]?.value !== counts.at(-1)) throw new Error(`the count of ${name} ${key}`)
    if (parts.filter(part => part.name === `${name}_sum`).length !== 1) throw new Error(`the sum of ${name} ${key}`)
  }
}
