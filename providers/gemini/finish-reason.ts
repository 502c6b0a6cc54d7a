import { FinishReason } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { FinishReason as OpenAIFinishReason } from '../../schemas/chat-completion.ts'

/** How a candidate ended: in its own words, cut by a filter, or with something that is no answer. */
type Ending = 'stop' | 'length' | 'filtered' | 'malformed'

/**
 * Names as text are newer than the SDK. `OTHER`, `IMAGE_OTHER`, and what nobody knows yet, have no entry.
 * @see https://ai.google.dev/api/generate-content#FinishReason
 */
const ENDINGS: ReadonlyMap<string, Ending> = new Map<string, Ending>([
  [FinishReason.STOP, 'stop'],
  [FinishReason.MAX_TOKENS, 'length'],
  [FinishReason.SAFETY, 'filtered'],
  [FinishReason.RECITATION, 'filtered'],
  [FinishReason.LANGUAGE, 'filtered'],
  [FinishReason.BLOCKLIST, 'filtered'],
  [FinishReason.PROHIBITED_CONTENT, 'filtered'],
  [FinishReason.SPII, 'filtered'],
  ['IMAGE_SAFETY', 'filtered'],
  ['IMAGE_PROHIBITED_CONTENT', 'filtered'],
  ['IMAGE_RECITATION', 'filtered'],
  [FinishReason.MALFORMED_FUNCTION_CALL, 'malformed'],
  ['MALFORMED_RESPONSE', 'malformed'],
  ['UNEXPECTED_TOOL_CALL', 'malformed'],
  ['TOO_MANY_TOOL_CALLS', 'malformed'],
  ['MISSING_THOUGHT_SIGNATURE', 'malformed'],
  ['NO_IMAGE', 'malformed']
])

/** What a candidate came to. */
export interface CandidateEnd {
  /** As the wire has it. */
  readonly reason: string
  /** It made tool calls. */
  readonly calls: boolean
}

/**
 * The finish reasons of an answer's candidates, in order.
 *
 * `OTHER`, and reasons that nobody knows yet, do not tell that the answer is whole, so they are not passed off as
 * `stop`: with output they are `content_filter` (the provider cut it), without any the answer is empty.
 *
 * @param ends of the candidates that have ended
 * @param output whether any candidate generated something
 * @param calls what a candidate that made calls ends with
 * @throws {UpstreamError} `malformed`, `content_filter` or `empty`: what came is no answer
 */
export function finishReasons (ends: readonly CandidateEnd[], output: boolean, calls: 'tool_calls' | 'function_call' = 'tool_calls'): OpenAIFinishReason[] {
  const endings = ends.map(({ reason }) => ENDINGS.get(reason))
  if (endings.includes('malformed')) throw new UpstreamError('malformed', 'The model generated something that is no valid answer.')
  if (!output && endings.includes('filtered')) throw filtered('The provider\'s filter withheld the whole answer.')
  if (!output && endings.includes(undefined)) throw new UpstreamError('empty', 'The provider ended its answer without generating anything.')
  return ends.map((end, i) => {
    const ending = endings[i]
    switch (ending) {
      case 'stop': return end.calls ? calls : 'stop'
      case 'length': return 'length'
      case undefined: return end.calls ? calls : 'content_filter'
      default: return 'content_filter'
    }
  })
}

/** The provider's filter refused: the caller's fault, by the caller's own API's rules. */
export function filtered (message: string): UpstreamError {
  return new UpstreamError('content_filter', message, { status: 400, code: 'content_filter' })
}
