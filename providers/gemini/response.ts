import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletion, CompletionMessage } from '../../schemas/chat-completion.ts'
import { answerOf } from './answer.ts'
import type { Candidate } from './answer.ts'
import { finishReasons } from './finish-reason.ts'
import { annotationsOf, extrasOf, functionCallOf, hasOutput, newId, toolCallOf } from './message.ts'
import type { AnswerContext, Extras } from './message.ts'

/**
 * Translates a whole answer.
 * @param value parsed JSON of any shape
 * @throws {UpstreamError} `content_filter`, `empty`, `truncated`, `malformed`, or the error that it holds
 */
export function completionOf (value: unknown, { model, created, secrets, functionCall = false }: AnswerContext): ChatCompletion {
  const answer = answerOf(value, secrets)
  const ends = answer.candidates.map(({ finishReason: reason, calls }) => reason === undefined ? undefined : { reason, calls: calls.length > 0 })
  const output = answer.candidates.some(hasOutput)
  const finished = ends.filter(end => end !== undefined)
  if (finished.length === 0 && !output) throw new UpstreamError('empty', 'The provider answered without generating anything.')
  if (finished.length < ends.length) throw new UpstreamError('truncated', 'The provider\'s answer is not complete.')
  const reasons = finishReasons(finished, output, functionCall ? 'function_call' : 'tool_calls')
  return {
    id: answer.id ?? newId('chatcmpl-'),
    object: 'chat.completion',
    created,
    model: answer.model ?? model,
    choices: answer.candidates.map((candidate, i) => ({
      index: candidate.index,
      message: messageOf(candidate, functionCall),
      finish_reason: reasons[i] ?? null,
      logprobs: candidate.logprobs ?? null
    })),
    ...(answer.usage === undefined ? {} : { usage: answer.usage })
  }
}

function messageOf (candidate: Candidate, functionCall: boolean): CompletionMessage & Extras {
  const { text, reasoning, calls } = candidate
  const annotations = annotationsOf(candidate)
  return {
    role: 'assistant',
    content: text === '' ? null : text,
    refusal: null,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : functionCall ? functionCallOf(calls) : { tool_calls: calls.map(toolCallOf) }),
    ...extrasOf(candidate),
    ...(annotations.length === 0 ? {} : { annotations })
  }
}
