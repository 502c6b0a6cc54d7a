import type { Family, HistogramSeries, Together, ValueSeries } from './family.ts'
import { LabelledSeries } from './labelled-series.ts'
import type { Labels } from './labelled-series.ts'

/** What a family is called; labels come from configuration or from lists in the code, never from what callers send. */
export interface FamilyOptions<L extends string> {
  /** Of a counter with `_total`. */
  readonly name: string
  /** One sentence. */
  readonly help: string
  readonly labelNames: readonly L[]
}

export interface HistogramOptions<L extends string> extends FamilyOptions<L> {
  /** Upper bounds of the buckets, growing. */
  readonly bounds: readonly number[]
}

/** A value that is read when it is asked for. */
export interface ReadingOptions<L extends string> extends FamilyOptions<L> {
  readonly kind: 'counter' | 'gauge'
  /** What the values of several processes make together. Default: the sum. */
  readonly together?: Together
  /** All values there are now; several of the same labels are an error of whoever gives them. */
  readonly read: () => Iterable<Reading<L>> | Promise<Iterable<Reading<L>>>
}

export interface Reading<L extends string> {
  readonly labels: Labels<L>
  readonly value: number
}

/** A number that only grows. */
export interface Counter<L extends string> {
  /** @param by not below 0; 0 has the series shown before anything is counted. Default 1. */
  add (labels: Labels<L>, by?: number): void
}

/** How values are distributed. */
export interface Histogram<L extends string> {
  observe (labels: Labels<L>, value: number): void
}

/** A name was used twice, or is not one that Prometheus takes. */
export class MetricNameError extends Error {
  override readonly name = 'MetricNameError'
}

/**
 * Names as they should be, which is less than Prometheus would take.
 * @see https://prometheus.io/docs/practices/naming/
 */
const NAME = /^[a-z][a-z0-9_]*$/

/**
 * All that one service measures. Counting costs a look-up for each label and makes nothing; families come out in the order
 * in which they were made.
 */
export class Registry {
  readonly #families = new Map<string, () => Family | Promise<Family>>()

  /** @throws {MetricNameError} */
  counter<L extends string> ({ name, help, labelNames }: FamilyOptions<L>): Counter<L> {
    const all = new LabelledSeries(labelNames, (labels): ValueSeries & { value: number } => ({ labels, value: 0 }))
    this.#add(name, labelNames, () => ({ kind: 'counter', together: 'sum', name, help, labelNames, series: all.list.map(series => ({ ...series })) }))
    return { add: (labels, by = 1) => { all.of(labels).value += by } }
  }

  /** @throws {MetricNameError} */
  histogram<L extends string> ({ name, help, labelNames, bounds }: HistogramOptions<L>): Histogram<L> {
    const all = new LabelledSeries(labelNames, (labels): HistogramSeries & { counts: number[], sum: number } => ({ labels, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0 }))
    this.#add(name, labelNames, () => ({ kind: 'histogram', name, help, labelNames, bounds, series: all.list.map(({ labels, counts, sum }) => ({ labels, counts: [...counts], sum })) }))
    return {
      observe: (labels, value) => {
        const series = all.of(labels)
        let bucket = 0
        for (const bound of bounds) {
          if (value <= bound) break
          bucket++
        }
        series.counts[bucket] = (series.counts[bucket] ?? 0) + 1
        series.sum += value
      }
    }
  }

  /** @throws {MetricNameError} */
  reading<L extends string> ({ kind, name, help, labelNames, together = 'sum', read }: ReadingOptions<L>): void {
    this.#add(name, labelNames, async () => {
      const series = Array.from(await read(), ({ labels, value }) => ({ labels: labelNames.map(label => labels[label]), value }))
      return { kind, together, name, help, labelNames, series }
    })
  }

  /** Everything as it stands now. */
  async collect (): Promise<Family[]> {
    return await Promise.all(Array.from(this.#families.values(), async family => await family()))
  }

  #add (name: string, labelNames: readonly string[], family: () => Family | Promise<Family>): void {
    for (const word of [name, ...labelNames]) if (!NAME.test(word)) throw new MetricNameError(`not a name for a metric: ${word}`)
    if (this.#families.has(name)) throw new MetricNameError(`there is a metric of this name already: ${name}`)
    this.#families.set(name, family)
  }
}
