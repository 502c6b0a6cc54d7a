/**
 * How long a breaker stays open.
 */
import type { BreakerPolicy } from './policy.ts'

/** Where a policy names no open time, in ms. */
const UNNAMED_MS = 1_000

/**
 * The open time of the next opening, in ms.
 * @param openCount openings in a row before it.
 * @param probedForMs how long the failed probe took that it follows, in ms: so much of it has passed. Never less is left
 *   than the shortest opening takes.
 * @param chance from 0 to below 1: where within the jitter it is.
 */
export function openTimeMs (openCount: number, probedForMs: number, { openMs, jitter }: BreakerPolicy, chance: number): number {
  const base = openMs[Math.min(openCount, openMs.length - 1)] ?? UNNAMED_MS
  const [least = base] = openMs
  return Math.round(Math.max(base * (1 + jitter * (2 * chance - 1)) - probedForMs, least * (1 - jitter)))
}
