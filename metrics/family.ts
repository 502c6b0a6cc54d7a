/**
 * What was measured, as it is handed out: plain values, which survive a structured clone.
 * @see https://prometheus.io/docs/concepts/data_model/
 */

/** Values of the same name, one for each set of labels. */
export type Family = ValueFamily | HistogramFamily

interface Described {
  /** As it is exposed: in base units, of a counter with `_total`. */
  readonly name: string
  /** One sentence. */
  readonly help: string
  readonly labelNames: readonly string[]
}

export interface ValueFamily extends Described {
  readonly kind: 'counter' | 'gauge'
  /** What the values of several processes make together. Of counters it is always the sum. */
  readonly together: Together
  readonly series: readonly ValueSeries[]
}

export type Together = 'sum' | 'max' | 'min'

export interface ValueSeries {
  /** In the order of `labelNames`. */
  readonly labels: readonly string[]
  readonly value: number
}

export interface HistogramFamily extends Described {
  readonly kind: 'histogram'
  /** Upper bounds of the buckets, each with what equals it, growing; the last bucket, for what is above them all, has none. */
  readonly bounds: readonly number[]
  readonly series: readonly HistogramSeries[]
}

export interface HistogramSeries {
  /** In the order of `labelNames`. */
  readonly labels: readonly string[]
  /** What fell into each bucket, and into no lower one; one more than there are bounds. */
  readonly counts: readonly number[]
  /** Of all values. */
  readonly sum: number
}
