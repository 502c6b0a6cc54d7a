import { BlockReason } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { Usage } from '../../schemas/chat-completion.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import { errorIn, inBandError } from './errors.ts'
import { filtered } from './finish-reason.ts'
import { logprobsOf } from './logprobs.ts'
import type { Logprobs } from './logprobs.ts'

/** What the gateway takes from a `GenerateContentResponse`, or from one event of a stream: of any shape outside, of this one here. */
export interface Answer {
  readonly id: string | undefined
  readonly model: string | undefined
  readonly candidates: readonly Candidate[]
  /** Undefined where the upstream counted nothing. */
  readonly usage: Usage | undefined
}

/** One candidate, or what an event adds to it. */
export interface Candidate {
  readonly index: number
  readonly text: string
  readonly reasoning: string
  readonly calls: readonly Call[]
  /** As the wire has it; undefined while there is none. */
  readonly finishReason: string | undefined
  readonly logprobs: Logprobs | undefined
}

/** A function call. */
export interface Call {
  readonly id: string | undefined
  readonly name: string
  /** JSON. */
  readonly arguments: string
  /** To be sent back with the call. @see https://ai.google.dev/gemini-api/docs/thought-signatures */
  readonly signature: string | undefined
}

/**
 * Looks at an answer.
 * @param value parsed JSON of any shape; undefined for what was no JSON
 * @param secrets what must not be quoted of an error in it
 * @throws {UpstreamError} an error inside it, a refused prompt, or `malformed`
 * @see https://ai.google.dev/api/generate-content#generatecontentresponse
 */
export function answerOf (value: unknown, secrets: readonly string[]): Answer {
  const error = errorIn(value)
  if (error !== undefined) throw inBandError(error, secrets)
  if (!isJsonObject(value)) throw malformed()
  const { promptFeedback, candidates, responseId, modelVersion, usageMetadata } = value
  if (isBlocked(promptFeedback)) throw filtered('The provider refused the prompt by its content filter.')
  return {
    id: textIn(responseId),
    model: textIn(modelVersion),
    candidates: Array.isArray(candidates) ? candidates.filter(isJsonObject).map(candidateOf) : [],
    usage: usageOf(usageMetadata)
  }
}

function isBlocked (feedback: unknown): boolean {
  const reason = isJsonObject(feedback) ? textIn(feedback['blockReason']) : undefined
  return reason !== undefined && reason !== BlockReason.BLOCKED_REASON_UNSPECIFIED
}

function candidateOf ({ index, content, finishReason, logprobsResult }: JsonObject, position: number): Candidate {
  let text = ''
  let reasoning = ''
  const calls: Call[] = []
  const parts = isJsonObject(content) ? content['parts'] : undefined
  for (const part of Array.isArray(parts) ? parts : []) {
    if (!isJsonObject(part)) continue
    const { text: words, thought, functionCall, thoughtSignature } = part
    // Other parts (code that the provider ran and its result, media) have no place in the chat completions format.
    if (typeof words === 'string') {
      if (thought === true) reasoning += words
      else text += words
    } else if (isJsonObject(functionCall)) {
      calls.push(callOf(functionCall, thoughtSignature))
    }
  }
  return {
    // Protobuf's JSON leaves out a number that is 0.
    index: typeof index === 'number' ? index : position,
    text,
    reasoning,
    calls,
    finishReason: textIn(finishReason),
    logprobs: logprobsOf(logprobsResult)
  }
}

function callOf ({ id, name, args }: JsonObject, signature: unknown): Call {
  if (typeof name !== 'string' || name === '') throw malformed()
  return { id: textIn(id), name, arguments: JSON.stringify(args ?? {}), signature: textIn(signature) }
}

/** Token counts of any shape; undefined if there are none. OpenAI counts what tools fed to the model as input, cached tokens too, and thoughts as output. */
export function usageOf (metadata: unknown): Usage | undefined {
  if (!isJsonObject(metadata)) return undefined
  const prompt = countIn(metadata['promptTokenCount'])
  const total = countIn(metadata['totalTokenCount'])
  if (prompt === undefined && total === undefined) return undefined
  const promptTokens = (prompt ?? 0) + (countIn(metadata['toolUsePromptTokenCount']) ?? 0)
  const thoughts = countIn(metadata['thoughtsTokenCount'])
  const cached = countIn(metadata['cachedContentTokenCount'])
  const completionTokens = (countIn(metadata['candidatesTokenCount']) ?? 0) + (thoughts ?? 0)
  const usage: Usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: total ?? promptTokens + completionTokens }
  if (cached !== undefined) usage.prompt_tokens_details = { cached_tokens: cached }
  if (thoughts !== undefined) usage.completion_tokens_details = { reasoning_tokens: thoughts }
  return usage
}

function malformed (): UpstreamError {
  return new UpstreamError('malformed', 'The provider sent something that the gateway cannot read.')
}

function textIn (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function countIn (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
