import type { LogprobsCandidate } from '@google/generative-ai'
import { isJsonObject } from '../../schemas/json-object.ts'

/** A token and its logarithmic probability, in the chat completions format. */
interface TokenLogprob {
  readonly token: string
  readonly logprob: number
  readonly bytes: readonly number[]
}

/** `logprobs` of a choice. @see https://platform.openai.com/docs/api-reference/chat/object */
export interface Logprobs {
  readonly content: ReadonlyArray<TokenLogprob & { readonly top_logprobs: readonly TokenLogprob[] }>
}

/**
 * Translates a candidate's `logprobsResult`, of any shape; undefined where it holds nothing.
 * @see https://ai.google.dev/api/generate-content#LogprobsResult
 */
export function logprobsOf (result: unknown): Logprobs | undefined {
  if (!isJsonObject(result)) return undefined
  const { chosenCandidates: chosen, topCandidates: top } = result
  if (!Array.isArray(chosen) || chosen.length === 0) return undefined
  const alternatives: readonly unknown[] = Array.isArray(top) ? top : []
  return {
    content: chosen.flatMap((candidate: unknown, step) => {
      if (!isLogprob(candidate)) return []
      const others = alternatives[step]
      const candidates = isJsonObject(others) && Array.isArray(others['candidates']) ? others['candidates'] : []
      return [{ ...tokenOf(candidate), top_logprobs: candidates.filter(isLogprob).map(tokenOf) }]
    })
  }
}

function isLogprob (value: unknown): value is Pick<LogprobsCandidate, 'token' | 'logProbability'> {
  return isJsonObject(value) && typeof value['token'] === 'string' && typeof value['logProbability'] === 'number'
}

function tokenOf ({ token, logProbability }: Pick<LogprobsCandidate, 'token' | 'logProbability'>): TokenLogprob {
  return { token, logprob: logProbability, bytes: [...Buffer.from(token)] }
}
