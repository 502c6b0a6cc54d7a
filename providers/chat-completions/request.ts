import { UpstreamError } from '../../errors/upstream-error.ts'
import { isTranslated, thinkingOf } from '../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { toldInContent, withoutForeign } from './foreign-fields.ts'

export interface BodyOptions {
  /** The model or deployment to ask for. */
  readonly model: string
  /** Usage is then asked for, whatever the caller did: the audit log wants it. */
  readonly stream: boolean
  /** The target refuses fields that it does not know. */
  readonly strict: boolean
}

/**
 * The body of a request to a target that speaks the chat completions format: the caller's, but for the model, and for what
 * this target would not understand.
 * @throws {UpstreamError} `unsupported`: the format has no field for something in the request
 * @see https://platform.openai.com/docs/api-reference/chat/create
 */
export function bodyOf (request: ChatCompletionRequest, { model, stream, strict }: BodyOptions): string {
  const thinking = thinkingOf(request)
  if (thinking !== undefined && thinking.kind !== 'off') {
    throw new UpstreamError('unsupported', 'This target cannot be told how much to think, but for reasoning_effort.', { param: 'thinking' })
  }
  const body = toldInContent(strict ? withoutForeign(request) : withOlderLimit(request))
  if (!stream) return JSON.stringify({ ...body, model })
  return JSON.stringify({ ...body, model, stream: true, stream_options: { ...body.stream_options, include_usage: true } })
}

/**
 * The limit by the name that every compatible server knows. OpenAI's reasoning models want the new one, which others ignore
 * or refuse; what a caller of this format has written itself stays.
 */
function withOlderLimit (request: ChatCompletionRequest): ChatCompletionRequest {
  const { max_completion_tokens: limit, ...others } = request
  return limit == null || !isTranslated(request) ? request : { ...others, max_tokens: limit }
}
