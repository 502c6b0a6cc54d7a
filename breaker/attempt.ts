/**
 * What the audit log keeps of one attempt at one target. Never prompt or answer text, never a key.
 */
import type { FailureReason, OutcomeClass } from './outcome.ts'

/**
 * Where an attempt's token counts come from: `reported` and `partial` are the provider's own, of a complete answer and of
 * one that was broken off; in `estimated` is at least one that the gateway had to guess.
 */
export type UsageSource = 'reported' | 'estimated' | 'partial'

/** One attempt, finished. */
export interface AttemptRecord {
  /** A UUID of version 7, made as it begins: a row that is written twice, by whomever, is stored once. */
  readonly id: string
  /** The request's id, shared by all its attempts. */
  readonly requestId: string
  readonly target: string
  /** The model as the target was asked for it. */
  readonly model: string
  /** The kind of provider, e.g. `azure-openai`. */
  readonly provider: string
  /** Whether the client asked for a stream. */
  readonly stream: boolean
  /** 1 for the first target tried. */
  readonly attemptNo: number
  readonly class: OutcomeClass
  /** Null on success. */
  readonly reason: FailureReason | null
  /** The upstream's HTTP status; null when none arrived. */
  readonly status: number | null
  /** From the attempt's start to its first real output, in ms. */
  readonly firstOutputMs: number | null
  /** From the attempt's start to its end, in ms. */
  readonly durationMs: number
  readonly chunks: number
  /** This and the next ones are null where the provider never took the request on. */
  readonly promptTokens: number | null
  readonly completionTokens: number | null
  readonly totalTokens: number | null
  readonly usageSource: UsageSource | null
  readonly finishReason: string | null
}
