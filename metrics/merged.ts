import type { Family, HistogramFamily, HistogramSeries, Together, ValueFamily, ValueSeries } from './family.ts'

/**
 * What several processes have measured, as one: counters and histograms are added up, gauges as each of them says.
 * All of the same name are of the same kind, with the same labels and buckets, as the processes run the same program.
 */
export function merged (collections: ReadonlyArray<readonly Family[]>): Family[] {
  const byName = Map.groupBy(collections.flat(), ({ name }) => name)
  return Array.from(byName.values(), families => families.reduce(joined))
}

/** Without what holds for the moment only: of a process that is gone, or does not answer. */
export function countedOf (families: readonly Family[]): Family[] {
  return families.filter(({ kind }) => kind !== 'gauge')
}

function joined (one: Family, other: Family): Family {
  if (one.kind === 'histogram') return other.kind === 'histogram' ? withHistogram(one, other) : one
  return other.kind === 'histogram' ? one : withValues(one, other)
}

function withValues (one: ValueFamily, other: ValueFamily): ValueFamily {
  return { ...one, series: bySeries<ValueSeries>([...one.series, ...other.series], (a, b) => ({ ...a, value: TOGETHER[one.together](a.value, b.value) })) }
}

function withHistogram (one: HistogramFamily, other: HistogramFamily): HistogramFamily {
  return {
    ...one,
    series: bySeries<HistogramSeries>([...one.series, ...other.series], (a, b) => ({
      ...a, counts: a.counts.map((count, bucket) => count + (b.counts[bucket] ?? 0)), sum: a.sum + b.sum
    }))
  }
}

const TOGETHER: Readonly<Record<Together, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  max: Math.max,
  min: Math.min
}

/** One series for each set of labels. */
function bySeries<S extends { readonly labels: readonly string[] }> (series: readonly S[], join: (a: S, b: S) => S): S[] {
  return Array.from(Map.groupBy(series, ({ labels }) => JSON.stringify(labels)).values(), same => same.reduce(join))
}
