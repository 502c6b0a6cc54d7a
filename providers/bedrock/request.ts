import type { ConverseCommandInput, InferenceConfiguration, OutputConfig } from '@aws-sdk/client-bedrock-runtime'
import { UpstreamError } from '../../errors/upstream-error.ts'
import type { ChatCompletionRequest } from '../../schemas/chat-completion-request.ts'
import { isJsonObject } from '../../schemas/json-object.ts'
import { unsupported } from './errors.ts'
import { conversationOf } from './messages.ts'
import { toolSettings } from './tools.ts'

/** What Converse and ConverseStream are asked, less the model. */
export type ConverseInput = Pick<ConverseCommandInput,
  'system' | 'messages' | 'inferenceConfig' | 'toolConfig' | 'outputConfig' | 'additionalModelRequestFields'>

/** Fields that have a counterpart in Converse (or are about the HTTP answer, as `stream` is). */
const TRANSLATED: ReadonlySet<string> = new Set([
  'model', 'messages', 'stream', 'stream_options', 'temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'stop',
  'tools', 'tool_choice', 'parallel_tool_calls', 'response_format', 'reasoning_effort'
])

/** Hints that change nothing in the answer; dropped. */
const HINTS: ReadonlySet<string> = new Set(['user', 'metadata', 'store', 'service_tier', 'prompt_cache_key', 'safety_identifier'])

/** Fields without a counterpart, and the values of them that ask for nothing. */
const NEUTRAL: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ['n', value => value === 1],
  ['presence_penalty', value => value === 0],
  ['frequency_penalty', value => value === 0],
  ['logprobs', value => value === false],
  ['top_logprobs', value => value === 0],
  ['logit_bias', value => isJsonObject(value) && Object.keys(value).length === 0],
  ['modalities', value => Array.isArray(value) && value.every(modality => modality === 'text')]
])

/**
 * A chat request in Converse's terms. What Converse cannot express is refused, never dropped, save for hints.
 * @param model the model's id, which decides what the model-specific fields can say
 * @throws {UpstreamError} `unsupported` or `invalid_request`, with the field in `param`
 * @see https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export function converseInput (request: ChatCompletionRequest, model: string): ConverseInput {
  refuseUnknown(request)
  const anthropic = isAnthropic(model)
  const { system, messages, usesTools } = conversationOf(request.messages)
  const { toolConfig, modelFields } = toolSettings(request, { anthropic, usedBefore: usesTools })
  const outputConfig = outputConfigOf(request)
  const thinking = thinkingOf(request, anthropic)
  const additional = { ...modelFields, ...(thinking === undefined ? {} : { thinking }) }
  return {
    messages,
    inferenceConfig: inferenceConfigOf(request),
    ...(system.length > 0 ? { system } : {}),
    ...(toolConfig === undefined ? {} : { toolConfig }),
    ...(outputConfig === undefined ? {} : { outputConfig }),
    ...(Object.keys(additional).length > 0 ? { additionalModelRequestFields: additional } : {})
  }
}

function refuseUnknown (request: ChatCompletionRequest): void {
  for (const [field, value] of Object.entries(request)) {
    if (value == null || TRANSLATED.has(field) || HINTS.has(field) || NEUTRAL.get(field)?.(value) === true) continue
    throw unsupported(field, NEUTRAL.has(field) ? `this value of ${field}` : `the field ${field}`)
  }
}

/** By the vendor's part of the id, which inference profiles keep (`eu.anthropic.claude-…`); ARNs of one's own hide it. */
function isAnthropic (model: string): boolean { return /(?:^|[./])anthropic\./.test(model) }

function maxTokensOf ({ max_completion_tokens: completion, max_tokens: total }: ChatCompletionRequest): number | undefined {
  return completion ?? total ?? undefined
}

function inferenceConfigOf (request: ChatCompletionRequest): InferenceConfiguration {
  const { temperature, top_p: topP, stop } = request
  const maxTokens = maxTokensOf(request)
  const stopSequences = typeof stop === 'string' ? [stop] : stop ?? []
  return {
    ...(temperature == null ? {} : { temperature }),
    ...(topP == null ? {} : { topP }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(stopSequences.length > 0 ? { stopSequences } : {})
  }
}

/**
 * Structured output by a schema; `json_object` is made by `toolSettings`.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
 */
function outputConfigOf ({ response_format: format }: ChatCompletionRequest): OutputConfig | undefined {
  if (format == null || format.type === 'text' || format.type === 'json_object') return undefined // the latter is a tool
  if (format.type !== 'json_schema') throw unsupported('response_format', 'response formats other than text, json_object and json_schema')
  const { name, description, schema } = format.json_schema
  if (schema === undefined) {
    throw new UpstreamError('invalid_request', 'response_format has no schema.', { status: 400, param: 'response_format.json_schema.schema' })
  }
  const jsonSchema = { name, schema: JSON.stringify(schema), ...(description ? { description } : {}) }
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } }
}

/** Tokens for thinking at each level of effort. */
const THINKING_BUDGETS: ReadonlyMap<string, number> = new Map([['minimal', 1024], ['low', 2048], ['medium', 8192], ['high', 16_384]])
/** Anthropic's lower limit of a budget. */
const MIN_BUDGET = 1024

/**
 * Anthropic's thinking budget, which must stay below the limit on all tokens.
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
 */
function thinkingOf (request: ChatCompletionRequest, anthropic: boolean): { type: 'enabled', budget_tokens: number } | undefined {
  const { reasoning_effort: effort } = request
  if (effort == null || (anthropic && effort === 'none')) return undefined
  const wanted = anthropic ? THINKING_BUDGETS.get(effort) : undefined
  if (wanted === undefined) throw unsupported('reasoning_effort', 'this reasoning effort for this model')
  const budget = Math.min(wanted, (maxTokensOf(request) ?? Infinity) - 1)
  if (budget < MIN_BUDGET) throw unsupported('reasoning_effort', `reasoning within fewer than ${MIN_BUDGET + 1} tokens`)
  return { type: 'enabled', budget_tokens: budget }
}
