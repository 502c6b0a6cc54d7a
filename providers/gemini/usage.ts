import type { Usage } from '../../schemas/chat-completion.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import type { JsonObject } from '../../schemas/json-object.ts'

/**
 * Token counts of a `usageMetadata` of any shape; undefined if there are none. OpenAI counts what tools fed to the model
 * as input, cached tokens too, and thoughts as output; sound and images are counted once more by themselves.
 * @see https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function usageOf (metadata: unknown): Usage | undefined {
  return isJsonObject(metadata) ? usageIn(metadata, mediaIn(metadata)) : undefined
}

/** The same, where the media have been counted. */
export function usageIn (metadata: JsonObject, { heard, said }: Media): Usage | undefined {
  const prompt = countIn(metadata['promptTokenCount'])
  const total = countIn(metadata['totalTokenCount'])
  if (prompt === undefined && total === undefined) return undefined
  const promptTokens = (prompt ?? 0) + (countIn(metadata['toolUsePromptTokenCount']) ?? 0)
  const thoughts = countIn(metadata['thoughtsTokenCount'])
  const cached = countIn(metadata['cachedContentTokenCount'])
  const completionTokens = (countIn(metadata['candidatesTokenCount']) ?? 0) + (thoughts ?? 0)
  const usage: Usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: total ?? promptTokens + completionTokens }
  if (cached !== undefined || heard !== undefined) usage.prompt_tokens_details = { ...(cached === undefined ? {} : { cached_tokens: cached }), ...heard }
  if (thoughts !== undefined || said !== undefined) usage.completion_tokens_details = { ...(thoughts === undefined ? {} : { reasoning_tokens: thoughts }), ...said }
  return usage
}

/** Tokens of other things than text. */
interface MediaTokens {
  audio_tokens?: number
  image_tokens?: number
}

/** What was heard and seen, and what was said and shown. */
export interface Media {
  readonly heard: MediaTokens | undefined
  readonly said: MediaTokens | undefined
}

/** Counts the media in a `usageMetadata`. */
export function mediaIn (metadata: JsonObject): Media {
  return { heard: countsIn(metadata, 'promptTokensDetails', 'toolUsePromptTokensDetails'), said: countsIn(metadata, 'candidatesTokensDetails') }
}

function countsIn (metadata: JsonObject, ...fields: readonly string[]): MediaTokens | undefined {
  let media: MediaTokens | undefined
  for (const field of fields) {
    const details = metadata[field]
    if (!Array.isArray(details)) continue
    for (const detail of details) {
      if (!isJsonObject(detail)) continue
      const name = detail['modality'] === 'AUDIO' ? 'audio_tokens' : detail['modality'] === 'IMAGE' ? 'image_tokens' : undefined
      const count = countIn(detail['tokenCount'])
      if (name === undefined || count === undefined) continue
      media ??= {}
      media[name] = (media[name] ?? 0) + count
    }
  }
  return media
}

function countIn (value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
