import type { UsageSource } from '../breaker/attempt.ts'
import type { Usage } from '../schemas/chat-completion.ts'

/** What an attempt has cost, in tokens, and who counted. */
export interface AttemptUsage {
  readonly promptTokens: number
  readonly completionTokens: number
  readonly totalTokens: number
  readonly source: UsageSource
}

/** About how many tokens an answer has so far; looked at only where its provider's counts do not do. */
export interface OutputEstimate {
  readonly tokens: number
  /** Those that came after the provider's last counts; all of them where there were none. */
  readonly uncountedTokens: number
}

/** What is known of an attempt that the provider has accepted. */
export interface AttemptFacts {
  /** Whether the answer is there to its end. */
  readonly complete: boolean
  /** The provider's last counts. */
  readonly counts: Usage | undefined
  readonly output: OutputEstimate
  /** About how many tokens the prompt has; called only where the provider did not say. */
  readonly promptTokens: () => number
}

/**
 * The provider's own counts, where they cover all that came: `reported` for a complete answer, `partial` for one that was
 * broken off. What they leave out is estimated: then the whole is `estimated`, so that the other two marks stand for
 * nothing but the provider's word. Zeros are no counts: a prompt is never empty, and servers send them for want of better.
 */
export function attemptUsage ({ complete, counts, output, promptTokens: estimatePrompt }: AttemptFacts): AttemptUsage {
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = counts ?? NO_COUNTS
  const missing = completion > 0 ? output.uncountedTokens : output.tokens
  if (prompt > 0 && missing === 0) return { promptTokens: prompt, completionTokens: completion, totalTokens: total, source: complete ? 'reported' : 'partial' }
  const promptTokens = prompt > 0 ? prompt : estimatePrompt()
  const completionTokens = completion + missing
  return { promptTokens, completionTokens, totalTokens: promptTokens + completionTokens, source: 'estimated' }
}

const NO_COUNTS: Usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }
