import { Type } from 'typebox'
import type { Static } from 'typebox'
import { Nullable } from './nullable.ts'
import { openEnum } from './open-enum.ts'

/** Where a prompt is to be cached: in Anthropic's words, which compatible servers take, and in OpenAI's. */

/**
 * The prompt up to here is worth caching. Goes to Bedrock as a cache point, and unchanged to targets that speak the format.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching
 */
export const CacheControlHint = Type.Object({
  type: openEnum(['ephemeral']),
  ttl: Nullable(openEnum(['5m', '1h'], 'How long it is kept.'))
}, { title: 'CacheControl', description: 'Extension: cache the prompt up to here. A hint, dropped where a provider has nothing like it.' })

/** @see https://platform.openai.com/docs/guides/prompt-caching */
export const PromptCacheBreakpoint = Type.Object({
  mode: openEnum(['explicit']),
  ttl: Nullable(openEnum(['30m', '12h']))
}, { title: 'PromptCacheBreakpoint', description: 'The end of a prefix of the prompt that OpenAI is to cache.' })

/** The field of messages and tools. */
export const cacheControl = { cache_control: Nullable(CacheControlHint) }

/** The fields of content parts. */
export const cacheHints = { ...cacheControl, prompt_cache_breakpoint: Nullable(PromptCacheBreakpoint) }

export type CacheControlHint = Static<typeof CacheControlHint>
export type PromptCacheBreakpoint = Static<typeof PromptCacheBreakpoint>
