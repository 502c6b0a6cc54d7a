import { thinkingOf } from '../../schemas/carried.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { unsupported } from './errors.ts'
import { isNova } from './model.ts'
import type { Model } from './model.ts'

/** How much a model is to think, in its own terms. */
export interface ThinkingSettings {
  /** Whether it is to think at all, as far as the request says. */
  readonly thinks: boolean
  /** Fields for the model itself, beside Converse's own. */
  readonly modelFields: ModelThinkingFields
  /** Converse's `outputConfig.effort`. */
  readonly effort?: string
}

/** Each vendor's own field. */
export interface ModelThinkingFields {
  readonly thinking?: { readonly type: 'enabled', readonly budget_tokens: number } | { readonly type: 'adaptive' | 'disabled' }
  readonly reasoningConfig?: { readonly type: 'enabled', readonly maxReasoningEffort: string }
  readonly reasoning_effort?: string
}

const UNSAID: ThinkingSettings = { thinks: false, modelFields: {} }

/** Tokens for thinking at each level of effort, for models that are told a budget. */
const BUDGETS: ReadonlyMap<string, number> = new Map([['minimal', 1024], ['low', 2048], ['medium', 8192], ['high', 16_384]])
/** Anthropic's lower limit of a budget. */
const MIN_BUDGET = 1024
/** Levels of Claude from 4.6 on, which finds the amount itself; it knows none below `low`. */
const ADAPTIVE_EFFORTS: ReadonlyMap<string, string> = new Map([['minimal', 'low'], ['low', 'low'], ['medium', 'medium'], ['high', 'high'], ['xhigh', 'xhigh'], ['max', 'max']])
const ADAPTIVE_SINCE = 406
/** Levels of Nova 2 and of gpt-oss. */
const PLAIN_EFFORTS: ReadonlySet<string> = new Set(['low', 'medium', 'high'])

/**
 * What a request says of thinking: exactly (see `thinkingOf`), or else by `reasoning_effort`.
 * @throws {UpstreamError} `unsupported`, with `thinking` or `reasoning_effort` in `param`
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html
 * @see https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
 */
export function thinkingSettings (request: ChatCompletionRequest, model: Model): ThinkingSettings {
  const exact = thinkingOf(request)
  const { reasoning_effort: effort } = request
  switch (exact?.kind) {
    case 'off': return { ...off(model), ...effortBeside(effort, model) }
    case 'budget':
      if (model.vendor !== 'anthropic') throw unsupported('thinking', 'a budget for thinking for this model')
      return { thinks: true, modelFields: { thinking: { type: 'enabled', budget_tokens: exact.tokens } }, ...effortBeside(effort, model) }
    case 'adaptive':
      if (model.vendor !== 'anthropic') throw unsupported('thinking', 'adaptive thinking for this model')
      return { thinks: true, modelFields: { thinking: { type: 'adaptive' } }, ...effortBeside(effort, model) }
    case undefined:
      if (effort == null) return UNSAID
      return effort === 'none' ? none(model) : byEffort(effort, request, model)
  }
}

/** Without a word, Claude 4.6 and later may think; the others do not. */
function off ({ claude }: Model): ThinkingSettings {
  return claude >= ADAPTIVE_SINCE ? { thinks: false, modelFields: { thinking: { type: 'disabled' } } } : UNSAID
}

/** Models of other vendors may think without being told to, and cannot be told not to. */
function none (model: Model): ThinkingSettings {
  if (model.vendor !== 'anthropic' && !isNova(model)) throw unsupported('reasoning_effort', 'this reasoning effort for this model')
  return off(model)
}

/** An effort beside exact words on thinking: a setting of its own from Claude 4.6 on, and nothing more to say before. */
function effortBeside (effort: string | null | undefined, { claude }: Model): Pick<ThinkingSettings, 'effort'> {
  return effort == null || effort === 'none' || claude < ADAPTIVE_SINCE ? {} : { effort: levelOf(effort) }
}

function levelOf (effort: string): string {
  const level = ADAPTIVE_EFFORTS.get(effort)
  if (level === undefined) throw unsupported('reasoning_effort', 'this reasoning effort for this model')
  return level
}

function byEffort (effort: string, request: ChatCompletionRequest, model: Model): ThinkingSettings {
  if (model.claude >= ADAPTIVE_SINCE) return { thinks: true, modelFields: { thinking: { type: 'adaptive' } }, effort: levelOf(effort) }
  if (model.vendor === 'anthropic') return budget(effort, request)
  if (PLAIN_EFFORTS.has(effort)) {
    if (isNova(model) && model.name.startsWith('nova-2-')) {
      return { thinks: true, modelFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: effort } } }
    }
    if (model.vendor === 'openai') return { thinks: true, modelFields: { reasoning_effort: effort } }
  }
  throw unsupported('reasoning_effort', 'this reasoning effort for this model')
}

/** A budget, which must stay below the limit on all tokens. */
function budget (effort: string, { max_completion_tokens: completion, max_tokens: total }: ChatCompletionRequest): ThinkingSettings {
  const wanted = BUDGETS.get(effort)
  if (wanted === undefined) throw unsupported('reasoning_effort', 'this reasoning effort for this model')
  const tokens = Math.min(wanted, (completion ?? total ?? Infinity) - 1)
  if (tokens < MIN_BUDGET) throw unsupported('reasoning_effort', `reasoning within fewer than ${MIN_BUDGET + 1} tokens`)
  return { thinks: true, modelFields: { thinking: { type: 'enabled', budget_tokens: tokens } } }
}
