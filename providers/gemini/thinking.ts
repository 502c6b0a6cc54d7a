import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { thinkingOf } from '../../schemas/carried.ts'
import type { Thinking } from '../../schemas/carried.ts'
import { unsupported } from './unsupported.ts'
import { generationOf } from './wire.ts'
import type { ThinkingConfig } from './wire.ts'

/** Since Gemini 3 by level, before (and for names that tell no generation, as Gemini 3 takes it too) by budget. */
const LEVELS_SINCE = 3

/** Tokens for each effort, as Google's own OpenAI endpoint has them. */
const BUDGETS: ReadonlyMap<string, number> = new Map([['none', 0], ['minimal', 1024], ['low', 1024], ['medium', 8192], ['high', 24_576]])
/** As many tokens as the model finds right. */
const DYNAMIC = -1

/**
 * How much the model is to think: to the token where another dialect says so, else by the effort; undefined where the
 * request leaves it open.
 * @throws {UpstreamError} `unsupported`, with `thinking` or `reasoning_effort` as its param
 * @see https://ai.google.dev/gemini-api/docs/thinking
 * @see https://ai.google.dev/gemini-api/docs/openai#thinking
 */
export function thinkingConfigOf (request: ChatCompletionRequest, model: string): ThinkingConfig | undefined {
  const thinking = thinkingOf(request)
  if (thinking !== undefined) return exactly(thinking, model)
  return request.reasoning_effort == null ? undefined : byEffort(request.reasoning_effort, model)
}

function exactly (thinking: Thinking, model: string): ThinkingConfig {
  switch (thinking.kind) {
    case 'off': return off(model, 'thinking')
    case 'adaptive': return { includeThoughts: true, thinkingBudget: DYNAMIC }
    case 'budget': return { includeThoughts: true, thinkingBudget: thinking.tokens }
  }
}

function byEffort (effort: string, model: string): ThinkingConfig {
  if (effort === 'none') return off(model, 'reasoning_effort')
  // Thoughts are asked for: who sets an effort reads `reasoning_content`, and output that comes early shows that the target is well.
  const includeThoughts = true
  const generation = generationOf(model)
  if (generation === undefined || generation < LEVELS_SINCE) {
    const thinkingBudget = BUDGETS.get(effort)
    if (thinkingBudget === undefined) throw unsupported('reasoning_effort', 'it knows none, minimal, low, medium and high')
    return { includeThoughts, thinkingBudget }
  }
  switch (effort) {
    case 'minimal': return { includeThoughts, thinkingLevel: model.includes('pro') ? 'low' : 'minimal' }
    case 'low':
    case 'medium':
    case 'high': return { includeThoughts, thinkingLevel: effort }
    default: throw unsupported('reasoning_effort', 'it knows minimal, low, medium and high')
  }
}

function off (model: string, param: string): ThinkingConfig {
  const generation = generationOf(model) ?? 0
  if (generation >= LEVELS_SINCE || (generation === 2.5 && model.includes('pro'))) throw unsupported(param, 'this model always thinks')
  return { includeThoughts: false, thinkingBudget: 0 }
}
