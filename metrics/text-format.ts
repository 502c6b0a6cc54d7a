import type { Family, HistogramSeries } from './family.ts'

/** What the text is. */
export const TEXT_FORMAT = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Families as text that Prometheus reads.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function textOf (families: readonly Family[]): string {
  return families.map(family => `# HELP ${family.name} ${escapedHelp(family.help)}\n# TYPE ${family.name} ${family.kind}\n${samplesOf(family)}`).join('')
}

function samplesOf (family: Family): string {
  const { name, labelNames } = family
  if (family.kind !== 'histogram') return family.series.map(({ labels, value }) => sample(name, labelNames, labels, value)).join('')
  const bounds = [...family.bounds.map(numberOf), '+Inf']
  return family.series.map(({ labels, counts, sum }) => {
    const buckets = cumulative(counts)
    return [
      ...buckets.map((count, index) => sample(`${name}_bucket`, [...labelNames, 'le'], [...labels, bounds[index] ?? ''], count)),
      sample(`${name}_sum`, labelNames, labels, sum),
      sample(`${name}_count`, labelNames, labels, buckets.at(-1) ?? 0)
    ].join('')
  }).join('')
}

/** In the text each bucket has what the lower ones have as well. */
function cumulative (counts: HistogramSeries['counts']): number[] {
  let total = 0
  return counts.map(count => {
    total += count
    return total
  })
}

function sample (name: string, labelNames: readonly string[], labels: readonly string[], value: number): string {
  const pairs = labelNames.map((label, index) => `${label}="${escapedLabel(labels[index] ?? '')}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberOf(value)}\n`
}

function numberOf (value: number): string {
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value)
}

function escapedHelp (text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapedLabel (text: string): string {
  return escapedHelp(text).replaceAll('"', '\\"')
}
