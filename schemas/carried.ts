import { isJsonObject } from './json-object.ts'

/**
 * What a request of another dialect says that the chat completions format has no field for. It is carried under symbols,
 * so that it is in no JSON: a target that speaks the format never gets it, and a provider that has a counterpart of its
 * own asks for it here. What would change the answer, a provider without a counterpart has to refuse by name.
 */

const CACHE_CONTROL = Symbol('cache_control')
const THINKING = Symbol('thinking')
const TOOL_ERROR = Symbol('is_error')
const TRANSLATED = Symbol('translated')

/**
 * "Cache the prompt up to here": a hint, which saves money and changes no answer.
 * @see https://docs.claude.com/en/docs/build-with-claude/prompt-caching
 */
export interface CacheControl {
  readonly type: 'ephemeral'
  /** How long it is kept; the provider's default is five minutes. */
  readonly ttl?: '5m' | '1h'
}

/**
 * How much a model may think before it answers, to the token; `reasoning_effort` says it in words only.
 * @see https://docs.claude.com/en/docs/build-with-claude/extended-thinking
 */
export type Thinking =
  | { readonly kind: 'budget', readonly tokens: number }
  /** As much as the model finds right. */
  | { readonly kind: 'adaptive' }
  | { readonly kind: 'off' }

/** A part, a message or a tool, with the hint that the prompt be cached up to its end. */
export function withCacheControl<T extends object> (value: T, control: CacheControl): T {
  return { ...value, [CACHE_CONTROL]: control }
}

/** That hint; also where a caller wrote it as a field, `cache_control`, as compatible servers have it. */
export function cacheControlOf (value: object): CacheControl | undefined {
  const control = CACHE_CONTROL in value ? value[CACHE_CONTROL] : 'cache_control' in value ? value.cache_control : undefined
  if (!isJsonObject(control) || control['type'] !== 'ephemeral') return undefined
  const { ttl } = control
  return ttl === '5m' || ttl === '1h' ? { type: 'ephemeral', ttl } : { type: 'ephemeral' }
}

/** A request that says exactly how much is to be thought. */
export function withThinking<T extends object> (request: T, thinking: Thinking): T {
  return { ...request, [THINKING]: thinking }
}

/** That; undefined where the request leaves it open. */
export function thinkingOf (request: object): Thinking | undefined {
  return THINKING in request && isThinking(request[THINKING]) ? request[THINKING] : undefined
}

function isThinking (value: unknown): value is Thinking {
  return isJsonObject(value) && (value['kind'] === 'adaptive' || value['kind'] === 'off' || (value['kind'] === 'budget' && typeof value['tokens'] === 'number'))
}

/** A tool message that says that the tool failed. */
export function asToolError<T extends object> (message: T): T {
  return { ...message, [TOOL_ERROR]: true }
}

/** Whether it says so. */
export function isToolError (message: object): boolean {
  return TOOL_ERROR in message && message[TOOL_ERROR] === true
}

/** A request whose fields a translator chose: of two that say the same, a provider may send the one that its target knows. */
export function asTranslated<T extends object> (request: T): T {
  return { ...request, [TRANSLATED]: true }
}

/** Whether it is one. */
export function isTranslated (request: object): boolean {
  return TRANSLATED in request && request[TRANSLATED] === true
}
