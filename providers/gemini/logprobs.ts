import type { LogprobsCandidate } from '@google/generative-ai'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { Logprobs, TokenLogprob } from '../../schemas/logprobs.ts'

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

function tokenOf ({ token, logProbability }: Pick<LogprobsCandidate, 'token' | 'logProbability'>): Omit<TokenLogprob, 'top_logprobs'> {
  return { token, logprob: logProbability, bytes: [...Buffer.from(token)] }
}
