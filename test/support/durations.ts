/** What many measured times come to, in words: `p50 1.2 ms, p99 3.4 ms, at most 5.6 ms of 1000`. @param ms not empty */
export function durations (ms: readonly number[]): string {
  const sorted = ms.toSorted((a, b) => a - b)
  const at = (share: number) => (sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? NaN).toFixed(1)
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms of ${sorted.length}`
}
