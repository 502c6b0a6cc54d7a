import type { StopReason } from '../../schemas/messages-api-answer.ts'

/** What is known of a choice's end. */
export interface ChoiceEnd {
  readonly finishReason: unknown
  /** Whether it calls tools of the caller. */
  readonly calls: boolean
  /** Whether it refuses in a field of its own. */
  readonly refusal: boolean
  /** What made it stop, as vLLM says it. */
  readonly stoppedBy: unknown
}

export interface Stop {
  readonly stop_reason: StopReason
  readonly stop_sequence: string | null
}

/**
 * Why an answer ended. The chat format does not say which of the `stop_sequences` it was, nor that it was one; vLLM does.
 *
 * Calls make every orderly end a `tool_use`: OpenAI says `stop` of a call that the caller demanded by name. A reason
 * that is not known today is an orderly end.
 * @param asked the request's stop sequences
 */
export function stopOf ({ finishReason, calls, refusal, stoppedBy }: ChoiceEnd, asked: readonly string[]): Stop {
  if (finishReason === 'length') return { stop_reason: 'max_tokens', stop_sequence: null }
  if (finishReason === 'content_filter' || refusal) return { stop_reason: 'refusal', stop_sequence: null }
  if (calls) return { stop_reason: 'tool_use', stop_sequence: null }
  const sequence = asked.find(each => each === stoppedBy)
  return sequence === undefined ? { stop_reason: 'end_turn', stop_sequence: null } : { stop_reason: 'stop_sequence', stop_sequence: sequence }
}
