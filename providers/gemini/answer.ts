import { BlockReason, FinishReason } from '@google/generative-ai'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { Usage } from '../../schemas/chat-completion.ts'
import type { Logprobs } from '../../schemas/logprobs.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'
import type { PartKind } from './annotations.ts'
import { errorIn, inBandError } from './errors.ts'
import { filtered } from './finish-reason.ts'
import { jsonText } from './json.ts'
import { logprobsOf } from './logprobs.ts'
import { sourcesOf } from './sources.ts'
import type { Sources } from './sources.ts'
import { usageOf } from './usage.ts'

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
  readonly images: readonly Image[]
  /** Of text and thoughts; the last one where several came. */
  readonly signature: string | undefined
  /** Its parts in order; those of the content with their length. For what counts by parts. */
  readonly parts: ReadonlyArray<{ readonly kind: PartKind, readonly length: number }>
  readonly sources: Sources | undefined
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

/** An image that the model made. */
export interface Image {
  /** A `data:` URL. */
  readonly url: string
  /** To be sent back with it. */
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

/** Whatever the reason: there are no candidates then. @see https://ai.google.dev/api/generate-content#BlockReason */
function isBlocked (feedback: unknown): boolean {
  const reason = isJsonObject(feedback) ? textIn(feedback['blockReason']) : undefined
  return reason !== undefined && reason !== BlockReason.BLOCKED_REASON_UNSPECIFIED
}

function candidateOf (candidate: JsonObject, position: number): Candidate {
  const { index, content, finishReason, logprobsResult } = candidate
  let text = ''
  let reasoning = ''
  let signature: string | undefined
  const calls: Call[] = []
  const images: Image[] = []
  const kinds: Array<{ kind: PartKind, length: number }> = []
  const parts = isJsonObject(content) ? content['parts'] : undefined
  for (const part of Array.isArray(parts) ? parts : []) {
    let kind: PartKind = 'other'
    let length = 0
    if (isJsonObject(part)) {
      const { text: words, thought, functionCall, inlineData, thoughtSignature } = part
      const sign = textIn(thoughtSignature)
      // Other parts (code that the provider ran and its result, other media) have no place in the chat completions format.
      if (isJsonObject(functionCall)) {
        calls.push(callOf(functionCall, sign))
      } else if (isJsonObject(inlineData)) {
        const url = imageIn(inlineData)
        // One that it only thought of is none of the answer's.
        if (url !== undefined && thought !== true) images.push({ url, signature: sign })
      } else {
        signature = sign ?? signature
        if (typeof words === 'string') {
          if (thought === true) {
            reasoning += words
          } else {
            text += words
            kind = 'content'
            ;({ length } = words)
          }
        }
      }
    }
    kinds.push({ kind, length })
  }
  return {
    // Protobuf's JSON leaves out a number that is 0.
    index: typeof index === 'number' ? index : position,
    text,
    reasoning,
    calls,
    images,
    signature,
    parts: kinds,
    sources: sourcesOf(candidate),
    finishReason: finishReason === FinishReason.FINISH_REASON_UNSPECIFIED ? undefined : textIn(finishReason),
    logprobs: logprobsOf(logprobsResult)
  }
}

function callOf ({ id, name, args }: JsonObject, signature: string | undefined): Call {
  const text = jsonText(args ?? {})
  if (typeof name !== 'string' || name === '' || text === undefined) throw malformed()
  return { id: textIn(id), name, arguments: text, signature }
}

function imageIn ({ mimeType, data }: JsonObject): string | undefined {
  const type = textIn(mimeType)
  const bytes = textIn(data)
  return type === undefined || bytes === undefined || !/^image\/[\w.+-]+$/i.test(type) ? undefined : `data:${type};base64,${bytes}`
}

/** What came is no answer of the protocol. */
export function malformed (): UpstreamError {
  return new UpstreamError('malformed', 'The provider sent something that the gateway cannot read.')
}

function textIn (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
