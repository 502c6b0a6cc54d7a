import type { CachePointBlock } from '@aws-sdk/client-bedrock-runtime'
import { cacheControlOf } from '../../schemas/carried.ts'
import { isNova } from './model.ts'
import type { Model } from './model.ts'

/**
 * Cache hints as Converse's cache points. A hint must not make a request fail, so what a model does not know is left out:
 * Bedrock refuses points that it cannot set.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
 */

/** A block of its own, which closes what is to be cached. */
export interface CachePoint {
  readonly cachePoint: CachePointBlock
}

/** Where a model takes cache points. */
export interface CacheRules {
  /** In system texts and messages. */
  readonly messages: boolean
  /** Also after blocks of a message that are not text. */
  readonly anyBlock: boolean
  readonly tools: boolean
  /** For an hour, and not for five minutes alone. */
  readonly hour: boolean
}

export function cacheRulesOf (model: Model): CacheRules {
  // Claude 3.5 Haiku, 3.7, and all since 4.
  const claude = model.claude >= 307 || model.name.startsWith('claude-3-5-haiku')
  return { messages: claude || isNova(model), anyBlock: claude, tools: claude, hour: model.claude >= 405 }
}

/**
 * The blocks of a part, message or result, and the cache point that it asks for.
 * @param hint the part, message or tool call
 */
export function withCachePoint<B extends object> (blocks: readonly B[], hint: object, rules: CacheRules): (B | CachePoint)[] {
  const last = blocks.at(-1)
  const control = rules.messages && last !== undefined ? cacheControlOf(hint) : undefined
  if (control === undefined || last === undefined || isCachePoint(last) || 'reasoningContent' in last || !(rules.anyBlock || 'text' in last)) return [...blocks]
  return [...blocks, pointFor(control.ttl, rules)]
}

/** Likewise of a tool. */
export function withToolCachePoint<B extends object> (spec: B, hint: object, rules: CacheRules): (B | CachePoint)[] {
  const control = rules.tools ? cacheControlOf(hint) : undefined
  return control === undefined ? [spec] : [spec, pointFor(control.ttl, rules)]
}

function pointFor (ttl: '5m' | '1h' | undefined, { hour }: CacheRules): CachePoint {
  return { cachePoint: hour && ttl === '1h' ? { type: 'default', ttl } : { type: 'default' } }
}

function isCachePoint (block: object): block is CachePoint {
  return 'cachePoint' in block && block.cachePoint !== undefined
}

/** Cache points in one request. */
const MAX_POINTS = 4

/**
 * Keeps the last four points of a request, which close the longest prefixes, and none for longer than one before it:
 * Bedrock refuses both.
 */
export class CachePointLimit {
  #surplus: number
  #longer = true

  /** @param lists blocks of the whole request */
  constructor (lists: readonly (readonly object[])[]) {
    this.#surplus = lists.reduce((count, blocks) => count + blocks.filter(isCachePoint).length, 0) - MAX_POINTS
  }

  /** To be called with all lists, in the order of the prompt: tools, system, messages. */
  apply<B extends object> (blocks: readonly (B | CachePoint)[]): (B | CachePoint)[] {
    return blocks.flatMap((block): (B | CachePoint)[] => {
      if (!isCachePoint(block)) return [block]
      if (this.#surplus-- > 0) return []
      this.#longer &&= block.cachePoint.ttl === '1h'
      return [this.#longer ? block : { cachePoint: { type: 'default' } }]
    })
  }
}
